"""Rewards and loyalty programs for tests, made over HTTP."""

from datetime import UTC, datetime
from typing import Any

from httpx import AsyncClient

from app.engine.postings import Posting
from app.kit.db import Database
from app.kit.ids import new_id
from app.ledger.apply import apply
from app.ledger.movements import Cause, Movement, points_account
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


async def give_program(client: AsyncClient, project: ProjectKeys, **members: Any) -> Answer:
    """A loyalty program without members, as its campaign is answered."""
    body = {
        "name": f"Program {new_id('n')}",
        "campaign_type": "LOYALTY_PROGRAM",
        "type": "AUTO_UPDATE",
        "voucher": {"type": "LOYALTY_CARD", "loyalty_card": {"points": 0}},
        **members,
    }
    return await ask(client, project, "POST", "/v1/campaigns", body)


async def give_member(
    db: Database, client: AsyncClient, project: ProjectKeys, program: Answer, source_id: str = "ann", points: int = 0
) -> Answer:
    """A member of the program with a card that holds these points, as its voucher is answered."""
    body = {"campaign": {"name": program["name"]}, "customer": {"source_id": source_id}}
    published = await ask(client, project, "POST", "/v1/publications", body)
    code = published["voucher"]["code"]
    voucher = await ask(client, project, "GET", f"/v1/vouchers/{code}")
    if points:
        await give_points(db, project, voucher["id"], points)
    return voucher


async def give_points(
    db: Database, project: ProjectKeys, card_id: str, points: int, expires_at: datetime | None = None
) -> None:
    movement = Movement(
        Posting(points_account(card_id), points),
        "issued",
        Cause("adjustment", new_id("vtx")),
        effective_at=datetime.now(UTC),
        expires_at=expires_at,
    )
    async with db.write() as session:
        await apply(session, project.id, (), [movement])


def paid_with_points(
    code: str, reward_id: str, points: int | None = None, price: int = 2000, **members: Any
) -> dict[str, Any]:
    """A cart of one shirt, and a loyalty card to pay with."""
    reward = {"id": reward_id} if points is None else {"id": reward_id, "points": points}
    shirt = {"source_id": "shirt", "related_object": "product", "price": price, "quantity": 1}
    card = {"object": "voucher", "id": code, "reward": reward}
    return {"redeemables": [card], "order": {"items": [shirt]}, **members}
