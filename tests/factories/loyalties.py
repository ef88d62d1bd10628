"""Loyalty programs, members and points for tests, made and looked at over HTTP."""

from typing import Any

from httpx import AsyncClient, Response

from tests.factories.access import ProjectKeys
from tests.factories.incentives import Answer, ask


async def give_program(
    client: AsyncClient, project: ProjectKeys, name: str = "Club", points: int = 0, **members: Any
) -> Answer:
    """A loyalty program whose cards begin with so many points, as answered. `expiration_rules` are its rules."""
    card: Answer = {"points": points}
    if "expiration_rules" in members:
        card["expiration_rules"] = members.pop("expiration_rules")
    voucher = {"type": "LOYALTY_CARD", "loyalty_card": card, **members.pop("voucher", {})}
    body = {"name": name, "campaign_type": "LOYALTY_PROGRAM", "voucher": voucher, **members}
    return await ask(client, project, "POST", "/v1/campaigns", body)


async def give_member(
    client: AsyncClient, project: ProjectKeys, source_id: str = "ann", program: str = "Club"
) -> Answer:
    """The card that is published to this customer, as answered."""
    body = {"campaign": {"name": program}, "customer": {"source_id": source_id}}
    card: Answer = (await ask(client, project, "POST", "/v1/publications", body))["voucher"]
    return card


async def card_figures(client: AsyncClient, project: ProjectKeys, code: str) -> Answer:
    """The card's points as its voucher shows them."""
    card: Answer = (await ask(client, project, "GET", f"/v1/vouchers/{code}"))["loyalty_card"]
    return card


async def change_points(client: AsyncClient, project: ProjectKeys, code: str, points: int, **members: Any) -> Response:
    body = {"points": points, **members}
    return await client.post(f"/v1/loyalties/members/{code}/balance", json=body, headers=project.server)
