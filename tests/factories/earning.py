"""Loyalty programs that earn points, made over HTTP."""

from typing import Any

from httpx import AsyncClient

from app.kit.ids import new_id
from tests.factories.access import ProjectKeys
from tests.factories.incentives import Answer, ask

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
