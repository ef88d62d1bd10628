"""Use cases of loyalty tiers, one transaction each."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.access.configuration import change_configuration
from app.engine.loyalty_tiers import Tier, first_overlap
from app.incentives.loyalties.members import get_card
from app.incentives.loyalty_tiers import events
from app.incentives.loyalty_tiers.errors import LoyaltyTierNotFound, TooManyTiers
from app.incentives.loyalty_tiers.recalculation import look_at_members
from app.incentives.loyalty_tiers.rendering import spell_read, tier_read
from app.incentives.loyalty_tiers.repository import LoyaltyTierRepository, StandingRepository
from app.incentives.loyalty_tiers.schemas import LoyaltyTierCreate, LoyaltyTierQuery, LoyaltyTierUpdate, PointsRange
from app.incentives.loyalty_tiers.standings import engine_tier, standing_of
from app.incentives.rewards.assignments import get_program
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import InvalidPayload
from app.kit.filters import When
from app.kit.ids import new_id
from app.kit.lists import fetch_page
from app.kit.metadata import merged_metadata
from app.models import Campaign, EarningRule, LoyaltyTier, RewardAssignment

MOST_TIERS = 100

Answer = dict[str, Any]


async def create(
    db: Database, caller: Caller, campaign_name_or_id: str, bodies: Sequence[LoyaltyTierCreate]
) -> list[Answer]:
    """Add tiers to a program; where its members stand is worked out anew in the background.

    Raises CampaignNotFound, NoLoyaltyProgram, TooManyTiers, InvalidPayload, MetadataValidationFailed.
    """
    async with db.write() as session:
        version = await change_configuration(session, caller.project_id)
        campaign = await get_program(session, caller, campaign_name_or_id)
        existing = await LoyaltyTierRepository(session, caller.project_id).all_of(campaign.id)
        if len(existing) + len(bodies) > MOST_TIERS:
            raise TooManyTiers(f"A program may have {MOST_TIERS} tiers; {campaign.name} has {len(existing)}.")
        tiers: list[LoyaltyTier] = []
        for place, body in enumerate(bodies):
            tier = LoyaltyTier(
                project_id=caller.project_id,
                id=new_id("ltr"),
                campaign_id=campaign.id,
                created_at=clock.now(),
                **_columns(caller, body, f"[{place}]."),
            )
            _check_range(tier, [*existing, *tiers], f"[{place}].")
            await _check_mappings(session, tier, f"[{place}].")
            tiers.append(tier)
        session.add_all(tiers)
        shown = [tier_read(tier) for tier in tiers]
        for tier_as_read, body in zip(shown, bodies, strict=True):
            changes = body.model_dump(mode="json", exclude_unset=True, by_alias=True)
            events.tier_changed(session, caller, "created", tier_as_read, campaign, changes)
        await look_at_members(session, campaign, version)
    return shown


async def search(db: Database, caller: Caller, campaign_name_or_id: str, query: LoyaltyTierQuery) -> Answer:
    """A page of a program's tiers. Raises CampaignNotFound, NoLoyaltyProgram, InvalidQuery."""
    async with db.read() as session:
        campaign = await get_program(session, caller, campaign_name_or_id)
        statement = LoyaltyTierRepository(session, caller.project_id).of_program(campaign.id)
        page = await fetch_page(session, statement, query, When(clock.now(), caller.project.zone))
    return _listed([tier_read(tier) for tier in page.rows], page.total)


async def get(db: Database, caller: Caller, campaign_name_or_id: str, tier_id: str) -> Answer:
    """Raises CampaignNotFound, NoLoyaltyProgram, LoyaltyTierNotFound."""
    async with db.read() as session:
        _, tier = await get_tier(session, caller, campaign_name_or_id, tier_id)
        return tier_read(tier)


async def update(
    db: Database, caller: Caller, campaign_name_or_id: str, tier_id: str, body: LoyaltyTierUpdate
) -> Answer:
    """Change the members that were sent; where members stand is worked out anew in the background.

    Raises CampaignNotFound, NoLoyaltyProgram, LoyaltyTierNotFound, InvalidPayload, MetadataValidationFailed.
    """
    async with db.write() as session:
        version = await change_configuration(session, caller.project_id)
        campaign, tier = await get_tier(session, caller, campaign_name_or_id, tier_id)
        for name, value in _columns(caller, body, "", tier).items():
            setattr(tier, name, value)
        others = await LoyaltyTierRepository(session, caller.project_id).all_of(campaign.id)
        _check_range(tier, [other for other in others if other.id != tier.id], "")
        if body.earning_rules or body.rewards:
            await _check_mappings(session, tier, "")
        tier.updated_at = clock.now()
        shown = tier_read(tier)
        changes = body.model_dump(mode="json", exclude_unset=True, by_alias=True)
        events.tier_changed(session, caller, "updated", shown, campaign, changes)
        if body.points is not None:
            await look_at_members(session, campaign, version)
    return shown


