"""Use cases of promotion tiers, one transaction each."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.access.configuration import change_configuration
from app.incentives.campaigns.errors import CampaignNotFound
from app.incentives.campaigns.repository import CampaignRepository
from app.incentives.categories.resolution import category_column
from app.incentives.currencies import check_currencies
from app.incentives.promotions import events
from app.incentives.promotions.creation import add_tier, read_tiers
from app.incentives.promotions.errors import NoPromotion, TierNotFound
from app.incentives.promotions.listing import CampaignTierQuery, TierQuery, tiers_of
from app.incentives.promotions.rendering import stack_read
from app.incentives.promotions.repository import PromotionStackRepository, PromotionTierRepository
from app.incentives.promotions.schemas import TierCreate, TierUpdate
from app.incentives.schedule import DATES, RECURRING, schedule_of
from app.incentives.units import with_known_units
from app.incentives.validation_rules.assignments import assign, assignments_of, unassign_all
from app.kit import clock
from app.kit.db import Database
from app.kit.filters import When
from app.kit.lists import fetch_page
from app.kit.metadata import merged_metadata
from app.models import Campaign, PromotionTier

Answer = dict[str, Any]


async def create(db: Database, caller: Caller, campaign_name_or_id: str, body: TierCreate) -> Answer:
    """Add a tier to a promotion campaign.

    Raises CampaignNotFound, NoPromotion, CategoryNotFound, ValidationRuleNotFound, InvalidPayload,
    MetadataValidationFailed.
    """
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        return await add_tier(session, caller, await get_promotion(session, caller, campaign_name_or_id), body)


async def get(db: Database, caller: Caller, tier_id: str) -> Answer:
    """Raises TierNotFound."""
    async with db.read() as session:
        return await _read(session, *await _get(session, caller, tier_id))


async def search(db: Database, caller: Caller, query: TierQuery) -> Answer:
    """A page of the project's tiers. Raises InvalidQuery."""
    async with db.read() as session:
        return await _page(session, caller, query, None)


async def search_campaign(db: Database, caller: Caller, campaign_name_or_id: str, query: CampaignTierQuery) -> Answer:
    """A page of the tiers of one campaign. Raises CampaignNotFound, NoPromotion, InvalidQuery."""
    async with db.read() as session:
        campaign = await get_promotion(session, caller, campaign_name_or_id)
        return await _page(session, caller, query, campaign.id)


async def update(db: Database, caller: Caller, tier_id: str, body: TierUpdate) -> Answer:
    """Change the members that were sent; redemptions obey the change as soon as this returns.

    Raises TierNotFound, CategoryNotFound, ValidationRuleNotFound, InvalidPayload, MetadataValidationFailed.
    """
    given = body.changes()
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        tier, campaign = await _get(session, caller, tier_id)
        columns = _changed_columns(tier, body)
        check_currencies(caller.project, columns, "action.")
        columns = await with_known_units(session, caller.project_id, columns, "action.discount")
        columns |= await category_column(session, caller.project_id, given)
        if "tier_metadata" in columns:
            caller.project.check_metadata("promotion_tier", columns["tier_metadata"])
        for name, value in columns.items():
            setattr(tier, name, value)
        if body.validation_rule_assignments is not None:
            rule_ids = [entry.rule_id for entry in body.validation_rule_assignments.data]
            await _bind_exactly(session, caller, tier.id, rule_ids)
        tier.updated_at = clock.now()
        shown = await _read(session, tier, campaign)
        changes = body.model_dump(mode="json", exclude_unset=True)
        events.tier_changed(session, caller, "updated", shown, campaign, changes)
    return shown


async def switch(db: Database, caller: Caller, tier_id: str, *, active: bool) -> Answer:
    """Enable or disable: when this returns, no redemption that thinks otherwise is recorded any more.

    Raises TierNotFound.
    """
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        tier, campaign = await _get(session, caller, tier_id)
        if tier.active == active:
            return await _read(session, tier, campaign)
        tier.active = active
        tier.updated_at = clock.now()
        shown = await _read(session, tier, campaign)
        events.tier_changed(session, caller, "enabled" if active else "disabled", shown, campaign)
    return shown


