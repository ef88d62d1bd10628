"""Use cases of members and their cards, one transaction each."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.incentives.campaigns.service import get_campaign
from app.incentives.loyalties.errors import MemberNotFound
from app.incentives.loyalties.rendering import bucket_read
from app.incentives.loyalties.schemas import BucketQuery, MemberCreate, MemberQuery, lots_of, members_of
from app.incentives.publications.publishing import publish_or_note
from app.incentives.publications.repository import PoolRepository
from app.incentives.publications.schemas import CampaignSource, PublicationCreate
from app.incentives.vouchers.repository import VoucherRepository
from app.incentives.vouchers.service import read_all
from app.kit import clock
from app.kit.db import Database
from app.kit.filters import When
from app.kit.lists import fetch_page
from app.models import Campaign, Voucher

PROGRAM = "LOYALTY_PROGRAM"


async def get_program(session: AsyncSession, caller: Caller, name_or_id: str) -> Campaign:
    """Raises CampaignNotFound."""
    return await get_campaign(session, caller, name_or_id, of_type=PROGRAM)


async def get_card(
    session: AsyncSession, caller: Caller, member: str, program: str | None = None
) -> tuple[Voucher, Campaign]:
    """The card with this code or id, and its program: the one that is named, if one is.

    Raises CampaignNotFound, MemberNotFound.
    """
    vouchers = VoucherRepository(session, caller.project_id, case_sensitive=caller.project.case_sensitive_codes)
    named = None if program is None else await get_program(session, caller, program)
    found = await vouchers.find_by_code(member)
    card, campaign = found or (None, None)
    if card is None or campaign is None or card.type != "LOYALTY_CARD":
        raise MemberNotFound(member)
    if named is not None and campaign.id != named.id:
        raise MemberNotFound(member)
    return card, campaign


async def search(db: Database, caller: Caller, program: str, query: MemberQuery) -> tuple[list[dict[str, Any]], int]:
    """A page of the program's cards that somebody holds, and how many there are.

    Raises CampaignNotFound, InvalidQuery.
    """
    async with db.read() as session:
        campaign = await get_program(session, caller, program)
        when = When(clock.now(), caller.project.zone)
        page = await fetch_page(session, members_of(caller, query, campaign.id), query, when)
        return await read_all(session, caller, [(card, campaign) for card in page.rows]), page.total


async def get(db: Database, caller: Caller, member: str, program: str | None = None) -> dict[str, Any]:
    """Raises CampaignNotFound, MemberNotFound."""
    async with db.read() as session:
        return (await read_all(session, caller, [await get_card(session, caller, member, program)]))[0]


async def add(db: Database, caller: Caller, program: str, body: MemberCreate) -> dict[str, Any]:
    """Publish a card to the customer; the card as it is then.

    Raises CampaignNotFound, MemberNotFound, InvalidPublishParams, DuplicateSourceId, Unpublishable, NotFound
    (customer), MetadataValidationFailed.
    """
    async with db.read() as session:
        campaign = await get_program(session, caller, program)
        if body.voucher is not None:
            await get_card(session, caller, body.voucher, campaign.id)
    request = PublicationCreate(
        voucher=body.voucher,
        campaign=None if body.voucher else CampaignSource(name=campaign.id),
        customer=body.customer,
        source_id=body.source_id,
        metadata=body.metadata,
        channel=body.channel,
    )
    publication = await publish_or_note(db, caller, request, join_once=False, now=clock.now())
    async with db.read() as session:
        found = await PoolRepository(session, caller.project_id).with_campaigns(publication.voucher_ids)
        return (await read_all(session, caller, list(found.values())))[0]


async def list_buckets(
    db: Database, caller: Caller, member: str, query: BucketQuery, program: str | None = None
) -> dict[str, Any]:
    """The card's points by their last day. Raises CampaignNotFound, MemberNotFound, InvalidQuery."""
    async with db.read() as session:
        card, _ = await get_card(session, caller, member, program)
        when = When(clock.now(), caller.project.zone)
        page = await fetch_page(session, lots_of(caller.project_id, card.id), query, when)
    return {
        "object": "list",
        "data_ref": "data",
        "data": [bucket_read(lot, card, when) for lot in page.rows],
        "total": page.total,
    }
