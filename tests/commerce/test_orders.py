import asyncio
from typing import Any
from urllib.parse import quote

import pytest
from httpx import AsyncClient
from sqlalchemy import event, select
from voucherify.models import (
    OrdersCreateResponseBody,
    OrdersGetResponseBody,
    OrdersListResponseBody,
    OrdersUpdateResponseBody,
)

from app.kit.db import Database
from app.models import AuditEntry, Customer, Order, OutboxEvent, Product, Sku
from tests.factories.access import ProjectKeys, give_project
from tests.factories.commerce import give_customer, give_order, give_product, give_sku

Headers = dict[str, str]


async def post(client: AsyncClient, headers: Headers, **members: Any) -> dict[str, Any]:
    response = await client.post("/v1/orders", json=members, headers=headers)
    assert response.status_code == 200, response.text
    OrdersCreateResponseBody.from_dict(response.json())
    body: dict[str, Any] = response.json()
    return body


async def put(client: AsyncClient, headers: Headers, reference: str, **members: Any) -> dict[str, Any]:
    response = await client.put(f"/v1/orders/{reference}", json=members, headers=headers)
    assert response.status_code == 200, response.text
    OrdersUpdateResponseBody.from_dict(response.json())
    body: dict[str, Any] = response.json()
    return body


async def announced(db: Database, project: ProjectKeys) -> list[str]:
    async with db.read() as session:
        events = select(OutboxEvent).where(OutboxEvent.project_id == project.id).order_by(OutboxEvent.id)
        return [event.type for event in await session.scalars(events) if event.type.startswith("order.")]


async def test_a_new_order_is_calculated_and_waits_to_be_paid(client: AsyncClient, headers: Headers) -> None:
    order = await post(
        client,
        headers,
        source_id="o-1",
        items=[
            {"source_id": "shirt", "related_object": "product", "quantity": "2", "price": 1999},
            {"product_id": "unknown", "amount": 500, "metadata": {"gift": True}},
        ],
        metadata={"channel": "web"},
        currency="EUR",
    )

    first, second = order["items"]
    assert first == {
        "object": "order_item",
        "id": first["id"],
        "source_id": "shirt",
        "related_object": "product",
        "quantity": 2,
        "initial_quantity": 2,
        "amount": 3998,
        "initial_amount": 3998,
        "price": 1999,
        "subtotal_amount": 3998,
    }
    assert (second["product_id"], second["quantity"], second["metadata"]) == ("unknown", 1, {"gift": True})
    assert first["id"].startswith("ordli_")
    assert order["id"].startswith("ord_")
    assert (order["status"], order["source_id"], order["metadata"]) == ("CREATED", "o-1", {"channel": "web"})
    assert (order["amount"], order["initial_amount"], order["total_amount"]) == (4498, 4498, 4498)
    assert (order["customer_id"], order["referrer_id"], order["updated_at"]) == (None, None, None)
    assert order["redemptions"] == {}
    assert not {"discount_amount", "items_discount_amount", "total_discount_amount", "customer"} & order.keys()


async def test_an_empty_order_can_be_kept(client: AsyncClient, headers: Headers) -> None:
    response = await client.post("/v1/orders", headers=headers)

    assert response.status_code == 200
    assert "amount" not in response.json()
    assert "items" not in response.json()


async def test_an_amount_counts_when_no_line_has_a_price(client: AsyncClient, headers: Headers) -> None:
    assert (await post(client, headers, amount=1000))["total_amount"] == 1000
    assert (await post(client, headers, amount=1000, items=[{"product_id": "p"}]))["amount"] == 1000
    assert (await post(client, headers, amount=1000, items=[{"product_id": "p", "price": 3}]))["amount"] == 3


