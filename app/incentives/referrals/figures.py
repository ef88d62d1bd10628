"""Totals of referrals, and who refers most."""

import re
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.engine.referrals import STATUSES
from app.incentives.campaigns.service import get_campaign
from app.kit.db import Database
from app.kit.errors import InvalidQuery
from app.kit.wire import WireOut
from app.models import Account, Referral

REFERRER = "customer:"
MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
Count = Annotated[int, Field(ge=0)]


class StatusCounts(WireOut):
    """How many referrals are in each state."""

    invited: Count
    attributed: Count
    qualified: Count
    cooling: Count
    rewarded: Count
    rejected: Count


class ReferralTotals(WireOut):
    campaign_id: str | None = None
    referrals: StatusCounts
    object: str = "referral_totals"


class LeaderboardEntry(WireOut):
    rank: Annotated[int, Field(description="From 1; referrers with as many referees share it.")]
    referrer_id: str
    referees: Annotated[int, Field(description="Who qualified and were not rejected, be they rewarded or not yet.")]
    rewarded: Annotated[int | None, Field(description="Whom rewards were given for; not told for a month.")] = None


class Leaderboard(WireOut):
    campaign_id: str
    month: str | None = None
    data: list[LeaderboardEntry]
    object: str = "list"


async def totals(db: Database, caller: Caller, campaign: str | None) -> ReferralTotals:
    """Of one program, by id or name, or of all. Raises CampaignNotFound."""
    async with db.read() as session:
        rows = select(Referral.status, func.count()).where(Referral.project_id == caller.project_id)
        campaign_id = None
        if campaign is not None:
            campaign_id = (await get_campaign(session, caller, campaign)).id
            rows = rows.where(Referral.campaign_id == campaign_id)
        found = {status: count for status, count in await session.execute(rows.group_by(Referral.status))}
    counts = StatusCounts(**{status.lower(): found.get(status, 0) for status in STATUSES})
    return ReferralTotals(campaign_id=campaign_id, referrals=counts)


async def leaderboard(db: Database, caller: Caller, campaign: str, month: str | None, limit: int) -> Leaderboard:
    """The referrers with the most referees in a program, of all time or of one month in the project's zone.

    Raises CampaignNotFound, InvalidQuery.
    """
    if month is not None and not MONTH.fullmatch(month):
        raise InvalidQuery("month", "A month looks like 2026-11.")
    async with db.read() as session:
        campaign_id = (await get_campaign(session, caller, campaign)).id
        first = await _most(session, caller.project_id, campaign_id, month or "", limit)
        rewarded = {} if month else await _rewarded(session, caller.project_id, campaign_id, list(first))
    ranks = sorted(first.values(), reverse=True)
    data = [
        LeaderboardEntry(
            rank=ranks.index(count) + 1,
            referrer_id=subject.removeprefix(REFERRER),
            referees=count,
            rewarded=None if month else rewarded.get(subject, 0),
        )
        for subject, count in first.items()
    ]
    return Leaderboard(campaign_id=campaign_id, month=month, data=data)


async def _most(session: AsyncSession, project_id: int, campaign_id: str, period: str, limit: int) -> dict[str, int]:
    """The subjects of the accounts that counted most, and how much; reads one row for each referrer."""
    rows: Any = await session.execute(
        select(Account.subject, -Account.balance)
        .where(
            Account.project_id == project_id,
            Account.owner_id == campaign_id,
            Account.measure == "referees",
            Account.subject != "",
            Account.period == period,
            Account.balance < 0,
        )
        .order_by(Account.balance, Account.subject)
        .limit(limit)
    )
    return {subject: count for subject, count in rows}


async def _rewarded(session: AsyncSession, project_id: int, campaign_id: str, subjects: list[str]) -> dict[str, int]:
    rows: Any = await session.execute(
        select(Account.subject, -Account.balance).where(
            Account.project_id == project_id,
            Account.owner_id == campaign_id,
            Account.measure == "rewarded",
            Account.subject.in_(subjects),
            Account.period == "",
        )
    )
    return {subject: count for subject, count in rows}
