"""Use cases of publications, one transaction each."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.distribution.publications.listing import PublicationQuery, publications_of
from app.distribution.publications.rendering import list_entries, read_publication
from app.incentives.publications.publishing import publish_or_note
from app.incentives.publications.schemas import PublicationCreate
from app.incentives.vouchers.repository import VoucherRepository
from app.kit import clock
from app.kit.db import Database
from app.kit.filters import When
from app.kit.lists import fetch_page
from app.models import Voucher


async def publish(db: Database, caller: Caller, body: PublicationCreate, *, join_once: bool) -> dict[str, Any]:
    """Give codes to a customer, all that were asked for or none; the answer is a PublicationRead in JSON values.

    An attempt that finds nothing to give is kept as well, in a transaction of its own, before the error leaves.

    Raises MissingVouchers, InvalidPublishParams, TooManyVouchersRequested, DuplicateSourceId, Unpublishable,
    NotFound (campaign, voucher, customer), MetadataValidationFailed.
    """
    publication = await publish_or_note(db, caller, body, join_once=join_once, now=clock.now())
    # Read after the commit: whoever waits for the same customer, campaign or public code need not wait for this.
    async with db.read() as session:
        return await read_publication(session, caller, publication)


async def search(db: Database, caller: Caller, query: PublicationQuery) -> tuple[list[dict[str, Any]], int]:
    """The publications that `query` asks for, as they are answered, and how many there are on all pages.

    Raises InvalidQuery.
    """
    when = When(clock.now(), caller.project.zone)
    async with db.read() as session:
        voucher = await _find_voucher(session, caller, query.voucher)
        page = await fetch_page(session, publications_of(caller, query, voucher), query, when)
        entries = await list_entries(session, caller.project_id, page.rows)
    return entries, page.total


async def _find_voucher(session: AsyncSession, caller: Caller, code: str | None) -> Voucher | None:
    if code is None:
        return None
    vouchers = VoucherRepository(session, caller.project_id, case_sensitive=caller.project.case_sensitive_codes)
    found = await vouchers.find_by_code(code)
    return found[0] if found else None
