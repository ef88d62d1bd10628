"""Making a tier, and showing tiers: steps that run inside somebody's transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.engine.postings import Counted
from app.incentives.categories.repository import CategoryRepository
from app.incentives.categories.resolution import resolve_category
from app.incentives.currencies import check_currencies
from app.incentives.promotions import events
from app.incentives.promotions.rendering import tier_list, tier_read
from app.incentives.promotions.repository import PromotionTierRepository
from app.incentives.promotions.schemas import TierCreate
from app.incentives.schedule import schedule_of
from app.incentives.units import with_known_units
from app.incentives.validation_rules.assignments import assign, assignments_of
from app.kit import clock
from app.kit.ids import new_id
from app.kit.metadata import merged_metadata
from app.models import Campaign, PromotionTier

COUNTED_FROM_BIRTH = {Counted(measure, "redeemable").name: False for measure in ("ordered", "discounted")}
"""What a tier's summary tells is counted as limits are: in accounts, by the redemption itself."""


async def add_tier(
    session: AsyncSession, caller: Caller, campaign: Campaign, body: TierCreate, path: str = ""
) -> dict[str, Any]:
    """Make a tier of the campaign and bind its rules; gives it as answered. Only after `change_configuration`.

    `path` leads the paths of what is wrong with `body`.

    Raises InvalidPayload, MetadataValidationFailed, CategoryNotFound, ValidationRuleNotFound.
    """
    caller.project.check_metadata("promotion_tier", body.metadata or None, f"{path}metadata")
    tiers = PromotionTierRepository(session, caller.project_id)
    category = await resolve_category(session, caller.project_id, body.category, body.category_id)
    columns = {"discount": body.action.discount.model_dump(mode="json", exclude_none=True)}
    check_currencies(caller.project, columns, f"{path}action.")
    columns = await with_known_units(session, caller.project_id, columns, f"{path}action.discount")
    hierarchy = body.hierarchy if body.hierarchy is not None else await tiers.next_hierarchy(campaign.id)
    tier = PromotionTier(
        project_id=caller.project_id,
        id=new_id("promo"),
        campaign_id=campaign.id,
        name=body.name,
        banner=body.banner,
        hierarchy=hierarchy,
        active=body.active,
        **schedule_of(body.model_dump()),
        **columns,
        category_id=category.id if category else None,
        counted=COUNTED_FROM_BIRTH,
        tier_metadata=merged_metadata({}, body.metadata),
        created_at=clock.now(),
        updated_at=None,
        deleted_at=None,
    )
    session.add(tier)
    await session.flush()
    for rule_id in body.rule_ids:
        await assign(session, caller, rule_id, "promotion_tier", tier.id)
    (shown,) = await read_tiers(session, caller.project_id, [(tier, campaign)])
    events.tier_changed(session, caller, "created", shown, campaign, body.model_dump(mode="json", exclude_unset=True))
    return shown


async def read_tiers(
    session: AsyncSession, project_id: int, tiers: Sequence[tuple[PromotionTier, Campaign]]
) -> list[dict[str, Any]]:
    """Tiers of any campaigns as they are answered; a fixed number of statements."""
    if not tiers:
        return []
    ids = [tier.id for tier, _ in tiers]
    summaries = await PromotionTierRepository(session, project_id).summaries(ids)
    assignments = await assignments_of(session, project_id, ids)
    categories = await CategoryRepository(session, project_id).by_id([tier.category_id for tier, _ in tiers])
    return [
        tier_read(tier, campaign, summaries[tier.id], assignments[tier.id], categories.get(tier.category_id))
        for tier, campaign in tiers
    ]


async def read_promotion(session: AsyncSession, campaign: Campaign) -> dict[str, Any]:
    """The `promotion` of a campaign's answer: its tiers, first in hierarchy first."""
    tiers = await PromotionTierRepository(session, campaign.project_id).of_campaign(campaign.id)
    return tier_list(await read_tiers(session, campaign.project_id, [(tier, campaign) for tier in tiers]))
