import asyncio
from typing import Any
from urllib.parse import quote

import pytest
from httpx import AsyncClient
from sqlalchemy import select
from voucherify.models import (
    ProductsCreateResponseBody,
    ProductsGetResponseBody,
    ProductsListResponseBody,
    ProductsSkusCreateResponseBody,
    ProductsSkusListResponseBody,
    ProductsSkusUpdateResponseBody,
    ProductsUpdateResponseBody,
    SkusGetResponseBody,
)

from app.kit.db import Database
from app.models import AuditEntry, Product
from tests.factories.access import ProjectKeys, give_project
from tests.factories.commerce import give_product, give_sku

Headers = dict[str, str]


async def post(client: AsyncClient, headers: Headers, path: str, **members: Any) -> dict[str, Any]:
    response = await client.post(path, json=members, headers=headers)
    assert response.status_code == 200, response.text
    model = ProductsSkusCreateResponseBody if path.endswith("/skus") else ProductsCreateResponseBody
    model.from_dict(response.json())
    body: dict[str, Any] = response.json()
    return body


async def test_a_product_is_answered_as_sent_and_then_changed_by_its_source_id(
    client: AsyncClient, headers: Headers
) -> None:
    given = {"source_id": "s", "name": "Shirt", "price": 1999, "attributes": ["size"], "metadata": {"a": 1, "b": 1}}
    first = await post(client, headers, "/v1/products", **given)

    second = await post(client, headers, "/v1/products", source_id="s", price=2099, metadata={"b": None, "c": 1})

    assert {name: first[name] for name in given} == given
    assert first["updated_at"] is None
    assert first["skus"] == {"object": "list", "data_ref": "data", "data": [], "total": 0}
    assert second["id"] == first["id"]
    assert (second["name"], second["price"], second["metadata"]) == ("Shirt", 2099, {"a": 1, "c": 1})


async def test_an_update_clears_what_is_null(client: AsyncClient, headers: Headers) -> None:
    await post(
        client, headers, "/v1/products", source_id="s", name="Shirt", price=1, attributes=["a"], metadata={"a": 1}
    )

    response = await client.put(
        "/v1/products/s", json={"price": None, "attributes": None, "metadata": None}, headers=headers
    )

    product = response.json()
    ProductsUpdateResponseBody.from_dict(product)
    assert (product["name"], product["price"], product["attributes"], product["metadata"]) == ("Shirt", None, [], {})


async def test_skus_live_under_their_product(client: AsyncClient, headers: Headers) -> None:
    product = await post(client, headers, "/v1/products", source_id="shirt")
    given = {"source_id": "L", "sku": "Large", "price": 5, "currency": "EUR", "attributes": {"size": "L"}}

    sku = await post(client, headers, "/v1/products/shirt/skus", **given, metadata={"a": 1})

    found = (await client.get("/v1/skus/L", headers=headers)).json()
    changed = await client.put("/v1/products/shirt/skus/L", json={"currency": None, "sku": "XL"}, headers=headers)
    owner = (await client.get("/v1/products/shirt", headers=headers)).json()
    listed = (await client.get("/v1/products/shirt/skus", headers=headers)).json()
    for model, body in (
        (SkusGetResponseBody, found),
        (ProductsSkusUpdateResponseBody, changed.json()),
        (ProductsGetResponseBody, owner),
        (ProductsSkusListResponseBody, listed),
    ):
        model.from_dict(body)
    assert {name: sku[name] for name in given} == given
    assert found == sku
    assert sku["product_id"] == product["id"]
    assert (changed.json()["sku"], "currency" in changed.json()) == ("XL", False)
    assert [row["id"] for row in owner["skus"]["data"]] == [row["id"] for row in listed["skus"]] == [sku["id"]]
    assert (listed["data_ref"], listed["total"], owner["skus"]["total"]) == ("data", 1, 1)


async def test_a_sku_does_not_move_to_another_product(client: AsyncClient, headers: Headers) -> None:
    await post(client, headers, "/v1/products", source_id="one")
    await post(client, headers, "/v1/products", source_id="two")
    sku = await post(client, headers, "/v1/products/one/skus", source_id="L", sku="Large")

    moved = await client.post("/v1/products/two/skus", json={"source_id": "L", "sku": "Stolen"}, headers=headers)
    reached = await client.put("/v1/products/two/skus/L", json={"sku": "Stolen"}, headers=headers)
    deleted = await client.delete("/v1/products/two/skus/L", headers=headers)

    assert (moved.status_code, moved.json()["key"]) == (409, "duplicate_found")
    assert (reached.status_code, deleted.status_code) == (404, 404)
    assert (await client.get("/v1/skus/L", headers=headers)).json() == sku


