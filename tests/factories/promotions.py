"""Promotion campaigns, tiers and stacks for tests, made over HTTP."""

from typing import Any

from httpx import AsyncClient

from app.kit.ids import new_id
from tests.factories.access import ProjectKeys
from tests.factories.incentives import Answer, ask


def tier_of(amount_off: int = 500, **members: Any) -> Answer:
    """The body of a tier that takes so much off the order, unless `members` say otherwise."""
    discount = {"type": "AMOUNT", "amount_off": amount_off, "effect": "APPLY_TO_ORDER"}
    return {"name": f"{amount_off} off", "action": {"discount": discount}, **members}


async def give_promotion(client: AsyncClient, project: ProjectKeys, *tiers: Answer, **members: Any) -> Answer:
    """A promotion campaign with these tiers, as answered."""
    body = {
        "name": f"Promotion {new_id('n')}",
        "campaign_type": "PROMOTION",
        "promotion": {"tiers": list(tiers)},
        **members,
    }
    return await ask(client, project, "POST", "/v1/campaigns", body)


async def give_tier(
    client: AsyncClient, project: ProjectKeys, *, campaign_id: str | None = None, **members: Any
) -> Answer:
    """A tier, in a campaign of its own unless one is named, as answered."""
    if campaign_id is None:
        campaign_id = (await give_promotion(client, project))["id"]
    return await ask(client, project, "POST", f"/v1/promotions/{campaign_id}/tiers", tier_of(**members))


async def give_stack(client: AsyncClient, project: ProjectKeys, *tiers: Answer, **members: Any) -> Answer:
    """A stack of these tiers of one campaign, as answered."""
    body = {"name": "Together", "tiers": {"ids": [tier["id"] for tier in tiers]}, **members}
    return await ask(client, project, "POST", f"/v1/promotions/{tiers[0]['campaign_id']}/stacks", body)


def tiers_cart(*tiers: Answer, kind: str = "promotion_tier", amount: int = 10_000, **members: Any) -> Answer:
    """A checkout that names these tiers (or stacks) on an order of so much."""
    return {
        "redeemables": [{"object": kind, "id": tier["id"]} for tier in tiers],
        "order": {"amount": amount},
        **members,
    }
