"""Use cases of referrals, one transaction each."""

from typing import Annotated, Any, ClassVar

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.commerce.customers import profiles
from app.engine.referrals import STATUSES
from app.incentives.referrals.codes import get_member
from app.incentives.referrals.errors import ReferralInUse, ReferralNotFound
from app.incentives.referrals.referral_schemas import ClaimIn, ReferralRead
from app.incentives.referrals.repository import ReferralRepository
from app.incentives.referrals.steps import attribute, reject
from app.kit import clock
from app.kit.conditions import Filterable
from app.kit.db import Database
from app.kit.filters import When, moment, text
from app.kit.lists import CursorQuery, ListBody, fetch_slice
from app.models import Referral


class ReferralQuery(CursorQuery):
    """What the list of referrals can be asked."""

    filterable: ClassVar = Filterable(
        {
            "id": text(Referral.id),
            "status": text(Referral.status, STATUSES),
            "rejection": text(Referral.rejection),
            "voucher_id": text(Referral.voucher_id),
            "order_id": text(Referral.order_id),
            "created_at": moment(Referral.created_at),
            "qualified_at": moment(Referral.qualified_at),
            "settled_at": moment(Referral.settled_at),
        },
        Referral.referral_metadata,
    )

    campaign_id: Annotated[str | None, Field(description="Only those of this program.")] = None
    referrer_id: Annotated[str | None, Field(description="Only those of this referrer.")] = None
    referee_id: Annotated[str | None, Field(description="Only those of this referee.")] = None


async def claim(db: Database, caller: Caller, body: ClaimIn) -> ReferralRead:
    """Note that a customer came by a referral code; again and again, it is the same referral.

    Raises MemberNotFound, NotPublished, ProgramClosed, SelfReferral, AlreadyReferred; NotFound for an unknown customer
    id.
    """
    now = clock.now()
    async with db.write() as session:
        voucher, campaign = await get_member(session, caller.project, body.code)
        referee = await profiles.upsert(session, caller, body.customer, now)
        await session.flush()
        referral = await attribute(session, caller.project, voucher, campaign, referee, "claim", now)
        return ReferralRead.model_validate(referral)


async def get(db: Database, caller: Caller, referral_id: str) -> ReferralRead:
    """Raises ReferralNotFound."""
    async with db.read() as session:
        return ReferralRead.model_validate(await _get(session, caller, referral_id))


async def search(db: Database, caller: Caller, query: ReferralQuery) -> ListBody[ReferralRead]:
    """Raises InvalidQuery."""
    async with db.read() as session:
        rows = ReferralRepository(session, caller.project_id).rows()
        for column, value in (
            (Referral.campaign_id, query.campaign_id),
            (Referral.referrer_id, query.referrer_id),
            (Referral.referee_id, query.referee_id),
        ):
            if value is not None:
                rows = rows.where(column == value)
        found = await fetch_slice(session, rows, query, When(clock.now(), caller.project.zone))
        return ListBody(
            data=[ReferralRead.model_validate(row) for row in found.rows],
            has_more=found.has_more,
            more_starting_after=found.more_starting_after,
        )


async def withdraw(db: Database, caller: Caller, referral_id: str) -> ReferralRead:
    """Reject a referral by hand, as long as it was not rewarded. Raises ReferralNotFound, ReferralInUse."""
    async with db.write() as session:
        referral = await _get(session, caller, referral_id)
        rejected = await reject(session, caller.project, referral, "withdrawn", clock.now())
        if rejected is None:
            raise ReferralInUse(referral_id)
        record(session, caller, "referral.rejected", "referral", referral_id)
        return ReferralRead.model_validate(rejected)


async def _get(session: AsyncSession, caller: Caller, referral_id: str) -> Referral:
    referral: Any = await ReferralRepository(session, caller.project_id).find(referral_id)
    if referral is None:
        raise ReferralNotFound(referral_id)
    found: Referral = referral
    return found
