"""What one member can choose from: the offers of the program, as the member's tier has them."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.incentives.loyalties.members import get_card
from app.incentives.loyalty_tiers.mappings import mapping_of, tier_of_card
from app.incentives.rewards.assignments import read_assignments
from app.incentives.rewards.repository import RewardRepository
from app.incentives.rewards.schemas import Answer, MemberRewardQuery
from app.incentives.rewards.service import read_all
from app.incentives.vouchers.standing import figures_of, loyalty_of, standings
from app.kit import clock
from app.kit.db import Database
from app.kit.filters import When
from app.kit.lists import fetch_page
from app.models import LoyaltyTier, RewardAssignment


async def search(db: Database, caller: Caller, member: str, query: MemberRewardQuery) -> Answer:
    """A page of the rewards that the program offers to this member. Raises MemberNotFound, InvalidQuery."""
    async with db.read() as session:
        card, campaign = await get_card(session, caller, member)
        tier = await tier_of_card(session, caller.project_id, card.id)
        offers = select(RewardAssignment).where(
            RewardAssignment.project_id == caller.project_id, RewardAssignment.campaign_id == campaign.id
        )
        own_prices = await _own_prices(session, caller, campaign.id, tier)
        offers = offers.where(RewardAssignment.id.not_in([id_ for id_, price in own_prices.items() if price is None]))
        if query.affordable_only:
            standing = (await standings(session, caller.project_id, [card.id]))[card.id]
            balance = figures_of(card, loyalty_of(card, campaign) or {}, standing).balance
            within = [id_ for id_, price in own_prices.items() if price is not None and price <= balance]
            offers = offers.where(_affordable(balance, own_prices.keys(), within))
        page = await fetch_page(session, offers, query, When(clock.now(), caller.project.zone))
        known = await RewardRepository(session, caller.project_id).by_id({each.reward_id for each in page.rows})
        rewards = await read_all(session, caller.project_id, list(known.values()))
        by_id = {reward["id"]: reward for reward in rewards}
        shown = []
        for assignment in await read_assignments(session, caller.project_id, page.rows):
            price = own_prices.get(assignment["id"])
            if price is not None:
                assignment["parameters"]["loyalty"]["points"] = price
            shown.append(
                {"reward": by_id[assignment["reward_id"]], "assignment": assignment, "object": "loyalty_reward"}
            )
    return {"object": "list", "data_ref": "data", "data": shown, "total": page.total}


async def _own_prices(
    session: AsyncSession, caller: Caller, campaign_id: str, tier: LoyaltyTier | None
) -> dict[str, int | None]:
    """What the offers cost that the tier has on terms of its own, by assignment; None is what it does not have."""
    if tier is None or not tier.rewards:
        return {}
    named = list(tier.rewards)
    rows = select(RewardAssignment).where(
        RewardAssignment.project_id == caller.project_id,
        RewardAssignment.campaign_id == campaign_id,
        RewardAssignment.points.is_not(None),
        or_(RewardAssignment.id.in_(named), RewardAssignment.reward_id.in_(named)),
    )
    return {
        each.id: mapping_of(tier, "rewards", each.id, each.reward_id).points(each.points or 0)
        for each in await session.scalars(rows)
    }


def _affordable(balance: int, own: Collection[str], within: Collection[str]) -> ColumnElement[bool]:
    """Those of the `own` prices that are `within` the balance, and of the others those that cost no more; paying with
    points takes one at least."""
    at_list_price = RewardAssignment.id.not_in(own) & (RewardAssignment.points <= balance)
    conditions = [RewardAssignment.id.in_(within), at_list_price]
    return or_(*conditions, RewardAssignment.points.is_(None)) if balance else or_(*conditions)
