"""Rewards that members have as soon as they have the points, without asking."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller, worker_of
from app.access.configuration import hold_configuration
from app.access.project_views import load_project
from app.decisions.reward_redemptions.service import give_for_points
from app.engine.postings import day_start
from app.incentives.rewards.assignments import REDEEM_BY_THEMSELVES
from app.kit import clock
from app.kit.errors import AppError
from app.kit.following import Follower, Happening
from app.kit.jobs import JobKind, Work
from app.models import Campaign, Redemption, Reward, RewardAssignment, Voucher

AUTO_REDEEM: Final = "AUTO_REDEEM"
MOST_IN_A_DAY = 10
"""How many rewards a customer has without asking in a day of the project."""
ROUND = 50


async def redeem_for_card(session: AsyncSession, happening: Happening) -> None:
    """Redeem what the card has the points for now, if points came onto it."""
    if happening.data.get("balance", {}).get("points", 0) > 0:
        await _redeem_all(session, happening.project_id, happening.data["voucher"]["id"])


CARDS = Follower("automatic_rewards", frozenset({"voucher.loyalty_card.transaction.created"}), redeem_for_card)


async def redeem_for_all(work: Work, payload: Mapping[str, Any]) -> None:
    """Redeem for all members of a program that began to offer something by itself. Twice changes nothing more than
    points that came in between."""
    last_id = ""
    while True:
        work.leave_if_stopping()
        async with work.db.write() as session:
            rows = (
                select(Voucher.id)
                .where(
                    Voucher.project_id == payload["project_id"],
                    Voucher.campaign_id == payload["campaign_id"],
                    Voucher.id > last_id,
                    Voucher.holder_id.is_not(None),
                    Voucher.deleted_at.is_(None),
                )
                .order_by(Voucher.id)
                .limit(ROUND)
            )
            card_ids = (await session.scalars(rows)).all()
        for card_id in card_ids:
            work.leave_if_stopping()
            async with work.db.write() as session:
                await _redeem_all(session, payload["project_id"], card_id)
        if len(card_ids) < ROUND:
            return
        last_id = card_ids[-1]


REDEEMING = JobKind(REDEEM_BY_THEMSELVES, redeem_for_all)


async def _redeem_all(session: AsyncSession, project_id: int, card_id: str) -> None:
    """The offers one after the other, oldest first, each as often as the points and the day allow. What is out of
    stock, or cannot be given for another reason, is passed over."""
    await hold_configuration(session, project_id)
    found = (
        await session.execute(
            select(Voucher, Campaign)
            .join(Campaign, (Campaign.project_id == Voucher.project_id) & (Campaign.id == Voucher.campaign_id))
            .where(
                Voucher.project_id == project_id,
                Voucher.id == card_id,
                Voucher.holder_id.is_not(None),
                Voucher.deleted_at.is_(None),
                Campaign.deleted_at.is_(None),
            )
            .with_for_update(of=Voucher)
        )
    ).first()
    if found is None:
        return
    card, campaign = found
    offers = (
        await session.execute(
            select(RewardAssignment, Reward)
            .join(
                Reward, (Reward.project_id == RewardAssignment.project_id) & (Reward.id == RewardAssignment.reward_id)
            )
            .where(
                RewardAssignment.project_id == project_id,
                RewardAssignment.campaign_id == campaign.id,
                RewardAssignment.auto_redeem,
            )
            .order_by(RewardAssignment.id)
        )
    ).all()
    if not offers:
        return
    caller = worker_of(await load_project(session, project_id))
    left = MOST_IN_A_DAY - await _redeemed_today(session, caller, card.holder_id or "")
    for assignment, reward in offers:
        while left > 0 and await _redeem(session, caller, card, campaign, assignment, reward):
            left -= 1


async def _redeemed_today(session: AsyncSession, caller: Caller, customer_id: str) -> int:
    today = clock.now().astimezone(caller.project.zone).date()
    rows = select(func.count()).where(
        Redemption.project_id == caller.project_id,
        Redemption.customer_id == customer_id,
        Redemption.object == "redemption",
        Redemption.channel_type == AUTO_REDEEM,
        Redemption.created_at >= day_start(today, caller.project.zone),
    )
    return await session.scalar(rows) or 0


async def _redeem(
    session: AsyncSession,
    caller: Caller,
    card: Voucher,
    campaign: Campaign,
    assignment: RewardAssignment,
    reward: Reward,
) -> bool:
    """Whether it could be given once."""
    try:
        async with session.begin_nested():
            await give_for_points(
                session, caller, card, campaign, assignment, reward, channel_type=AUTO_REDEEM, now=clock.now()
            )
    except AppError:
        return False
    return True
