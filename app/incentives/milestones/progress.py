"""How far a customer has come: the figures of milestones, from what is kept anyway."""

from sqlalchemy import BigInteger, ColumnElement, Select, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.commerce.customers.summaries import EARNED
from app.models import Account, Milestone, Order, Project, Referral, Voucher


async def figure_of(session: AsyncSession, milestone: Milestone, customer_id: str) -> int:
    """The figure that the milestone is about; one statement, over what belongs to the customer."""
    return await session.scalar(_FIGURES[milestone.metric](milestone, customer_id)) or 0


def _spent(milestone: Milestone, customer_id: str) -> Select[int]:
    home_currency = select(Project.currency).where(Project.id == milestone.project_id).scalar_subquery()
    paid = func.greatest(0, func.coalesce(Order.amount, 0) - Order.discount_amount - Order.items_discount_amount)
    at_home = or_(Order.currency.is_(None), home_currency.is_(None), Order.currency == home_currency)
    return select(cast(func.sum(paid), BigInteger)).where(*_bought(milestone, customer_id), at_home)


def _orders(milestone: Milestone, customer_id: str) -> Select[int]:
    return select(func.count()).select_from(Order).where(*_bought(milestone, customer_id))


def _bought(milestone: Milestone, customer_id: str) -> tuple[ColumnElement[bool], ...]:
    return (
        Order.project_id == milestone.project_id,
        Order.customer_id == customer_id,
        Order.status.in_(EARNED),
    )


def _points(milestone: Milestone, customer_id: str) -> Select[int]:
    """What the customer's card earned, less what was taken back because orders were."""
    cards = select(Voucher.id).where(
        Voucher.project_id == milestone.project_id,
        Voucher.holder_id == customer_id,
        Voucher.campaign_id == milestone.campaign_id,
    )
    return select(cast(func.sum(Account.totals["earned"].as_integer()), BigInteger)).where(
        Account.project_id == milestone.project_id, Account.owner_id.in_(cards), Account.measure == "points"
    )


def _referrals(milestone: Milestone, customer_id: str) -> Select[int]:
    rows = (
        select(func.count())
        .select_from(Referral)
        .where(
            Referral.project_id == milestone.project_id,
            Referral.referrer_id == customer_id,
            Referral.status == "REWARDED",
        )
    )
    return rows if milestone.campaign_id is None else rows.where(Referral.campaign_id == milestone.campaign_id)


_FIGURES = {"spent": _spent, "orders": _orders, "points": _points, "referrals": _referrals}