async def test_a_deleted_product_lies_in_the_bin_with_its_skus_and_keeps_its_source_id(
    client: AsyncClient, headers: Headers
) -> None:
    product = await post(client, headers, "/v1/products", source_id="s")
    sku = await post(client, headers, "/v1/products/s/skus", source_id="L")

    deleted = await client.delete("/v1/products/s", headers=headers)

    assert (deleted.status_code, deleted.content) == (204, b"")
    for path in ("/v1/products/s", f"/v1/products/{product['id']}", "/v1/skus/L", f"/v1/skus/{sku['id']}"):
        assert (await client.get(path, headers=headers)).status_code == 404
    assert (await client.get("/v1/products", headers=headers)).json()["products"] == []
    assert (await client.delete("/v1/products/s", headers=headers)).status_code == 404
    taken = await client.post("/v1/products", json={"source_id": "s"}, headers=headers)
    assert (taken.status_code, taken.json()["key"]) == (409, "duplicate_found")


async def test_force_erases_even_from_the_bin_and_frees_the_source_ids(client: AsyncClient, headers: Headers) -> None:
    first = await post(client, headers, "/v1/products", source_id="s")
    await post(client, headers, "/v1/products/s/skus", source_id="L")
    await client.delete("/v1/products/s", headers=headers)

    erased = await client.delete("/v1/products/s?force=true", headers=headers)

    assert erased.status_code == 204
    second = await post(client, headers, "/v1/products", source_id="s")
    assert second["id"] != first["id"]
    await post(client, headers, "/v1/products/s/skus", source_id="L")


async def test_a_deleted_sku_is_gone_and_keeps_its_source_id_until_it_is_erased(
    client: AsyncClient, headers: Headers
) -> None:
    await post(client, headers, "/v1/products", source_id="s")
    await post(client, headers, "/v1/products/s/skus", source_id="L")

    assert (await client.delete("/v1/products/s/skus/L", headers=headers)).status_code == 204
    assert (await client.get("/v1/skus/L", headers=headers)).status_code == 404
    taken = await client.post("/v1/products/s/skus", json={"source_id": "L"}, headers=headers)
    assert taken.status_code == 409
    assert (await client.delete("/v1/products/s/skus/L?force=true", headers=headers)).status_code == 204
    await post(client, headers, "/v1/products/s/skus", source_id="L")


