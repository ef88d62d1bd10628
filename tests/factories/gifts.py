"""Gift cards for tests, made and looked at over HTTP."""

from typing import Any

from httpx import AsyncClient, Response

from tests.factories.access import ProjectKeys
from tests.factories.incentives import Answer, ask

AMOUNT = 10_000


async def give_card(
    client: AsyncClient, project: ProjectKeys, code: str = "GIFT", amount: int = AMOUNT, **members: Any
) -> Answer:
    """A gift card under this code, in no campaign unless the arguments say so, as answered."""
    gift = {"amount": amount, "effect": "APPLY_TO_ORDER", **members.pop("gift", {})}
    return await ask(client, project, "POST", f"/v1/vouchers/{code}", {"type": "GIFT_VOUCHER", "gift": gift, **members})


async def give_gift_campaign(
    client: AsyncClient, project: ProjectKeys, name: str = "Gifts", amount: int = AMOUNT, **members: Any
) -> Answer:
    """A campaign of gift cards without codes yet, unless the arguments say otherwise."""
    voucher = {"type": "GIFT_VOUCHER", "gift": {"amount": amount}, **members.pop("voucher", {})}
    body = {"name": name, "campaign_type": "GIFT_VOUCHERS", "voucher": voucher, **members}
    return await ask(client, project, "POST", "/v1/campaigns", body)


async def change_balance(client: AsyncClient, project: ProjectKeys, code: str, amount: int, **members: Any) -> Response:
    body = {"amount": amount, **members}
    return await client.post(f"/v1/vouchers/{code}/balance", json=body, headers=project.server)


async def gift_of(client: AsyncClient, project: ProjectKeys, code: str = "GIFT") -> Answer:
    """The card's money as its voucher shows it."""
    gift: Answer = (await ask(client, project, "GET", f"/v1/vouchers/{code}"))["gift"]
    return gift


async def transactions_of(client: AsyncClient, project: ProjectKeys, code: str = "GIFT") -> list[Answer]:
    """Its newest transactions, newest first."""
    listed = await ask(client, project, "GET", f"/v1/vouchers/{code}/transactions?limit=100")
    data: list[Answer] = listed["data"]
    return data


def paid_with(code: str, credits: int | None = None, price: int = 2000, **members: Any) -> dict[str, Any]:
    """A cart of one shirt, and a gift card to pay with."""
    card: dict[str, Any] = {"object": "voucher", "id": code}
    if credits is not None:
        card["gift"] = {"credits": credits}
    shirt = {"source_id": "shirt", "related_object": "product", "price": price, "quantity": 1}
    return {"redeemables": [card], "order": {"items": [shirt]}, **members}
