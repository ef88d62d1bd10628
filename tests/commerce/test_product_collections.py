"""Product collections over HTTP: made, changed, listed, deleted; and what is in them."""

from typing import Any

import pytest
from httpx import AsyncClient
from voucherify.models import (
    ProductCollectionsCreateResponseBody,
    ProductCollectionsGetResponseBody,
    ProductCollectionsListResponseBody,
    ProductCollectionsProductsListResponseBody,
)

from app.commerce.product_collections import service
from app.kit.db import Database
from tests.factories.access import ProjectKeys, give_project
from tests.factories.audiences import asked, give_collection
from tests.factories.commerce import give_product, give_sku
from tests.factories.incentives import ask
from tests.factories.rules import give_rule, rule_of

PATH = "/v1/product-collections"
BY_ACME = asked("metadata.brand", "$is", "Acme", junction="and")


async def contents(client: AsyncClient, project: ProjectKeys, collection_id: str, query: str = "") -> dict[str, Any]:
    answer = await ask(client, project, "GET", f"{PATH}/{collection_id}/products{query}")
    ProductCollectionsProductsListResponseBody.from_dict(answer)
    return answer


async def test_a_collection_is_kept_as_it_was_sent(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    shirt = await give_product(db, project, source_id="shirt")
    small = await give_sku(db, project, shirt.id, source_id="shirt/S")

    static = await give_collection(
        client,
        project,
        name="Chosen",
        products=[
            {"id": "shirt/S", "product_id": "shirt", "object": "sku"},
            {"id": shirt.id, "object": "product"},
            {"id": "shirt", "object": "product"},
        ],
    )
    filtered = await give_collection(client, project, BY_ACME, name="Acme")

    assert static["products"] == [
        {"id": small.id, "product_id": shirt.id, "object": "sku"},
        {"id": shirt.id, "object": "product"},
    ]
    assert (static["name"], static["type"], static["object"]) == ("Chosen", "STATIC", "products_collection")
    assert "filter" not in static
    assert (filtered["type"], filtered["filter"], "products" in filtered) == ("AUTO_UPDATE", BY_ACME, False)
    assert static["id"].startswith("pc_")
    for collection in (static, filtered):
        ProductCollectionsCreateResponseBody.from_dict(collection)
        found = await ask(client, project, "GET", f"{PATH}/{collection['id']}")
        ProductCollectionsGetResponseBody.from_dict(found)
        assert found == collection
    listed = await ask(client, project, "GET", PATH)
    ProductCollectionsListResponseBody.from_dict(listed)
    assert (listed["data"], listed["total"]) == ([filtered, static], 2)


async def test_a_collection_can_be_changed_but_not_its_type(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_product(db, project, source_id="shirt")
    hat = await give_product(db, project, source_id="hat")
    static = await give_collection(client, project, products=[{"id": "shirt", "object": "product"}])
    filtered = await give_collection(client, project, BY_ACME)

    await ask(client, project, "PUT", f"{PATH}/{static['id']}", {"products": [{"id": "hat", "object": "product"}]})
    renamed = await ask(client, project, "PUT", f"{PATH}/{static['id']}", {"name": "Hats"})
    await ask(client, project, "PUT", f"{PATH}/{filtered['id']}", {"filter": asked("name", "$is", "Hat")})
    refused = await client.put(f"{PATH}/{static['id']}", json={"filter": BY_ACME}, headers=project.server)

    assert (renamed["name"], renamed["products"]) == ("Hats", [{"id": hat.id, "object": "product"}])
    assert renamed["updated_at"] >= renamed["created_at"]
    assert (refused.status_code, refused.json()["key"]) == (400, "invalid_payload")


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        ({"type": "STATIC", "name": "A", "filter": BY_ACME}, 400, "filter"),
        ({"type": "AUTO_UPDATE", "name": "A"}, 400, "filter"),
        ({"type": "AUTO_UPDATE", "name": "A", "filter": {}}, 400, "filter"),
        ({"type": "AUTO_UPDATE", "name": "A", "filter": asked("colour", "$is", "red")}, 400, "filter.colour"),
        ({"type": "AUTO_UPDATE", "name": "A", "filter": asked("price", "$more_than", "much")}, 400, "filter.price"),
        (
            {"type": "AUTO_UPDATE", "name": "A", "filter": BY_ACME, "products": [{"id": "a", "object": "sku"}]},
            400,
            "products",
        ),
        ({"type": "STATIC", "name": "", "products": []}, 400, "name"),
        ({"type": "OTHER", "name": "A"}, 400, "type"),
        ({"type": "STATIC", "name": "A", "products": [{"id": "unknown", "object": "product"}]}, 404, None),
    ],
)
async def test_a_collection_that_means_nothing_is_refused(
    client: AsyncClient, headers: dict[str, str], body: dict[str, Any], status: int, path: str | None
) -> None:
    response = await client.post(PATH, json=body, headers=headers)

    assert response.status_code == status, response.text
    if path is not None:
        assert response.json()["errors"][0]["path"].startswith(path)


