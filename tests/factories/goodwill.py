"""A support desk for tests: reasons, a support key with a budget, and what it gives away."""

from dataclasses import dataclass
from typing import Any

from httpx import AsyncClient, Response

from app.kit.db import Database
from tests.factories.access import (
    Headers,
    ProjectKeys,
    give_key,
    give_management_key,
    management_headers,
    server_headers,
)
from tests.factories.incentives import Answer

FIVE = {"type": "AMOUNT", "amount_off": 500}


@dataclass(frozen=True, slots=True)
class Desk:
    """A support key and the management key that set it up."""

    project: ProjectKeys
    key_id: str
    headers: Headers
    management: Headers

    @property
    def settings(self) -> str:
        return f"/management/v1/projects/{self.project.public_id}"


async def give_desk(client: AsyncClient, db: Database, project: ProjectKeys, budget: Any = 1_000_000) -> Desk:
    """A support key with a budget for good (None for none), and the reason `late` without one."""
    key = await give_key(db, project, "support")
    management = management_headers(await give_management_key(db))
    desk = Desk(project, key.id, server_headers(key), management)
    if budget is not None:
        await set_budget(client, desk, budget)
    await give_reason(client, desk)
    return desk


async def set_budget(client: AsyncClient, desk: Desk, amount: int, period: str = "total") -> Answer:
    """The budget of the desk's key, as answered."""
    path = f"{desk.settings}/keys/{desk.key_id}/goodwill-budget"
    return succeeded(await client.put(path, json={"amount": amount, "period": period}, headers=desk.management))


async def give_reason(client: AsyncClient, desk: Desk, key: str = "late", **members: Any) -> Answer:
    body = {"key": key, "name": "The parcel came late", **members}
    return succeeded(await client.post(f"{desk.settings}/goodwill-reasons", json=body, headers=desk.management))


async def try_to_give(client: AsyncClient, desk: Desk, email: str = "ada@example.com", **members: Any) -> Response:
    """The answer to the desk's wish to give five off to the customer with this address, unless `members` differ."""
    headers = {**desk.headers, **members.pop("headers", {})}
    body = {"customer": {"email": email}, "reason": "late", "agent": "Grace", **members}
    if "gift" not in body:
        body.setdefault("discount", FIVE)
    return await client.post("/x/v1/support/goodwill", json=body, headers=headers)


async def give(client: AsyncClient, desk: Desk, email: str = "ada@example.com", **members: Any) -> Answer:
    return succeeded(await try_to_give(client, desk, email, **members))


async def ask_desk(client: AsyncClient, desk: Desk, path: str, method: str = "GET") -> Answer:
    return succeeded(await client.request(method, f"/x/v1/support/{path}", headers=desk.headers))


def succeeded(response: Response) -> Answer:
    assert response.status_code == 200, response.text
    answer: Answer = response.json()
    return answer