async def test_discounts_of_an_order_made_elsewhere_are_kept(client: AsyncClient, headers: Headers) -> None:
    order = await post(
        client,
        headers,
        source_id="o",
        discount_amount=100,
        items=[{"price": 500, "quantity": 2, "discount_amount": 50}],
    )

    assert (order["discount_amount"], order["items_discount_amount"]) == (100, 50)
    assert (order["total_discount_amount"], order["total_amount"]) == (150, 850)
    assert (await client.get("/v1/orders/o", headers=headers)).json() == order


async def test_the_catalogue_fills_in_what_the_request_leaves_out(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    product = await give_product(db, project, source_id="shirt", name="Shirt", price=1999, metadata={"brand": "A"})
    sku = await give_sku(db, project, "shirt", source_id="shirt-L", sku="L", price=2199)

    order = await post(
        client,
        project.server,
        items=[
            {"source_id": "shirt", "related_object": "product", "quantity": 2},
            {"sku_id": sku.id},
            {"product_id": product.id, "price": 1, "product": {"name": "Blouse", "metadata": {"colour": "red"}}},
        ],
    )

    shirt = {"id": product.id, "source_id": "shirt", "name": "Shirt", "price": 1999, "metadata": {"brand": "A"}}
    by_source, by_sku, said = order["items"]
    assert (by_source["product"], by_source["product_id"], by_source["amount"]) == (shirt, product.id, 3998)
    assert (by_sku["sku"]["sku"], by_sku["product"], by_sku["product_id"]) == ("L", shirt, product.id)
    assert by_sku["price"] == 2199
    assert said["price"] == 1
    assert said["product"] == {**shirt, "name": "Blouse", "metadata": {"brand": "A", "colour": "red"}}
    assert order["amount"] == 3998 + 2199 + 1


async def test_what_lies_in_the_bin_is_unknown_to_orders(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    await give_product(db, project, source_id="shirt", price=1999)
    await client.delete("/v1/products/shirt", headers=project.server)

    order = await post(client, project.server, items=[{"source_id": "shirt"}])

    assert order["amount"] == 0
    assert "product" not in order["items"][0]


async def test_override_keeps_products_and_skus_in_the_catalogue(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    await give_product(db, project, source_id="old", name="Old", price=1, metadata={"a": 1, "b": 1})
    line = {
        "product": {"source_id": "new", "override": True, "name": "New", "price": 10},
        "sku": {"source_id": "new-L", "override": True, "sku": "L", "price": 11, "metadata": {"size": "L"}},
    }

    order = await post(
        client,
        project.server,
        items=[
            line,
            {**line, "quantity": 2},
            {"source_id": "old", "product": {"override": True, "price": 2, "metadata": {"b": 2}}},
            {"source_id": "kept-out", "product": {"name": "Kept out"}},
        ],
    )

    async with db.read() as session:
        products = {
            row.source_id: row for row in await session.scalars(select(Product).where(Product.project_id == project.id))
        }
        (sku,) = await session.scalars(select(Sku).where(Sku.project_id == project.id))
        entries = list(
            await session.scalars(
                select(AuditEntry.action)
                .where(AuditEntry.project_id == project.id, AuditEntry.resource_type.in_(["product", "sku"]))
                .order_by(AuditEntry.id)
            )
        )
    assert products.keys() == {"old", "new"}
    assert (products["new"].name, products["new"].price) == ("New", 10)
    assert (products["old"].name, products["old"].price) == ("Old", 2)
    assert products["old"].product_metadata == {"a": 1, "b": 2}
    assert (sku.product_id, sku.sku, sku.price, sku.sku_metadata) == (products["new"].id, "L", 11, {"size": "L"})
    assert sorted(entries) == ["product.created", "product.created", "product.updated", "sku.created"]
    assert [item.get("product_id") for item in order["items"][:3]] == [
        products["new"].id,
        products["new"].id,
        products["old"].id,
    ]
    assert order["amount"] == 11 + 22 + 2


async def test_an_override_that_cannot_be_kept_is_refused_with_its_path(client: AsyncClient, headers: Headers) -> None:
    nameless = {"items": [{}, {"product": {"override": True, "name": "?"}}]}
    orphan = {"items": [{"sku": {"source_id": "s", "override": True}}]}

    answers = [await client.post("/v1/orders", json=body, headers=headers) for body in (nameless, orphan)]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert [answer.json()["errors"][0]["path"] for answer in answers] == [
        "items[1].product.source_id",
        "items[0].product_id",
    ]


async def test_parallel_orders_that_override_the_same_things_do_not_deadlock(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    names = [f"p{n}" for n in range(10)]

    async def buy(n: int) -> None:
        order = names[n % 10 :] + names[: n % 10]
        items = [{"product": {"source_id": name, "override": True, "price": n}} for name in order]
        await post(client, project.server, items=items)

    await asyncio.gather(*(buy(n) for n in range(30)))

    async with db.read() as session:
        kept = list(await session.scalars(select(Product.source_id).where(Product.project_id == project.id)))
    assert sorted(str(name) for name in kept) == names


async def test_the_customer_of_an_order_is_kept_with_it(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    referrer = await give_customer(db, project, source_id="bob")

    order = await post(
        client,
        project.server,
        source_id="o",
        customer={"source_id": "ada", "name": "Ada", "email": "ada@example.com"},
        referrer={"source_id": "bob"},
    )

    async with db.read() as session:
        ada = await session.get_one(Customer, (project.id, order["customer_id"]))
    assert (ada.source_id, ada.name) == ("ada", "Ada")
    assert order["customer"] == {"id": ada.id, "object": "customer"}
    assert order["referrer"] == {"id": referrer.id, "object": "customer"}
    assert order["referrer_id"] == referrer.id
    freed = await put(client, project.server, "o", customer=None, referrer_id=None)
    assert (freed["customer_id"], freed["referrer_id"]) == (None, None)


async def test_an_unknown_customer_or_order_id_is_not_found(client: AsyncClient, headers: Headers) -> None:
    bodies: list[dict[str, Any]] = [{"customer": {"id": "cust_x"}}, {"referrer_id": "cust_x"}, {"id": "ord_x"}]

    answers = [await client.post("/v1/orders", json=body, headers=headers) for body in bodies]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert [answer.json()["resource_type"] for answer in answers] == ["customer", "customer", "order"]
    assert (await client.get("/v1/orders", headers=headers)).json()["total"] == 0


async def test_a_second_post_changes_what_it_sends(client: AsyncClient, headers: Headers) -> None:
    first = await post(client, headers, source_id="o", items=[{"price": 5}], metadata={"a": 1, "b": 1})

    second = await post(client, headers, source_id="o", status="PAID", metadata={"b": None})
    third = await post(client, headers, id=first["id"], items=[{"price": 6}, {"price": 7}])

    assert second["id"] == third["id"] == first["id"]
    assert (second["status"], second["items"], second["metadata"]) == ("PAID", first["items"], {"a": 1})
    assert (third["amount"], third["initial_amount"], third["status"]) == (13, 13, "PAID")
    assert third["items"][0]["id"] == first["items"][0]["id"]


async def test_an_update_clears_what_is_null(client: AsyncClient, headers: Headers) -> None:
    await post(client, headers, source_id="o", status="PAID", amount=5, items=[{"price": 5}], metadata={"a": 1})

    order = await put(client, headers, "o", source_id=None, status=None, amount=None, items=None, metadata=None)

    assert (order["source_id"], order["status"], order["metadata"]) == (None, "CREATED", {})
    assert not {"amount", "items", "total_amount"} & order.keys()


async def test_any_status_may_follow_any_and_each_arrival_is_announced_once(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    await post(client, project.server, source_id="o", amount=5)
    for status in ("FULFILLED", "PAID", "PAID", "CANCELED", "CREATED"):
        await put(client, project.server, "o", status=status)
    await put(client, project.server, "o", status="PAID", amount=6)
    await put(client, project.server, "o", metadata={"a": 1})
    await put(client, project.server, "o", metadata={"a": 1})

    assert await announced(db, project) == [
        "order.created",
        "order.fulfilled",
        "order.paid",
        "order.canceled",
        "order.updated",
        "order.updated",
        "order.paid",
        "order.updated",
    ]


async def test_an_order_born_paid_is_announced_as_created_and_as_paid(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    await post(client, project.server, source_id="o", status="PAID")

    assert await announced(db, project) == ["order.created", "order.paid"]


async def test_an_order_changed_by_nothing_stays_as_it_was(client: AsyncClient, headers: Headers) -> None:
    body = {"source_id": "o", "items": [{"price": 5, "metadata": {"a": 1}}], "customer": {"source_id": "ada"}}
    first = await post(client, headers, **body)

    assert await post(client, headers, **body) == first


async def test_fifty_parallel_upserts_of_a_source_id_make_one_order_paid_once(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    orders = await asyncio.gather(
        *(post(client, project.server, source_id="same", status="PAID", metadata={f"k{n}": n}) for n in range(50))
    )

    async with db.read() as session:
        (row,) = await session.scalars(select(Order).where(Order.project_id == project.id))
    assert {order["id"] for order in orders} == {row.id}
    assert row.order_metadata == {f"k{n}": n for n in range(50)}
    events = await announced(db, project)
    assert (events.count("order.created"), events.count("order.paid")) == (1, 1)


async def test_a_source_id_cannot_be_taken_from_another_order(client: AsyncClient, headers: Headers) -> None:
    await post(client, headers, source_id="a")
    await post(client, headers, source_id="b")

    response = await client.put("/v1/orders/b", json={"source_id": "a"}, headers=headers)

    assert (response.status_code, response.json()["key"]) == (409, "duplicate_found")
    assert (await put(client, headers, "b", source_id="c"))["source_id"] == "c"


async def test_another_projects_order_and_catalogue_do_not_exist(
    db: Database, client: AsyncClient, headers: Headers
) -> None:
    other = await give_project(db)
    order = await give_order(db, other, source_id="theirs", amount=5)
    product = await give_product(db, other, source_id="shirt", price=5)

    for reference in (order["id"], "theirs"):
        assert (await client.get(f"/v1/orders/{reference}", headers=headers)).status_code == 404
        assert (await client.put(f"/v1/orders/{reference}", json={}, headers=headers)).status_code == 404
    assert (await client.post("/v1/orders", json={"id": order["id"]}, headers=headers)).status_code == 404
    mine = await post(client, headers, source_id="theirs", items=[{"product_id": product.id}, {"source_id": "shirt"}])
    assert mine["id"] != order["id"]
    assert mine["amount"] == 0
    assert not any("product" in item for item in mine["items"])


async def test_five_hundred_lines_are_kept_and_one_more_is_refused_with_its_path(
    client: AsyncClient, headers: Headers
) -> None:
    lines = [{"source_id": f"p{n}", "price": 1} for n in range(501)]

    kept = await client.post("/v1/orders", json={"items": lines[:500]}, headers=headers)
    refused = await client.post("/v1/orders", json={"items": lines}, headers=headers)

    assert (kept.status_code, kept.json()["amount"]) == (200, 500)
    assert refused.status_code == 400
    assert [error["path"] for error in refused.json()["errors"]] == ["items"]


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"items": [{"price": -1}]}, "items[0].price"),
        ({"items": [{}, {"quantity": -1}]}, "items[1].quantity"),
        ({"items": [{"quantity": "many"}]}, "items[0].quantity"),
        ({"items": [{"quantity": 1.5}]}, "items[0].quantity"),
        ({"items": [{"related_object": "thing"}]}, "items[0].related_object"),
        ({"items": [{"product": {"price": -1}}]}, "items[0].product.price"),
        ({"items": [{"price": 2**62, "quantity": 2}]}, "items[0]"),
        ({"items": [{"price": 2**62}, {"price": 2**62}]}, "items[1]"),
        ({"items": [None]}, "items[0]"),
        ({"items": {}}, "items"),
        ({"amount": -5}, "amount"),
        ({"amount": 2**63}, "amount"),
        ({"status": "PROCESSING"}, "status"),
        ({"amount": 5, "discount_amount": 6}, "discount_amount"),
        ({"items": [{"price": 5, "discount_amount": 6}]}, "items[0].discount_amount"),
        ({"created_at": "yesterday"}, "created_at"),
        ({"customer": {"email": "nobody"}}, "customer.email"),
    ],
)
async def test_nonsense_is_refused_with_its_path(
    client: AsyncClient, headers: Headers, members: dict[str, Any], path: str
) -> None:
    response = await client.post("/v1/orders", json=members, headers=headers)

    assert response.status_code == 400, response.text
    assert response.json()["key"] == "invalid_payload"
    assert [error["path"] for error in response.json()["errors"]] == [path]


async def test_an_order_that_is_refused_leaves_no_customer_behind(client: AsyncClient, headers: Headers) -> None:
    body = {"customer": {"source_id": "ada"}, "amount": 1, "discount_amount": 2}

    response = await client.post("/v1/orders", json=body, headers=headers)

    assert response.status_code == 400
    assert (await client.get("/v1/customers/ada", headers=headers)).status_code == 404


async def test_orders_are_listed_by_when_they_were_made(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    for name, made in (
        ("new", "2026-01-03T00:00:00Z"),
        ("old", "2026-01-01T00:00:00Z"),
        ("mid", "2026-01-02T01:00+01:00"),
    ):
        await give_order(db, project, source_id=name, created_at=made)

    newest = (await client.get("/v1/orders", headers=project.server)).json()
    second = (await client.get("/v1/orders?order=created_at&limit=1&page=2", headers=project.server)).json()
    early = await client.get("/v1/orders?created_at[before]=2026-01-02T00:00:00Z", headers=project.server)
    unknown = await client.get("/v1/orders?order=amount", headers=project.server)

    OrdersListResponseBody.from_dict(newest)
    assert [order["source_id"] for order in newest["orders"]] == ["new", "mid", "old"]
    assert newest["orders"][1]["created_at"] == "2026-01-02T00:00:00.000Z"
    assert [order["source_id"] for order in second["orders"]] == ["mid"]
    assert second["total"] == 3
    assert [order["source_id"] for order in early.json()["orders"]] == ["old"]
    assert (unknown.status_code, unknown.json()["key"]) == (400, "invalid_query_params")


async def test_an_order_is_found_by_any_source_id(client: AsyncClient, headers: Headers) -> None:
    for source_id in ("2026/11/21-ü", "a b", "x%2Fy"):
        order = await post(client, headers, source_id=source_id)
        found = (await client.get(f"/v1/orders/{quote(source_id, safe='')}", headers=headers)).json()
        OrdersGetResponseBody.from_dict(found)
        assert found == order


async def test_an_order_is_kept_by_few_statements_however_long_it_is(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    await give_product(db, project, source_id="p1", price=1)
    one = await statements_of(db, project, lines=1)

    many = await statements_of(db, project, lines=500)

    assert many == one


async def statements_of(db: Database, project: ProjectKeys, lines: int) -> int:
    """How many statements it takes to keep an order of so many lines, each with an override."""
    counted: list[str] = []

    def count(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        counted.append(statement)

    event.listen(db.engine.sync_engine, "before_cursor_execute", count)
    items = [{"product": {"source_id": f"p{lines}-{n}", "override": True, "price": 1}} for n in range(lines)]
    await give_order(db, project, items=items)
    event.remove(db.engine.sync_engine, "before_cursor_execute", count)
    return len(counted)
