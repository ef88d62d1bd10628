"""What earns, and what takes back: told by the worker, once for each event."""

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.project_views import load_project
from app.decisions.earning.giving import Event, earn
from app.decisions.earning.occasions import find_bought, find_customer
from app.decisions.earning.reversals import settle
from app.decisions.earning.rules import Waiting, waiting_for
from app.incentives.configuration import ConfigurationCache
from app.incentives.earning_rules.definitions import ORDER_PAID, SEGMENT_ENTERED, TIER_CHANGES
from app.kit.following import Follower, Happening
from app.models import EarningRule

CUSTOM_EVENT = "customer.custom_event"
ORDER_CANCELED = "order.canceled"
REFUNDED = "redemption.refund.succeeded"
PAID = frozenset({"PAID", "FULFILLED"})

_cache = ConfigurationCache()


async def follow(session: AsyncSession, happening: Happening) -> None:
    """Let what happened earn points, or take them back. Raises Outdated when the configuration changed meanwhile: then
    it is tried again."""
    if happening.type in (ORDER_PAID, ORDER_CANCELED, REFUNDED):
        await _order_changed(session, happening)
    elif happening.type == CUSTOM_EVENT:
        await _custom_event(session, happening)
    elif happening.type == SEGMENT_ENTERED:
        await _segment_entered(session, happening)
    else:
        await _tier_changed(session, happening)


async def _order_changed(session: AsyncSession, happening: Happening) -> None:
    """An order was paid, canceled or refunded: it earns if it was paid and still is, and gives back what it must.

    Events of the order and of its refunds come in any order, so what counts is how the order stands now.
    """
    if happening.order_id is None:
        return
    bought = await find_bought(session, happening.project_id, happening.order_id)
    if bought is None:
        return
    project = await load_project(session, happening.project_id)
    order = bought.order
    if happening.type == ORDER_PAID and order.status in PAID and order.customer_id is not None:
        customer = await find_customer(session, project.id, order.customer_id)
        waiting = await waiting_for(session, project.id, "order", ORDER_PAID)
        if customer is not None and waiting:
            details = {"order": {"id": order.id, "object": "order"}, "event": {"type": ORDER_PAID}}
            event = Event(order.id, happening.created_at, details, bought=bought)
            await earn(session, _cache, project, customer, waiting, event)
    await settle(session, project, bought)


async def _custom_event(session: AsyncSession, happening: Happening) -> None:
    told = happening.data["event"]
    details = {"custom_event": {"id": told["id"], "type": told["type"]}, "event": {"type": told["type"]}}
    code = (happening.data.get("loyalty") or {}).get("code")
    event = Event(told["id"], happening.created_at, details, metadata=told["metadata"], code=code)
    waiting = await waiting_for(session, happening.project_id, "custom_event", told["type"])
    await _earn_by(session, happening, waiting, event)


async def _segment_entered(session: AsyncSession, happening: Happening) -> None:
    segment_id = happening.data["segment"]["id"]
    details = {"segment": {"id": segment_id, "object": "segment"}, "event": {"type": happening.type}}
    event = Event(f"event:{happening.id}", happening.created_at, details)
    waiting = await waiting_for(session, happening.project_id, "segment", happening.type, segment_id)
    await _earn_by(session, happening, waiting, event)


async def _tier_changed(session: AsyncSession, happening: Happening) -> None:
    tier_id, campaign_id = happening.data["loyalty_tier"]["id"], happening.data["campaign"]["id"]
    details = {"loyalty_tier": {"id": tier_id, "object": "loyalty_tier"}, "event": {"type": happening.type}}
    card_id = happening.data["voucher"]["id"]
    event = Event(f"event:{happening.id}", happening.created_at, details, card_id=card_id)
    waiting = await waiting_for(session, happening.project_id, "tier", happening.type, tier_id)
    await _earn_by(session, happening, [each for each in waiting if each.campaign.id == campaign_id], event)


async def _earn_by(session: AsyncSession, happening: Happening, waiting: list[Waiting], event: Event) -> None:
    if not waiting or happening.customer_id is None:
        return
    project = await load_project(session, happening.project_id)
    customer = await find_customer(session, project.id, happening.customer_id)
    if customer is not None:
        await earn(session, _cache, project, customer, waiting, event)


async def has_rules(session: AsyncSession, project_id: int) -> bool:
    """Whether the project has earning rules, or ever had: what was earned by a deleted one can still be taken back."""
    return bool(await session.scalar(select(exists().where(EarningRule.project_id == project_id))))


FOLLOWER = Follower(
    "earning",
    frozenset({ORDER_PAID, ORDER_CANCELED, REFUNDED, CUSTOM_EVENT, SEGMENT_ENTERED, *TIER_CHANGES}),
    follow,
    has_rules,
)
