"""Loyalty programs that earn points, made over HTTP."""

from typing import Any

from httpx import AsyncClient
from sqlalchemy import text

from app.incentives.loyalties.debts import owed_by
from app.incentives.loyalties.points import card_of
from app.kit import clock
from app.kit.db import Database
from app.kit.ids import new_id
from app.ledger.movements import points_account
from app.ledger.points import usable
from tests.factories.access import ProjectKeys
from tests.factories.incentives import Answer, ask
from tests.factories.outbox import follow_all

POINT_FOR_EVERY_UNIT = {
    "type": "PROPORTIONAL",
    "calculation_type": "ORDER_AMOUNT",
    "order": {"amount": {"every": 100, "points": 1}},
}
"""One point for every 1.00."""
TEN_POINTS = {"type": "FIXED", "points": 10}


async def give_earning_program(client: AsyncClient, project: ProjectKeys, **members: Any) -> Answer:
    """A loyalty program that issues a card to whoever earns and has none, as its campaign is answered."""
    body = {
        "name": f"Program {new_id('n')}",
        "campaign_type": "LOYALTY_PROGRAM",
        "auto_join": True,
        "voucher": {"type": "LOYALTY_CARD", "loyalty_card": {"points": 0}},
        **members,
    }
    return await ask(client, project, "POST", "/v1/campaigns", body)


async def give_earning_rule(client: AsyncClient, project: ProjectKeys, campaign_id: str, **members: Any) -> Answer:
    """A rule of the program, one point for every 1.00 of a paid order unless the arguments say otherwise."""
    body = {"event": "order.paid", "loyalty": POINT_FOR_EVERY_UNIT, **members}
    (rule,) = await ask(client, project, "POST", f"/v1/loyalties/{campaign_id}/earning-rules", [body])  # type: ignore[misc]
    return rule  # type: ignore[return-value]


async def give_buyer(client: AsyncClient, project: ProjectKeys, **members: Any) -> Answer:
    """A customer, as answered."""
    body = {"source_id": f"buyer {new_id('n')}", "name": "Ada", **members}
    return await ask(client, project, "POST", "/v1/customers", body)


async def buy(
    client: AsyncClient, project: ProjectKeys, customer_id: str, *items: tuple[str, int, int], **members: Any
) -> Answer:
    """A paid order of these lines (source id of the product, units, price), as answered."""
    body = {
        "source_id": f"order {new_id('n')}",
        "status": "PAID",
        "customer": {"id": customer_id},
        "items": [
            {"source_id": product, "related_object": "product", "quantity": units, "price": price}
            for product, units, price in items
        ],
        **members,
    }
    return await ask(client, project, "POST", "/v1/orders", body)


async def follow_well(db: Database, project: ProjectKeys) -> None:
    """Have everything handled that was announced; nobody may fail at it."""
    await follow_all(db, project)
    async with db.read() as session:
        failed = await session.execute(
            text("SELECT follower, last_error FROM outbox_deliveries WHERE project_id = :id"), {"id": project.id}
        )
        assert failed.all() == []


async def points_of(db: Database, project: ProjectKeys, customer_id: str, campaign_id: str) -> int | None:
    """The points of the customer's card in the program; None without a card."""
    async with db.read() as session:
        card = await card_of(session, project.id, campaign_id, customer_id)
        if card is None:
            return None
        return await usable(session, project.id, points_account(card.id), clock.now())


async def owed_of(db: Database, project: ProjectKeys, customer_id: str, campaign_id: str) -> int:
    """What the customer's card in the program owes."""
    async with db.read() as session:
        card = await card_of(session, project.id, campaign_id, customer_id)
        assert card is not None
        return await owed_by(session, project.id, card.id)