async def delete(db: Database, caller: Caller, tier_id: str) -> None:
    """Delete a tier, and take it out of the stacks that have it; a stack that had nothing else is deleted, too.

    Its row stays for the redemptions that name it.

    Raises TierNotFound.
    """
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        tier, campaign = await _get(session, caller, tier_id)
        shown = await _read(session, tier, campaign)
        tier.deleted_at = clock.now()
        await unassign_all(session, caller.project_id, [tier.id])
        for stack in await PromotionStackRepository(session, caller.project_id).naming(tier):
            stack.tier_ids = [each for each in stack.tier_ids if each != tier.id]
            stack.updated_at = clock.now()
            without = {"without": tier.id}
            if stack.tier_ids:
                events.stack_changed(session, caller, "updated", stack_read(stack), campaign, without)
            else:
                events.stack_changed(session, caller, "deleted", stack_read(stack), campaign, without)
                await session.delete(stack)
        events.tier_changed(session, caller, "deleted", shown, campaign)


async def get_promotion(session: AsyncSession, caller: Caller, name_or_id: str) -> Campaign:
    """The promotion campaign with this id or name. Raises CampaignNotFound, NoPromotion."""
    campaign = await CampaignRepository(session, caller.project_id).find_by_name(name_or_id)
    if campaign is None:
        raise CampaignNotFound(name_or_id)
    if campaign.campaign_type != "PROMOTION":
        raise NoPromotion(campaign.name, campaign.campaign_type)
    return campaign


def _changed_columns(tier: PromotionTier, body: TierUpdate) -> Answer:
    """The columns that the request changes, but for the category. What a tier always has stays when it is null.

    Raises InvalidPayload.
    """
    given = body.changes()
    columns: Answer = {name: given[name] for name in ("name", "hierarchy") if given.get(name) is not None}
    if "banner" in given:
        columns["banner"] = body.banner
    if body.action is not None:
        columns["discount"] = body.action.discount.model_dump(mode="json", exclude_none=True)
    if any(name in given for name in (*DATES, *RECURRING)):
        own = {"start_date": tier.start_date, "expiration_date": tier.expiration_date, **tier.validity}
        columns |= schedule_of(own | given)
    if "metadata" in given:
        kept = {} if body.metadata is None else tier.tier_metadata
        columns["tier_metadata"] = merged_metadata(kept, body.metadata or {})
    return columns


async def _bind_exactly(session: AsyncSession, caller: Caller, tier_id: str, rule_ids: list[str]) -> None:
    """Let these rules bind the tier and no others. Raises ValidationRuleNotFound."""
    bound = {each.rule_id for each in (await assignments_of(session, caller.project_id, [tier_id]))[tier_id]}
    if bound - set(rule_ids):
        await unassign_all(session, caller.project_id, [tier_id])
        bound = set()
    for rule_id in dict.fromkeys(rule_ids):
        if rule_id not in bound:
            await assign(session, caller, rule_id, "promotion_tier", tier_id)


async def _page(session: AsyncSession, caller: Caller, query: TierQuery, campaign_id: str | None) -> Answer:
    now = clock.now()
    statement = await tiers_of(session, caller, query, now, campaign_id=campaign_id)
    page = await fetch_page(session, statement, query, When(now, caller.project.zone))
    campaigns = await CampaignRepository(session, caller.project_id).by_id({tier.campaign_id for tier in page.rows})
    shown = await read_tiers(session, caller.project_id, [(tier, campaigns[tier.campaign_id]) for tier in page.rows])
    return {"object": "list", "data_ref": "tiers", "tiers": shown, "total": page.total, "has_more": page.has_more}


async def _get(session: AsyncSession, caller: Caller, tier_id: str) -> tuple[PromotionTier, Campaign]:
    found = await PromotionTierRepository(session, caller.project_id).find_with_campaign(tier_id)
    if found is None:
        raise TierNotFound(tier_id)
    return found


async def _read(session: AsyncSession, tier: PromotionTier, campaign: Campaign) -> Answer:
    return (await read_tiers(session, tier.project_id, [(tier, campaign)]))[0]
