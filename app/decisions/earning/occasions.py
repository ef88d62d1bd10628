"""What a rule is asked about: an order, an event or a customer as they stand, read for the engine."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import ProjectView
from app.commerce.orders.resolution import stored_items
from app.commerce.segments.membership import engine_customer
from app.decisions.memberships import with_named
from app.decisions.redemptions.rows import redemption_ids
from app.decisions.refunds.repository import RefundRepository
from app.decisions.refunds.totals import returned_by
from app.engine.cart import Cart
from app.engine.earning import Occasion, Tender, Worth
from app.engine.returns import Returned
from app.engine.rules import Named
from app.engine.stored_allocation import parsed
from app.incentives.configuration import ConfigurationCache
from app.kit.db import JoinedDatabase
from app.models import Customer, Order, Redemption

MEMBER_LOCK = 0x6561_726E
"""The seed that keeps this family of advisory locks apart from others."""


@dataclass(frozen=True, slots=True)
class Bought:
    """An order as earning sees it: what was redeemed on it and still stands, and what came back."""

    order: Order
    redeemed: Collection[Redemption]
    returned: Returned

    @property
    def is_canceled(self) -> bool:
        return self.order.status == "CANCELED"


async def find_bought(session: AsyncSession, project_id: int, order_id: str) -> Bought | None:
    """The order, kept from changing until the transaction ends; None when the project has no such order."""
    rows = RefundRepository(session, project_id)
    order = await rows.order(order_id, lock=True)
    if order is None:
        return None
    await session.refresh(order)
    known = await rows.redemptions(redemption_ids(order.redemptions)) if order.redemptions else {}
    redeemed = [row for row in known.values() if row.status == "SUCCEEDED" and row.related_object_type != "redemption"]
    return Bought(order, redeemed, returned_by(await rows.made_for(order.id)))


async def find_customer(session: AsyncSession, project_id: int, customer_id: str) -> Customer | None:
    """The customer, or the one they have become; None when they were erased."""
    customer = await session.get(Customer, (project_id, customer_id))
    if customer is None or customer.merged_into is None:
        return customer
    return await session.get(Customer, (project_id, customer.merged_into))


async def occasion_of(
    session: AsyncSession,
    cache: ConfigurationCache,
    project: ProjectView,
    customer: Customer,
    at: datetime,
    named: Named,
    *,
    bought: Bought | None = None,
    event_metadata: Mapping[str, Any] | None = None,
) -> Occasion:
    """What happened at that instant, with the segments and collections in `named` filled in. Raises Outdated."""
    cart = Cart(now=at, zone=project.zone, customer=engine_customer(customer))
    if bought is not None:
        cart = _with_order(cart, project, bought.order)
    if named.segment_ids or named.asks_all_segments or named.collection_ids:
        async with JoinedDatabase(session).connection() as connection:
            cart = await with_named(connection, cache, project, cart, named)
    worth = None if bought is None else worth_of(cart, bought.redeemed)
    return Occasion(cart, worth, event_metadata or {})


def _with_order(cart: Cart, project: ProjectView, order: Order) -> Cart:
    return replace(
        cart,
        items=stored_items(order.items),
        amount=order.amount,
        initial_amount=order.initial_amount,
        discount_amount=order.discount_amount,
        metadata=order.order_metadata,
        currency=order.currency or project.currency,
        home_currency=project.currency,
    )


def worth_of(cart: Cart, redeemed: Collection[Redemption]) -> Worth:
    """The order with what was redeemed on it, unit by unit."""
    tenders, discounts = [], []
    for row in sorted(redeemed, key=lambda row: row.id):
        allocation = parsed(row.allocation or "")
        if row.amount is None:
            discounts.append(allocation)
            continue
        lines = (row.order_snapshot or {}).get("items", ())
        paid_amount = row.amount if row.reward is None else row.discounted_amount or 0
        tenders.append(Tender(paid_amount, allocation, [line.get("applied_discount_amount", 0) for line in lines]))
    return Worth.of(cart, tenders, discounts)


async def wait_for_member(session: AsyncSession, project_id: int, customer_id: str) -> None:
    """Let what a customer earns and loses pass one by one, until the transaction ends: a member's limits and what their
    card owes are read before they are posted to."""
    # Names that share a hash wait for each other needlessly; nothing depends on it.
    key = func.hashtextextended(f"{project_id}/{customer_id}", MEMBER_LOCK)
    await session.execute(select(func.pg_advisory_xact_lock(key)))