async def delete(db: Database, caller: Caller, campaign_name_or_id: str, tier_id: str) -> None:
    """Delete a tier; its members are moved in the background to where their points belong.

    Raises CampaignNotFound, NoLoyaltyProgram, LoyaltyTierNotFound.
    """
    async with db.write() as session:
        version = await change_configuration(session, caller.project_id)
        campaign, tier = await get_tier(session, caller, campaign_name_or_id, tier_id)
        tier.deleted_at = clock.now()
        events.tier_changed(session, caller, "deleted", tier_read(tier), campaign)
        await look_at_members(session, campaign, version)


async def of_member(db: Database, caller: Caller, member_id: str) -> Answer:
    """The tier that a card is in, and the one that it gets into later. Raises MemberNotFound."""
    async with db.read() as session:
        card, _ = await get_card(session, caller, member_id)
        row = await StandingRepository(session, caller.project_id).find(card.id)
        if row is None:
            return _listed([], 0)
        ids = {tier_id for tier_id in (row.tier_id, row.next_tier_id) if tier_id}
        tiers = await LoyaltyTierRepository(session, caller.project_id).by_id(ids)
        standing = standing_of(row, tiers)
        shown = [
            {**tier_read(tiers[spell.tier.id]), "expiration": spell_read(spell, card, row)}
            for spell in (standing.current, standing.coming)
            if spell is not None and tiers[spell.tier.id].deleted_at is None
        ]
    return _listed(shown, len(shown))


async def get_tier(
    session: AsyncSession, caller: Caller, campaign_name_or_id: str, tier_id: str
) -> tuple[Campaign, LoyaltyTier]:
    """Raises CampaignNotFound, NoLoyaltyProgram, LoyaltyTierNotFound."""
    campaign = await get_program(session, caller, campaign_name_or_id)
    tier = await LoyaltyTierRepository(session, caller.project_id).find_in_program(campaign.id, tier_id)
    if tier is None:
        raise LoyaltyTierNotFound(tier_id)
    return campaign, tier


def _columns(
    caller: Caller, body: LoyaltyTierCreate | LoyaltyTierUpdate, path: str, tier: LoyaltyTier | None = None
) -> Answer:
    """The columns that the request sets. What a tier always has stays when it is null.

    Raises MetadataValidationFailed.
    """
    given = body.model_fields_set if tier is not None else set(type(body).model_fields)
    columns: Answer = {}
    if body.name is not None:
        columns["name"] = body.name
    if isinstance(body.points, PointsRange):
        columns |= {"points_from": body.points.from_, "points_to": body.points.to}
    for name in ("earning_rules", "rewards"):
        if name in given:
            mappings = getattr(body, name) or {}
            columns[name] = {key: mapping.model_dump(mode="json", by_alias=True) for key, mapping in mappings.items()}
    if "metadata" in given:
        kept = {} if tier is None or body.metadata is None else tier.tier_metadata
        columns["tier_metadata"] = merged_metadata(kept, body.metadata or {})
        caller.project.check_metadata("loyalty_tier", columns["tier_metadata"] or None)
    return columns


def _check_range(tier: LoyaltyTier, others: Sequence[LoyaltyTier], path: str) -> None:
    """Raises InvalidPayload where another tier is for the same points."""
    for other in others:
        if first_overlap([engine_tier(tier), engine_tier(other)]):
            raise InvalidPayload(f"{path}points", f"{other.name} is for {_spoken(engine_tier(other))} already.")


async def _check_mappings(session: AsyncSession, tier: LoyaltyTier, path: str) -> None:
    """Raises InvalidPayload where the program has no such earning rule, reward or reward assignment."""
    known: set[str] = set()
    if tier.earning_rules:
        rules = select(EarningRule.id).where(
            EarningRule.project_id == tier.project_id,
            EarningRule.campaign_id == tier.campaign_id,
            EarningRule.id.in_(tier.earning_rules),
            EarningRule.deleted_at.is_(None),
        )
        known.update(await session.scalars(rules))
    if tier.rewards:
        offers = select(RewardAssignment.id, RewardAssignment.reward_id).where(
            RewardAssignment.project_id == tier.project_id,
            RewardAssignment.campaign_id == tier.campaign_id,
            or_(RewardAssignment.id.in_(tier.rewards), RewardAssignment.reward_id.in_(tier.rewards)),
        )
        known.update(name for offer in await session.execute(offers) for name in offer)
    for member, mappings, kind in (
        ("earning_rules", tier.earning_rules, "earning rule"),
        ("rewards", tier.rewards, "reward, nor reward assignment,"),
    ):
        for name in mappings:
            if name not in known:
                raise InvalidPayload(f"{path}{member}.{name}", f"The program has no {kind} with this id.")


def _spoken(tier: Tier) -> str:
    return (
        f"{tier.from_points} points and more"
        if tier.to_points is None
        else f"{tier.from_points} to {tier.to_points} points"
    )


def _listed(shown: list[Answer], total: int) -> Answer:
    return {"object": "list", "data_ref": "data", "data": shown, "total": total}
