"""Carts for tests, and what is done with them over HTTP."""

from typing import Any

from httpx import AsyncClient, Response

from tests.factories.access import ProjectKeys


def line(source_id: str, price: int, quantity: int = 1, **members: Any) -> dict[str, Any]:
    return {"source_id": source_id, "related_object": "product", "price": price, "quantity": quantity, **members}


SHIRT = line("shirt", 2000)


def cart(*codes: str, items: list[dict[str, Any]] | None = None, **members: Any) -> dict[str, Any]:
    """A request to validate or redeem `codes` on an order; `order` members and `customer` may be given."""
    order = members.pop("order", {})
    return {
        "redeemables": [{"object": "voucher", "id": code} for code in codes],
        "order": {"items": items if items is not None else [SHIRT], **order},
        **members,
    }


async def validate(client: AsyncClient, project: ProjectKeys, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    """The answer to a validation, which must be 200."""
    response = await client.post("/v1/validations", json=body, headers={**project.server, **headers})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def try_to_redeem(client: AsyncClient, project: ProjectKeys, body: dict[str, Any], **headers: str) -> Response:
    return await client.post("/v1/redemptions", json=body, headers={**project.server, **headers})


async def redeem(client: AsyncClient, project: ProjectKeys, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    """The answer to a redemption, which must succeed."""
    response = await try_to_redeem(client, project, body, **headers)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def roll_back(client: AsyncClient, project: ProjectKeys, redemption_id: str, path: str = "rollback") -> Response:
    return await client.post(f"/v1/redemptions/{redemption_id}/{path}", headers=project.server)