async def test_a_collection_with_a_filter_holds_what_the_filter_accepts_now(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    shirt = await give_product(db, project, source_id="shirt", metadata={"brand": "Acme"})
    await give_sku(db, project, shirt.id, source_id="shirt/S", metadata={"size": "S"})
    shoe = await give_product(db, project, source_id="shoe", metadata={"brand": "Other"})
    boot = await give_sku(db, project, shoe.id, source_id="shoe/boot", price=900, metadata={"brand": "Acme"})
    collection = await give_collection(client, project, BY_ACME)

    before = await contents(client, project, collection["id"])
    await give_product(db, project, source_id="hat", metadata={"brand": "Acme"})
    after = await contents(client, project, collection["id"])
    first = await contents(client, project, collection["id"], "?limit=1&order=created_at")

    assert [item["id"] for item in before["data"]] == [boot.id, shirt.id]  # SKUs of the shirt come with it
    assert before["data"][0]["product"]["id"] == shoe.id
    assert (before["data"][0]["object"], before["data"][1]["object"]) == ("sku", "product")
    assert [item["source_id"] for item in after["data"]] == ["hat", "shoe/boot", "shirt"]
    assert ([item["id"] for item in first["data"]], first["total"]) == ([shirt.id], 3)


async def test_deleted_products_are_in_no_collection(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_product(db, project, source_id="shirt", metadata={"brand": "Acme"})
    static = await give_collection(client, project, products=[{"id": "shirt", "object": "product"}])
    filtered = await give_collection(client, project, BY_ACME)

    await ask(client, project, "DELETE", "/v1/products/shirt")

    assert (await contents(client, project, static["id"]))["data"] == []
    assert (await contents(client, project, filtered["id"]))["data"] == []


@pytest.mark.parametrize("place", ["condition", "object", "target"])
async def test_a_collection_that_a_rule_names_cannot_be_deleted(
    client: AsyncClient, project: ProjectKeys, place: str
) -> None:
    collection = await give_collection(client, project, BY_ACME)
    named = {"id": collection["id"], "object": "products_collection", "effect": "APPLY_TO_EVERY"}
    rule = await give_rule(
        client,
        project,
        **{
            "condition": {"rules": rule_of("product.id", "$from", collection["id"])},
            "object": {"rules": rule_of("order.items.any", "$is", named)},
            "target": {"applicable_to": {"included": [named]}},
        }[place],
    )

    refused = await client.delete(f"{PATH}/{collection['id']}", headers=project.server)
    await ask(client, project, "DELETE", f"/v1/validation-rules/{rule['id']}")
    await ask(client, project, "DELETE", f"{PATH}/{collection['id']}")
    gone = await client.get(f"{PATH}/{collection['id']}", headers=project.server)

    assert (refused.status_code, refused.json()["key"]) == (400, "resource_in_use")
    assert gone.status_code == 404


async def test_there_are_at_most_a_hundred_collections(
    client: AsyncClient, project: ProjectKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service.MOST_COLLECTIONS == 100
    monkeypatch.setattr(service, "MOST_COLLECTIONS", 1)
    await give_collection(client, project, BY_ACME)

    refused = await client.post(
        PATH, json={"type": "AUTO_UPDATE", "name": "A", "filter": BY_ACME}, headers=project.server
    )

    assert (refused.status_code, refused.json()["key"]) == (400, "quantity_exceeded")


async def test_another_project_sees_no_collection(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    collection = await give_collection(client, project, BY_ACME)
    other = await give_project(db)
    path = f"{PATH}/{collection['id']}"

    answers = [
        (await client.get(path, headers=other.server)).status_code,
        (await client.put(path, json={"name": "Mine"}, headers=other.server)).status_code,
        (await client.delete(path, headers=other.server)).status_code,
        (await client.get(f"{path}/products", headers=other.server)).status_code,
    ]

    assert answers == [404] * 4
    assert (await ask(client, other, "GET", PATH))["total"] == 0
