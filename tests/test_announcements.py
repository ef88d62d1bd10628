"""What is announced says whom and which order it is about, and nothing that is personal."""

from httpx import AsyncClient
from sqlalchemy import select

from app.kit.db import Database
from app.kit.following import Happening
from app.models import OutboxEvent
from app.worker import FOLLOWERS
from tests.factories.access import ProjectKeys
from tests.factories.carts import cart, redeem, roll_back
from tests.factories.incentives import ask, give_coupon
from tests.factories.refunds import refund

ADA = {"source_id": "ada", "name": "Ada Lovelace", "email": "ada@example.com"}


async def announced(db: Database, project: ProjectKeys) -> list[Happening]:
    async with db.read() as session:
        rows = await session.scalars(
            select(OutboxEvent).where(OutboxEvent.project_id == project.id).order_by(OutboxEvent.id)
        )
        return [
            Happening(row.project_id, row.id, row.type, row.entity_id, row.data, row.created_at) for row in rows.all()
        ]


async def test_every_event_of_a_customer_says_of_whom_and_of_an_order_which(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    customer = await ask(client, project, "POST", "/v1/customers", ADA)
    order = await ask(
        client,
        project,
        "POST",
        "/v1/orders",
        {"source_id": "o1", "amount": 500, "status": "PAID", "customer": {"source_id": "ada"}},
    )
    await give_coupon(client, project, "CODE")
    redeemed = await redeem(client, project, cart("CODE", customer={"source_id": "ada"}))
    again = await redeem(client, project, cart("CODE", customer={"source_id": "ada"}))
    await roll_back(client, project, redeemed["redemptions"][0]["id"])
    await refund(client, project, again["redemptions"][0]["id"])
    await ask(client, project, "POST", "/v1/events", {"event": "seen", "customer": {"source_id": "ada"}})
    await ask(client, project, "PUT", "/v1/customers/ada", {"phone": "+4915112345678"})

    events = [
        event
        for event in await announced(db, project)
        if event.type.startswith(("customer.", "order.", "redemption.", "publication."))
    ]

    assert {event.type for event in events} >= {
        "customer.created",
        "customer.updated",
        "customer.custom_event",
        "order.created",
        "order.paid",
        "order.canceled",
        "redemption.succeeded",
        "redemption.rollback.succeeded",
        "redemption.refund.succeeded",
    }
    assert {event.customer_id for event in events} == {customer["id"]}
    with_order = [event for event in events if not event.type.startswith("customer.")]
    orders = {order["id"], redeemed["order"]["id"], again["order"]["id"]}
    assert {event.order_id for event in with_order} == orders
    told = str([event.data for event in events])
    assert not any(personal in told for personal in ("Lovelace", "ada@example.com", "4915112345678"))


async def test_a_shop_without_loyalty_and_referrals_has_nothing_delivered_for_what_it_redeems(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    """Every follower of what all shops do must say of which shops it is of use: the worker would pay for all others."""
    await give_coupon(client, project, "PLAIN")
    body = cart("PLAIN", customer={"source_id": "ann"}, order={"amount": 5000, "status": "PAID"})
    redemption = await redeem(client, project, body)
    await roll_back(client, project, redemption["redemptions"][0]["id"])
    types = {happening.type for happening in await announced(db, project)}
    assert {"redemption.succeeded", "order.created", "order.paid", "customer.created"} <= types

    async with db.read() as session:
        told = [
            follower.name
            for follower in FOLLOWERS
            if not types.isdisjoint(follower.event_types)
            and (follower.is_of_use is None or await follower.is_of_use(session, project.id))
        ]

    assert told == []
    assert not any(event_type.endswith("*") for follower in FOLLOWERS for event_type in follower.event_types)
