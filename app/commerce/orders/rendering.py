"""A kept order as an answer."""

from typing import Any
from zoneinfo import ZoneInfo

from app.commerce.orders.resolution import stored_items
from app.engine.cart import Cart
from app.engine.order_calculation import order_calculated
from app.kit.wire import format_instant
from app.models import Order

UTC = ZoneInfo("UTC")


def order_body(order: Order) -> dict[str, Any]:
    """The calculated order of the contract, as JSON values; nothing in it counts as just applied."""
    cart = Cart(
        now=order.created_at,
        zone=UTC,
        items=stored_items(order.items),
        amount=order.amount,
        initial_amount=order.initial_amount,
        discount_amount=order.discount_amount,
        metadata=order.order_metadata,
        currency=order.currency,
    )
    body = {
        "id": order.id,
        "source_id": order.source_id,
        "status": order.status,
        "metadata": {},
        **order_calculated(cart),
        "created_at": format_instant(order.created_at),
        "updated_at": format_instant(order.updated_at) if order.updated_at else None,
        "customer_id": order.customer_id,
        "referrer_id": order.referrer_id,
        "redemptions": order.redemptions,
    }
    if order.customer_id is not None:
        body["customer"] = {"id": order.customer_id, "object": "customer"}
    if order.referrer_id is not None:
        body["referrer"] = {"id": order.referrer_id, "object": "customer"}
    return body
