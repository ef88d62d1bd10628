"""What members of a tier earn points by, and what they can have for points."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.incentives.earning_rules.service import read_rules
from app.incentives.loyalty_tiers.mappings import mapping_of
from app.incentives.loyalty_tiers.schemas import TierEarningRuleQuery, TierRewardQuery
from app.incentives.loyalty_tiers.service import Answer, get_tier
from app.incentives.rewards.rendering import assignment_read
from app.incentives.rewards.repository import RewardRepository
from app.incentives.rewards.service import read_all
from app.incentives.validation_rules.assignments import assignments_of
from app.kit import clock
from app.kit.db import Database
from app.kit.filters import When
from app.kit.lists import fetch_page
from app.models import EarningRule, LoyaltyTier, RewardAssignment


async def earning_rules(
    db: Database, caller: Caller, campaign_name_or_id: str, tier_id: str, query: TierEarningRuleQuery
) -> Answer:
    """A page of the program's earning rules that are for members of the tier.

    Raises CampaignNotFound, NoLoyaltyProgram, LoyaltyTierNotFound, InvalidQuery.
    """
    async with db.read() as session:
        campaign, tier = await get_tier(session, caller, campaign_name_or_id, tier_id)
        rows = select(EarningRule).where(
            EarningRule.project_id == caller.project_id,
            EarningRule.campaign_id == campaign.id,
            EarningRule.deleted_at.is_(None),
            EarningRule.id.not_in(_kept_from(tier.earning_rules)),
        )
        page = await fetch_page(session, rows, query, When(clock.now(), caller.project.zone))
        shown = await read_rules(session, caller.project_id, page.rows)
    return {"object": "list", "data_ref": "data", "data": shown, "total": page.total}


async def rewards(
    db: Database, caller: Caller, campaign_name_or_id: str, tier_id: str, query: TierRewardQuery
) -> Answer:
    """A page of the rewards that members of the tier can have, at the prices that they pay.

    Raises CampaignNotFound, NoLoyaltyProgram, LoyaltyTierNotFound, InvalidQuery.
    """
    async with db.read() as session:
        campaign, tier = await get_tier(session, caller, campaign_name_or_id, tier_id)
        kept_from = _kept_from(tier.rewards)
        rows = select(RewardAssignment).where(
            RewardAssignment.project_id == caller.project_id,
            RewardAssignment.campaign_id == campaign.id,
            RewardAssignment.id.not_in(kept_from),
            RewardAssignment.reward_id.not_in(kept_from) | RewardAssignment.id.in_(tier.rewards.keys()),
        )
        page = await fetch_page(session, rows, query, When(clock.now(), caller.project.zone))
        shown = await _read_offers(session, caller.project_id, tier, page.rows)
    return {"object": "list", "data_ref": "data", "data": shown, "total": page.total}


async def _read_offers(
    session: AsyncSession, project_id: int, tier: LoyaltyTier, offers: Sequence[RewardAssignment]
) -> list[Answer]:
    found = await RewardRepository(session, project_id).by_id({offer.reward_id for offer in offers})
    listed = [found[offer.reward_id] for offer in offers]
    bound = await assignments_of(session, project_id, [offer.id for offer in offers])
    read = []
    for offer, reward in zip(offers, await read_all(session, project_id, listed), strict=True):
        assignment = assignment_read(offer, [each.rule_id for each in bound[offer.id]])
        if offer.points is not None:
            price = mapping_of(tier, "rewards", offer.id, offer.reward_id).points(offer.points)
            assignment["parameters"]["loyalty"]["points"] = price
        read.append({"reward": reward, "assignment": assignment, "object": "loyalty_tier_reward"})
    return read


def _kept_from(mappings: Mapping[str, Any]) -> list[str]:
    """What is not for members of the tier."""
    return [name for name, mapping in mappings.items() if mapping["type"] == "NOT_AVAILABLE"]
