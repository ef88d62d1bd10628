"""What customers redeemed and bought, in one grouped statement each for any number of customers.

Nothing of it is kept besides the rows it is made of: a checkout pays for no figure, and none can be wrong.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Row, and_, case, cast, func, select, text, true
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.commerce.customers.programs import load_loyalties, load_referrals
from app.commerce.customers.schemas import (
    CustomerLoyalty,
    CustomerReferrals,
    CustomerSummary,
    GiftSummary,
    LoyaltyCardSummary,
    OrdersSummary,
    RedemptionsSummary,
)
from app.models import Account, Campaign, Order, Project, Redemption, Voucher

EARNED = ("PAID", "FULFILLED")
"""Order statuses that count as bought."""


class Figures(NamedTuple):
    """What a customer redeemed and bought, and where they stand in loyalty and referral programs."""

    summary: CustomerSummary
    loyalty: CustomerLoyalty
    referrals: CustomerReferrals


# What came back of what gift cards and loyalty cards paid, by customer.
_RETURNED = text("""
SELECT redemption.customer_id,
    coalesce(sum(given.credits) FILTER (WHERE redemption.reward IS NULL AND redemption.currency IS NULL), 0)::bigint,
    coalesce(sum(given.points) FILTER (WHERE redemption.reward IS NOT NULL), 0)::bigint
FROM redemptions AS redemption
JOIN refunds AS refund ON refund.project_id = redemption.project_id AND refund.order_id = redemption.order_id
CROSS JOIN LATERAL jsonb_to_recordset(refund.redeemables)
    AS given (redemption_id text, credits bigint, points bigint)
WHERE redemption.project_id = :project_id AND redemption.customer_id = ANY (:customer_ids)
    AND redemption.object = 'redemption' AND redemption.status = 'SUCCEEDED' AND redemption.amount IS NOT NULL
    AND given.redemption_id = redemption.id
