"""Where members stand: worked out anew whenever what it depends on has changed, under the lock of the card's standing.

Who changes points needs not care: everything that can change a tier is announced, and the worker looks again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.engine.loyalty_tiers import (
    BY_BALANCE,
    NOWHERE,
    Change,
    Gathered,
    Spell,
    Standing,
    Tier,
    TiersExpiration,
    change_between,
    periods_that_count,
    stand,
    united,
)
from app.incentives.loyalty_tiers import events
from app.incentives.loyalty_tiers.repository import LoyaltyTierRepository, StandingRepository
from app.kit.wire import format_instant
from app.ledger.movements import points_account
from app.ledger.points import gathered_before, usable
from app.models import Campaign, LoyaltyStanding, LoyaltyTier, Project, Voucher


@dataclass(frozen=True, slots=True)
class Program:
    """A loyalty program as far as tiers go."""

    campaign_id: str
    rules: TiersExpiration
    tiers: Mapping[str, LoyaltyTier]
    zone: ZoneInfo


async def load_program(session: AsyncSession, campaign: Campaign) -> Program:
    zone = await session.scalar(select(Project.timezone).where(Project.id == campaign.project_id))
    tiers = await LoyaltyTierRepository(session, campaign.project_id).all_of(campaign.id)
    return Program(campaign.id, rules_of(campaign), {tier.id: tier for tier in tiers}, ZoneInfo(zone or "UTC"))


def rules_of(campaign: Campaign) -> TiersExpiration:
    """How members of the program qualify; what is stored was checked when it was saved."""
    stored = campaign.loyalty_tiers_expiration
    return TiersExpiration.model_validate(stored) if stored else BY_BALANCE


def engine_tier(tier: LoyaltyTier) -> Tier:
    return Tier(tier.id, tier.points_from, tier.points_to)


async def recalculate(
    session: AsyncSession, program: Program, card: Voucher, now: datetime, *, may_lower: bool = True
) -> Change | None:
    """Work out anew where the card stands, keep it, and announce what has changed.

    A card that nobody holds is nowhere, and a disabled one stays where it is until it is enabled. Unless it
    `may_lower`, nobody gets into a lower tier or out of all.
    """
    standings = StandingRepository(session, card.project_id)
    row = await standings.lock(card, now, may_make=bool(program.tiers) and card.holder_id is not None)
    if row is None:
        return None
    if not card.active:
        row.due_at = None
        return None
    former = await LoyaltyTierRepository(session, card.project_id).by_id(_tier_ids(row) - set(program.tiers))
    known = {**former, **program.tiers}
    before = standing_of(row, known)
    after = NOWHERE
    if card.holder_id is not None:
        tiers = [engine_tier(tier) for tier in program.tiers.values()]
        gathered = await _gathered(session, program, card, now)
        after = stand(before, tiers, program.rules, gathered, now, program.zone, may_lower=may_lower)
    if after == before and row.due_at == after.due_at:
        return None
    _keep(row, after, now)
    change = change_between(before, after)
    if change is not None:
        _announce(session, card, change, before, after, known)
    return change


async def unite(session: AsyncSession, old: Voucher, own: Voucher, now: datetime) -> None:
    """Let the holder of both cards, who keeps `own` only, have the higher of their tiers for as long as it lasts."""
    standings = StandingRepository(session, own.project_id)
    left = await standings.lock(old, now, may_make=False)
    if left is None or (left.tier_id is None and left.next_tier_id is None):
        return
    row = await standings.lock(own, now, may_make=True)
    assert row is not None  # it was just made, if it was missing
    known = await LoyaltyTierRepository(session, own.project_id).by_id(_tier_ids(left) | _tier_ids(row))
    before = standing_of(row, known)
    after = united(before, standing_of(left, known))
    await session.delete(left)
    if after == before:
        return
    _keep(row, after, now)
    change = change_between(before, after)
    if change is not None:
        _announce(session, own, change, before, after, known)


def standing_of(row: LoyaltyStanding, tiers: Mapping[str, LoyaltyTier]) -> Standing:
    """The stored standing; `tiers` are those it names."""
    return Standing(
        _spell(tiers, row.tier_id, row.starts_at, row.expires_at),
        _spell(tiers, row.next_tier_id, row.next_starts_at, row.next_expires_at),
    )


async def _gathered(session: AsyncSession, program: Program, card: Voucher, now: datetime) -> Sequence[Gathered]:
    account = points_account(card.id)
    periods = periods_that_count(program.rules, now, program.zone)
    if not periods:
        return [Gathered(await usable(session, card.project_id, account, now))]
    instants = [periods[-1][0], *(ends_at for _, ends_at in reversed(periods))]
    totals = await gathered_before(session, card.project_id, account, instants)
    by_period = [later - earlier for earlier, later in pairwise(totals)]
    return [Gathered(max(0, points), *period) for points, period in zip(reversed(by_period), periods, strict=True)]


def _tier_ids(row: LoyaltyStanding) -> set[str]:
    return {tier_id for tier_id in (row.tier_id, row.next_tier_id) if tier_id is not None}


def _spell(
    tiers: Mapping[str, LoyaltyTier], tier_id: str | None, starts_at: datetime | None, expires_at: datetime | None
) -> Spell | None:
    if tier_id is None or starts_at is None:
        return None
    return Spell(engine_tier(tiers[tier_id]), starts_at, expires_at)


def _keep(row: LoyaltyStanding, standing: Standing, now: datetime) -> None:
    for prefix, spell in (("", standing.current), ("next_", standing.coming)):
        setattr(row, f"{prefix}tier_id", spell and spell.tier.id)
        setattr(row, f"{prefix}starts_at", spell and spell.starts_at)
        setattr(row, f"{prefix}expires_at", spell and spell.expires_at)
    row.due_at = standing.due_at
    row.updated_at = now


def _announce(
    session: AsyncSession,
    card: Voucher,
    change: Change,
    before: Standing,
    after: Standing,
    known: Mapping[str, LoyaltyTier],
) -> None:
    tier = known[after.current.tier.id] if after.current else None
    former = known[before.current.tier.id] if before.current else None
    expires_at = after.current.expires_at if after.current else None
    events.member_moved(session, card, change, tier, former, format_instant(expires_at) if expires_at else None)
