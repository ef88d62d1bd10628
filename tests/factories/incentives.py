"""Campaigns, vouchers and background work for tests, made over HTTP."""

import asyncio
import time
from typing import Any

from httpx import AsyncClient

from app.kit.ids import new_id
from tests.factories.access import ProjectKeys

PERCENT = {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ORDER"}
AMOUNT = {"type": "AMOUNT", "amount_off": 500, "effect": "APPLY_TO_ORDER"}

Answer = dict[str, Any]


async def give_campaign(
    client: AsyncClient, project: ProjectKeys, *, voucher: dict[str, Any] | None = None, **members: Any
) -> Answer:
    """A campaign with ten percent off and no codes yet, unless the arguments say otherwise, as answered."""
    body = {"name": f"Campaign {new_id('n')}", "voucher": {"type": "DISCOUNT_VOUCHER", "discount": PERCENT}, **members}
    body["voucher"] = {**body["voucher"], **(voucher or {})}
    return await ask(client, project, "POST", "/v1/campaigns", body)


async def give_coupon(client: AsyncClient, project: ProjectKeys, code: str, **members: Any) -> Answer:
    """A voucher under this code with ten percent off, in no campaign unless the arguments say so, as answered."""
    return await ask(client, project, "POST", f"/v1/vouchers/{code}", {"discount": PERCENT, **members})


async def ask(client: AsyncClient, project: ProjectKeys, method: str, path: str, body: Any = None) -> Answer:
    """The answer to a request that must succeed."""
    response = await client.request(method, path, json=body, headers=project.server)
    assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
    answer: Answer = response.json() if response.content else {}
    return answer


async def finished(client: AsyncClient, project: ProjectKeys, action_id: str, *, seconds: float = 30) -> Answer:
    """The async action once a worker is through with it."""
    end = time.monotonic() + seconds
    while True:
        action = await ask(client, project, "GET", f"/v1/async-actions/{action_id}")
        if action["status"] in ("DONE", "FAILED"):
            return action
        assert time.monotonic() < end, f"not done within {seconds} seconds: {action}"
        await asyncio.sleep(0.05)


async def generated(client: AsyncClient, project: ProjectKeys, campaign_id: str, *, seconds: float = 30) -> Answer:
    """The campaign once its codes are made."""
    end = time.monotonic() + seconds
    while True:
        campaign = await ask(client, project, "GET", f"/v1/campaigns/{campaign_id}")
        if campaign["vouchers_generation_status"] != "IN_PROGRESS":
            return campaign
        assert time.monotonic() < end, f"not generated within {seconds} seconds: {campaign}"
        await asyncio.sleep(0.05)