GROUP BY redemption.customer_id
""")


async def load_summaries(session: AsyncSession, project_id: int, customer_ids: Sequence[str]) -> dict[str, Figures]:
    """The figures of each of the customers, zeros for those who did nothing yet."""
    loyalties = await load_loyalties(session, project_id, customer_ids)
    referrals = await load_referrals(session, project_id, customer_ids)
    to_go = await _gift_balances(session, project_id, customer_ids)
    redemptions = await _redemptions(session, project_id, customer_ids)
    orders = await _orders(session, project_id, customer_ids)
    return {
        customer_id: Figures(
            CustomerSummary(
                redemptions=_with_what_is_left(
                    redemptions.get(customer_id, RedemptionsSummary()),
                    to_go.get(customer_id, 0),
                    loyalties[customer_id].points,
                ),
                orders=orders.get(customer_id, OrdersSummary()),
            ),
            loyalties[customer_id],
            referrals.get(customer_id, CustomerReferrals()),
        )
        for customer_id in customer_ids
    }


def _with_what_is_left(summary: RedemptionsSummary, amount_to_go: int, points_to_go: int) -> RedemptionsSummary:
    gift = summary.gift.model_copy(update={"amount_to_go": amount_to_go})
    card = summary.loyalty_card.model_copy(update={"points_to_go": points_to_go})
    return summary.model_copy(update={"gift": gift, "loyalty_card": card})


async def _gift_balances(session: AsyncSession, project_id: int, customer_ids: Sequence[str]) -> dict[str, int]:
    """What the gift cards that each customer holds are still worth; a card without an account is worth what it was
    made with."""
    gift = func.coalesce(Voucher.gift, Campaign.gift)
    made_with = cast(gift["amount"].astext, BigInteger)
    statement = (
        select(Voucher.holder_id, func.sum(func.coalesce(Account.balance, made_with)))
        .outerjoin(Campaign, (Campaign.project_id == Voucher.project_id) & (Campaign.id == Voucher.campaign_id))
        .outerjoin(
            Account,
            (Account.project_id == Voucher.project_id)
            & (Account.owner_id == Voucher.id)
            & (Account.measure == "balance")
            & (Account.subject == "")
            & (Account.period == ""),
        )
        .where(
            Voucher.project_id == project_id,
            Voucher.holder_id.in_(customer_ids),
            Voucher.type == "GIFT_VOUCHER",
            Voucher.deleted_at.is_(None),
            Campaign.deleted_at.is_(None),
            _is_home(project_id, gift["currency"].astext),
        )
        .group_by(Voucher.holder_id)
    )
    return {holder_id: int(amount) for holder_id, amount in await session.execute(statement) if holder_id}


async def _redemptions(
    session: AsyncSession, project_id: int, customer_ids: Sequence[str]
) -> dict[str, RedemptionsSummary]:
    returned = await _returned(session, project_id, customer_ids)
    is_redemption, is_rollback = Redemption.object == "redemption", Redemption.object == "redemption_rollback"
    succeeded = Redemption.result == "SUCCESS"
    is_paid = and_(is_redemption, Redemption.status == "SUCCEEDED")
    statement = (
        select(
            Redemption.customer_id,
            func.count().filter(and_(is_redemption, succeeded)).label("succeeded"),
            func.count().filter(and_(is_redemption, ~succeeded)).label("failed"),
            func.count().filter(and_(is_redemption, Redemption.status == "ROLLED_BACK")).label("rolled_back"),
            func.count().filter(and_(is_rollback, ~succeeded)).label("rollback_failed"),
            func.count().filter(and_(is_rollback, succeeded)).label("rollback_succeeded"),
            func.sum(Redemption.amount)
            .filter(and_(is_paid, Redemption.reward.is_(None), Redemption.currency.is_(None)))
            .label("redeemed_amount"),
            func.sum(Redemption.amount).filter(and_(is_paid, Redemption.reward.is_not(None))).label("redeemed_points"),
        )
        .where(
            Redemption.project_id == project_id,
            Redemption.customer_id.in_(customer_ids),
            Redemption.related_object_type != "redemption",  # the parent of a stack, whose parts are counted
        )
        .group_by(Redemption.customer_id)
    )
    return {
        row.customer_id: RedemptionsSummary(
            total_redeemed=row.succeeded,
            total_failed=row.failed,
            total_succeeded=row.succeeded,
            total_rolled_back=row.rolled_back,
            total_rollback_failed=row.rollback_failed,
            total_rollback_succeeded=row.rollback_succeeded,
            gift=GiftSummary(redeemed_amount=int(row.redeemed_amount or 0) - returned.get(row.customer_id, (0, 0))[0]),
            loyalty_card=LoyaltyCardSummary(
                redeemed_points=int(row.redeemed_points or 0) - returned.get(row.customer_id, (0, 0))[1]
            ),
        )
        for row in await session.execute(statement)
    }


async def _returned(
    session: AsyncSession, project_id: int, customer_ids: Sequence[str]
) -> Mapping[str, tuple[int, int]]:
    """The credits, in minor units, and the points that refunds gave back to each customer."""
    rows = await session.execute(_RETURNED, {"project_id": project_id, "customer_ids": list(customer_ids)})
    return {customer_id: (credits, points) for customer_id, credits, points in rows}


async def _orders(session: AsyncSession, project_id: int, customer_ids: Sequence[str]) -> dict[str, OrdersSummary]:
    spent = func.greatest(0, func.coalesce(Order.amount, 0) - Order.discount_amount - Order.items_discount_amount)
    is_home = _is_home(project_id, Order.currency)
    at_home = case((is_home, spent))
    newest_first = aggregate_order_by(at_home, is_home.desc(), Order.created_at.desc(), Order.id.desc())
    statement = (
        select(
            Order.customer_id,
            func.sum(spent).filter(is_home).label("total"),
            func.count().label("orders_count"),
            func.count().filter(is_home).label("home_orders_count"),
            func.array_agg(newest_first)[1].label("last_amount"),
            func.max(Order.created_at).label("last_date"),
        )
        .where(Order.project_id == project_id, Order.customer_id.in_(customer_ids), Order.status.in_(EARNED))
        .group_by(Order.customer_id)
    )
    return {row.customer_id: _orders_summary(row) for row in await session.execute(statement)}


def _is_home(
    project_id: int, currency: ColumnElement[str | None] | InstrumentedAttribute[str | None]
) -> ColumnElement[bool]:
    """Whether amounts are in the currency of the project: only those are summed up. Without one they all are."""
    home_currency = select(Project.currency).where(Project.id == project_id).scalar_subquery()
    return func.coalesce(currency == home_currency, true())


def _orders_summary(row: Row[Any]) -> OrdersSummary:
    total, count = int(row.total or 0), row.home_orders_count
    return OrdersSummary(
        total_amount=total,
        total_count=row.orders_count,
        average_amount=(2 * total + count) // (2 * count) if count else 0,
        last_order_amount=row.last_amount or 0,
        last_order_date=row.last_date,
    )
