"""The currency of kept orders, and of what is summed up of them."""

from typing import Any

import pytest
from httpx import AsyncClient

from app.kit.db import Database
from tests.factories.access import Headers, ProjectKeys, give_management_key, give_project, management_headers
from tests.factories.carts import cart, line, redeem
from tests.factories.incentives import ask, give_coupon


@pytest.fixture
async def shop(db: Database) -> ProjectKeys:
    """A project in euros."""
    return await give_project(db, currency="EUR")


@pytest.fixture
async def management(db: Database) -> Headers:
    return management_headers(await give_management_key(db))


async def order_of(client: AsyncClient, shop: ProjectKeys, **members: Any) -> dict[str, Any]:
    return await ask(client, shop, "POST", "/v1/orders", {"amount": 1000, **members})


async def test_an_order_keeps_the_currency_it_was_sent_with_else_that_of_the_project(
    client: AsyncClient, shop: ProjectKeys, project: ProjectKeys
) -> None:
    assert (await order_of(client, shop, currency="USD"))["currency"] == "USD"
    assert (await order_of(client, shop))["currency"] == "EUR"
    assert (await order_of(client, project, currency="USD"))["currency"] == "USD"
    assert "currency" not in await order_of(client, project)


async def test_an_order_changes_its_currency_only_with_its_amounts_and_before_anything_is_redeemed(
    client: AsyncClient, shop: ProjectKeys
) -> None:
    order = await order_of(client, shop, source_id="cart-1")
    path = f"/v1/orders/{order['id']}"
    await give_coupon(client, shop, "CODE")

    alone = await client.put(path, json={"currency": "USD"}, headers=shop.server)
    unchanged = await client.put(path, json={"currency": "EUR"}, headers=shop.server)
    together = await order_of(client, shop, source_id="cart-1", currency="USD", amount=1100)
    await redeem(client, shop, {**cart("CODE"), "order": {"id": order["id"]}})
    too_late = await client.put(path, json={"currency": "EUR", "amount": 900}, headers=shop.server)
    unsaid = await ask(client, shop, "PUT", path, {"metadata": {"gift": True}})

    assert (alone.status_code, alone.json()["key"]) == (400, "currency_mismatch")
    assert unchanged.json()["currency"] == "EUR"
    assert (together["id"], together["currency"], together["amount"]) == (order["id"], "USD", 1100)
    assert (too_late.status_code, too_late.json()["key"]) == (400, "currency_mismatch")
    assert unsaid["currency"] == "USD"


async def test_amounts_of_a_customer_are_summed_up_in_the_currency_of_the_project(
    client: AsyncClient, shop: ProjectKeys
) -> None:
    ada = {"source_id": "ada"}
    for members in ({"amount": 1000}, {"amount": 3000, "currency": "EUR"}, {"amount": 50_000, "currency": "JPY"}):
        await order_of(client, shop, customer=ada, status="PAID", **members)
    spender = {
        "junction": "AND",
        "summary.orders.total_amount": {"conditions": {"$more_than": [4000]}},
    }
    regular = {"junction": "AND", "summary.orders.average_amount": {"conditions": {"$is": [2000]}}}
    for name, wanted in (("spender", spender), ("regular", regular)):
        await ask(client, shop, "POST", "/v1/segments", {"name": name, "type": "passive", "filter": wanted})

    orders = (await ask(client, shop, "GET", "/v1/customers/ada"))["summary"]["orders"]
    segments = await ask(client, shop, "GET", "/v1/customers/ada/segments")

    assert (orders["total_amount"], orders["total_count"], orders["average_amount"]) == (4000, 3, 2000)
    assert orders["last_order_amount"] == 3000
    assert [segment["name"] for segment in segments["data"]] == ["regular"]


async def test_an_override_keeps_prices_in_the_currency_they_are_in(client: AsyncClient, shop: ProjectKeys) -> None:
    lines = [
        line("shirt", 2500, product={"source_id": "shirt", "override": True, "name": "Shirt", "price": 2500}),
        {
            "source_id": "shirt-L",
            "related_object": "sku",
            "quantity": 1,
            "price": 2700,
            "product": {"source_id": "shirt", "override": True},
            "sku": {"source_id": "shirt-L", "override": True, "price": 2700},
        },
    ]

    await order_of(client, shop, currency="USD", items=lines)
    product = await ask(client, shop, "GET", "/v1/products/shirt")
    sku = await ask(client, shop, "GET", "/v1/skus/shirt-L")

    assert product.get("price") is None
    assert (sku["price"], sku["currency"]) == (2700, "USD")


async def test_the_currency_of_a_project_can_be_set_but_not_changed_once_there_is_money(
    client: AsyncClient, db: Database, management: Headers
) -> None:
    shop = await give_project(db)
    path = f"/management/v1/projects/{shop.public_id}"

    async def change(currency: str | None) -> Any:
        return await client.put(path, json={"currency": currency}, headers=management)

    await give_coupon(client, shop, "CODE")
    chosen, same, other, none = [await change(currency) for currency in ("EUR", "EUR", "USD", None)]

    assert (chosen.status_code, chosen.json()["currency"], same.status_code) == (200, "EUR", 200)
    assert [answer.status_code for answer in (other, none)] == [400, 400]
    assert other.json()["key"] == "currency_in_use"
