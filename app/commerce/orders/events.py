"""What is announced and logged about orders."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.commerce.orders.rendering import order_body
from app.kit.outbox import announce
from app.models import Order

REACHED = {"PAID": "order.paid", "CANCELED": "order.canceled", "FULFILLED": "order.fulfilled"}
"""The event of arriving at a status. Any status may follow any other."""


def note_created(session: AsyncSession, caller: Caller, order: Order) -> None:
    """Log and announce a new order, and the status it was born with."""
    record(session, caller, "order.created", "order", order.id, {"status": order.status})
    _announce(session, caller, order, ["order.created", *_arrival(order)])


def note_updated(session: AsyncSession, caller: Caller, order: Order, before: Mapping[str, Any]) -> None:
    """Log and announce a change, whose columns had the values `before`: a new status once, as the event of arriving
    there, and `order.updated` for whatever else changed."""
    arrived = _arrival(order) if "status" in before else []
    others = set(before) - ({"status"} if arrived else set())
    record(session, caller, "order.updated", "order", order.id, {"members": sorted(before), "status": order.status})
    _announce(session, caller, order, [*(["order.updated"] if others else []), *arrived])


def _arrival(order: Order) -> list[str]:
    return [REACHED[order.status]] if order.status in REACHED else []


def event_types_of(status: str, before: str | None) -> list[str]:
    """What is announced of an order that a redemption made (`before` None) or changed; `before` is its old status."""
    arrived = [REACHED[status]] if status != before and status in REACHED else []
    return ["order.created" if before is None else "order.updated", *arrived]


def _announce(session: AsyncSession, caller: Caller, order: Order, events: Iterable[str]) -> None:
    data = {"order": order_body(order)}
    for event in events:
        announce(session, caller.project_id, event, order.id, data)