async def test_fifty_parallel_upserts_of_a_source_id_make_one_product(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    made = await asyncio.gather(
        *(post(client, project.server, "/v1/products", source_id="same", price=n) for n in range(50))
    )

    async with db.read() as session:
        rows = list(await session.scalars(select(Product).where(Product.project_id == project.id)))
    assert len({product["id"] for product in made}) == len(rows) == 1


async def test_skus_racing_the_deletion_of_their_product_do_not_outlive_it(
    client: AsyncClient, headers: Headers
) -> None:
    await post(client, headers, "/v1/products", source_id="s")

    answers = await asyncio.gather(
        *(client.post("/v1/products/s/skus", json={"source_id": f"k{n}"}, headers=headers) for n in range(10)),
        client.delete("/v1/products/s", headers=headers),
        *(client.post("/v1/products/s/skus", json={"source_id": f"l{n}"}, headers=headers) for n in range(10)),
    )

    assert {answer.status_code for answer in answers} <= {200, 204, 404}
    for name in [f"{letter}{n}" for letter in "kl" for n in range(10)]:
        assert (await client.get(f"/v1/skus/{name}", headers=headers)).status_code == 404


async def test_another_projects_catalogue_does_not_exist(db: Database, client: AsyncClient, headers: Headers) -> None:
    other = await give_project(db)
    product = await give_product(db, other, source_id="theirs")
    sku = await give_sku(db, other, "theirs", source_id="their-sku")
    mine = await post(client, headers, "/v1/products", source_id="mine")

    for reference in (product.id, "theirs"):
        path = f"/v1/products/{reference}"
        answers = [
            await client.get(path, headers=headers),
            await client.put(path, json={}, headers=headers),
            await client.delete(f"{path}?force=true", headers=headers),
            await client.get(f"{path}/skus", headers=headers),
            await client.post(f"{path}/skus", json={}, headers=headers),
            await client.put(f"{path}/skus/{sku.id}", json={}, headers=headers),
            await client.delete(f"{path}/skus/{sku.id}", headers=headers),
        ]
        assert [answer.status_code for answer in answers] == [404] * 7
    assert (await client.get(f"/v1/skus/{sku.id}", headers=headers)).status_code == 404
    assert (await client.post("/v1/products", json={"id": product.id}, headers=headers)).status_code == 404
    listed = (await client.get("/v1/products", headers=headers)).json()
    assert [row["id"] for row in listed["products"]] == [mine["id"]]


async def test_the_list_of_products_shows_each_with_its_own_skus(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    for n in range(3):
        await give_product(db, project, source_id=f"p{n}")
        for m in range(n):
            await give_sku(db, project, f"p{n}", source_id=f"p{n}-{m}")

    listed = (await client.get("/v1/products?limit=2&order=created_at", headers=project.server)).json()
    rest = (await client.get("/v1/products?limit=2&page=2&order=created_at", headers=project.server)).json()

    ProductsListResponseBody.from_dict(listed)
    assert [(row["source_id"], row["skus"]["total"]) for row in listed["products"]] == [("p0", 0), ("p1", 1)]
    assert [sku["source_id"] for sku in rest["products"][0]["skus"]["data"]] == ["p2-0", "p2-1"]
    assert (listed["total"], rest["total"]) == (3, 3)


async def test_a_product_shows_its_oldest_hundred_skus_and_counts_all(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    await give_product(db, project, source_id="p")
    for n in range(101):
        await give_sku(db, project, "p", source_id=str(n))

    skus = (await client.get("/v1/products/p", headers=project.server)).json()["skus"]

    assert [sku["source_id"] for sku in skus["data"]] == [str(n) for n in range(100)]
    assert skus["total"] == 101


@pytest.mark.parametrize("source_id", ["a/skus/b", "ü/1", "x skus", "%"])
async def test_any_source_id_can_be_named_in_a_path(client: AsyncClient, headers: Headers, source_id: str) -> None:
    product = await post(client, headers, "/v1/products", source_id=source_id)
    path = f"/v1/products/{quote(source_id, safe='')}"
    sku = await post(client, headers, f"{path}/skus", source_id=source_id)

    assert (await client.get(path, headers=headers)).json()["id"] == product["id"]
    found = await client.put(f"{path}/skus/{quote(source_id, safe='')}", json={}, headers=headers)
    assert found.json()["id"] == sku["id"]


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"price": -1}, "price"),
        ({"price": 10.5}, "price"),
        ({"price": 2**63}, "price"),
        ({"attributes": {"a": 1}}, "attributes"),
        ({"attributes": [1]}, "attributes[0]"),
        ({"name": {}}, "name"),
    ],
)
async def test_nonsense_is_refused_with_its_path(
    client: AsyncClient, headers: Headers, members: dict[str, Any], path: str
) -> None:
    response = await client.post("/v1/products", json=members, headers=headers)

    assert response.status_code == 400, response.text
    assert [error["path"] for error in response.json()["errors"]] == [path]


async def test_every_change_of_the_catalogue_is_logged(db: Database, client: AsyncClient, project: ProjectKeys) -> None:
    product = await post(client, project.server, "/v1/products", source_id="s", price=1)
    await post(client, project.server, "/v1/products", source_id="s", price=1)
    await post(client, project.server, "/v1/products", source_id="s", price=2)
    sku = await post(client, project.server, "/v1/products/s/skus", source_id="L")
    await client.put("/v1/products/s/skus/L", json={"price": 3}, headers=project.server)
    await client.delete("/v1/products/s", headers=project.server)

    async with db.read() as session:
        entries = list(
            await session.scalars(select(AuditEntry).where(AuditEntry.project_id == project.id).order_by(AuditEntry.id))
        )
    assert [(entry.action, entry.resource_id) for entry in entries if entry.resource_type in ("product", "sku")] == [
        ("product.created", product["id"]),
        ("product.updated", product["id"]),
        ("sku.created", sku["id"]),
        ("sku.updated", sku["id"]),
        ("product.deleted", product["id"]),
    ]
