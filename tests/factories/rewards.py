"""Rewards and loyalty programs for tests, made over HTTP."""

from typing import Any

from httpx import AsyncClient
from sqlalchemy import update

from app.kit.db import Database
from app.kit.ids import new_id
from app.models import Campaign
from tests.factories.access import ProjectKeys
from tests.factories.incentives import Answer, ask, give_campaign


async def give_mug(client: AsyncClient, project: ProjectKeys, stock: int | None = None, **members: Any) -> Answer:
    """A thing that can be had for points, as answered."""
    source_id = f"mug {new_id('n')}"
    product = await ask(client, project, "POST", "/v1/products", {"name": "Coffee mug", "source_id": source_id})
    body = {"name": "Coffee mug", "parameters": {"product": {"id": product["id"]}}, **members}
    return await ask(client, project, "POST", "/v1/rewards", body if stock is None else body | {"stock": stock})


async def give_coin(
    client: AsyncClient, project: ProjectKeys, exchange_ratio: Any = 1, points_ratio: Any = 10, **members: Any
) -> Answer:
    """Ten points for one unit of the currency, unless the arguments say otherwise, as answered."""
    coin = {"exchange_ratio": exchange_ratio, "points_ratio": points_ratio}
    body = {"name": "Pay with points", "parameters": {"coin": coin}, **members}
    return await ask(client, project, "POST", "/v1/rewards", body)


async def give_coupon_reward(client: AsyncClient, project: ProjectKeys, **members: Any) -> Answer:
    """A coupon of a campaign that makes codes as they are wanted, as answered."""
    campaign = await give_campaign(client, project, type="AUTO_UPDATE", **members)
    body = {"name": "Ten percent", "parameters": {"campaign": {"id": campaign["id"]}}}
    return await ask(client, project, "POST", "/v1/rewards", body)


async def offer(
    client: AsyncClient, project: ProjectKeys, campaign_id: str, reward_id: str, points: int | None = 100, **terms: Any
) -> Answer:
    """The reward offered in a loyalty program, as answered."""
    body: dict[str, Any] = {"campaign": campaign_id}
    if points is not None:
        body["parameters"] = {"loyalty": {"points": points, **terms}}
    else:
        body |= terms
    return await ask(client, project, "POST", f"/v1/rewards/{reward_id}/assignments", body)


async def give_program(db: Database, client: AsyncClient, project: ProjectKeys) -> Answer:
    """A loyalty program without members, as its campaign is answered."""
    campaign = await give_campaign(client, project)
    async with db.write() as session:
        await session.execute(
            update(Campaign).where(Campaign.id == campaign["id"]).values(campaign_type="LOYALTY_PROGRAM", discount=None)
        )
    return campaign
