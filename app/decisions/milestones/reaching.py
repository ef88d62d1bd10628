"""Noticing that a customer has reached a milestone, exactly once, and giving what there is for it."""

from typing import Any, Final

from sqlalchemy import exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller, worker_of
from app.access.configuration import hold_configuration
from app.access.project_views import load_project
from app.decisions.reward_redemptions.errors import OutOfStock
from app.decisions.reward_redemptions.events import rewarded
from app.decisions.reward_redemptions.giving import prepare_gift
from app.incentives.milestones.progress import figure_of
from app.incentives.rewards.service import get_reward
from app.kit import clock
from app.kit.errors import AppError
from app.kit.following import Follower, Happening
from app.kit.ids import new_id
from app.kit.outbox import announce
from app.ledger.apply import apply
from app.ledger.errors import RanOut
from app.models import Customer, Milestone, MilestoneCrossing

METRICS: Final = {
    "order.paid": ("spent", "orders"),
    "order.fulfilled": ("spent", "orders"),
    "voucher.loyalty_card.points_added": ("points",),
    "referral.rewarded": ("referrals",),
}
"""What may change when this is announced."""
MOST_AT_ONCE = 20
"""A repeated milestone is reached so many times by one event; what is beyond that, by the next."""


async def look(session: AsyncSession, happening: Happening) -> None:
    """Let the customer whom it is about reach what they have reached by it."""
    metrics = METRICS[happening.type]
    milestones = (
        await session.scalars(
            select(Milestone)
            .where(
                Milestone.project_id == happening.project_id,
                Milestone.metric.in_(metrics),
                Milestone.active,
                Milestone.deleted_at.is_(None),
            )
            .order_by(Milestone.id)
        )
    ).all()
    named = happening.data["referrer"]["id"] if "referrals" in metrics else happening.customer_id
    if not milestones or named is None:
        return
    customer_id = await _customer_now(session, happening.project_id, named)
    if customer_id is None:
        return
    await hold_configuration(session, happening.project_id)
    caller = worker_of(await load_project(session, happening.project_id))
    for milestone in milestones:
        figure = await figure_of(session, milestone, customer_id)
        for crossing in await _cross(session, milestone, customer_id, figure):
            await _settle(session, caller, milestone, crossing)


async def are_there_any(session: AsyncSession, project_id: int) -> bool:
    """Whether the project has milestones that can be reached."""
    live = exists().where(Milestone.project_id == project_id, Milestone.active, Milestone.deleted_at.is_(None))
    return bool(await session.scalar(select(live)))


REACHING = Follower("milestones", frozenset(METRICS), look, are_there_any)


async def _customer_now(session: AsyncSession, project_id: int, customer_id: str) -> str | None:
    """The customer, or the one that they have become one with; None when they are gone."""
    found: str | None = await session.scalar(
        select(func.coalesce(Customer.merged_into, Customer.id)).where(
            Customer.project_id == project_id, Customer.id == customer_id
        )
    )
    return found


async def _cross(session: AsyncSession, milestone: Milestone, customer_id: str, figure: int) -> list[MilestoneCrossing]:
    """The crossings that are new. Of two transactions that find the same one, the second waits and has none."""
    reached = figure // milestone.threshold if milestone.repeats else min(1, figure // milestone.threshold)
    if reached < 1:
        return []
    crossed = await session.scalar(
        select(func.max(MilestoneCrossing.number)).where(
            MilestoneCrossing.project_id == milestone.project_id,
            MilestoneCrossing.milestone_id == milestone.id,
            MilestoneCrossing.customer_id == customer_id,
        )
    )
    first = (crossed or 0) + 1
    numbers = range(first, min(reached, first + MOST_AT_ONCE - 1) + 1)
    if not numbers:
        return []
    now = clock.now()
    rows = [
        {
            "project_id": milestone.project_id,
            "id": new_id("mlcr"),
            "milestone_id": milestone.id,
            "customer_id": customer_id,
            "number": number,
            "status": "DUE",
            "given": {},
            "created_at": now,
        }
        for number in numbers
    ]
    added = await session.scalars(
        insert(MilestoneCrossing).values(rows).on_conflict_do_nothing().returning(MilestoneCrossing)
    )
    return sorted(added, key=lambda crossing: crossing.number)


async def _settle(session: AsyncSession, caller: Caller, milestone: Milestone, crossing: MilestoneCrossing) -> None:
    """Give the reward if there is one only, else have the customer asked. What stands in the way is kept, and can be
    tried again."""
    announce(session, milestone.project_id, "milestone.reached", crossing.id, _data(milestone, crossing))
    if len(milestone.reward_ids) > 1:
        announce(session, milestone.project_id, "milestone.choice.due", crossing.id, _data(milestone, crossing))
        return
    try:
        async with session.begin_nested():
            await give(session, caller, milestone, crossing, milestone.reward_ids[0])
    except AppError as problem:
        crossing.status, crossing.problem = "FAILED", problem.details or problem.message
        announce(session, milestone.project_id, "milestone.reward.failed", crossing.id, _data(milestone, crossing))


async def give(
    session: AsyncSession, caller: Caller, milestone: Milestone, crossing: MilestoneCrossing, reward_id: str
) -> None:
    """Give the customer the reward, for good.

    Raises RewardNotFound, CampaignNotFound, Unpublishable, OutOfStock, NotFound (product, SKU).
    """
    now = clock.now()
    reward = await get_reward(session, milestone.project_id, reward_id)
    gift = await prepare_gift(session, caller, reward, crossing.customer_id, crossing.id, now)
    await session.flush()
    try:
        held = await apply(session, milestone.project_id, (), gift.movements) if gift.movements else {}
    except RanOut:
        raise OutOfStock(reward.id) from None
    crossing.status, crossing.problem, crossing.settled_at = "GIVEN", None, now
    crossing.reward_id, crossing.given = reward.id, gift.shown
    cause = {"milestone": {"id": milestone.id, "crossing_id": crossing.id, "number": crossing.number}}
    await rewarded(session, milestone.project_id, crossing.customer_id, reward, gift, held, cause)


def _data(milestone: Milestone, crossing: MilestoneCrossing) -> dict[str, Any]:
    return {
        "customer": {"id": crossing.customer_id, "object": "customer"},
        "milestone": {"id": milestone.id, "name": milestone.name, "object": "milestone"},
        "crossing": {"id": crossing.id, "number": crossing.number},
        "rewards": milestone.reward_ids,
    }
