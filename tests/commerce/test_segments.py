"""Segments over HTTP, and who is in them."""

from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient
from voucherify.models import (
    CustomersSegmentsListResponseBody,
    SegmentsCreateResponseBody,
    SegmentsGetResponseBody,
)

from app.commerce.segments import membership, service
from app.kit import clock
from app.kit.db import Database
from tests.factories.access import ProjectKeys, give_project
from tests.factories.audiences import asked, give_segment, segments_of
from tests.factories.commerce import give_customer, give_order
from tests.factories.incentives import ask
from tests.factories.rules import give_rule, rule_of

IN_BERLIN = asked("address.city", "$is", "Berlin", junction="and")


async def test_a_segment_is_kept_as_it_was_sent(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_customer(db, project, source_id="ada")

    static = await give_segment(client, project, name="Friends", customers=["ada"])
    passive = await give_segment(client, project, IN_BERLIN)
    active = await give_segment(client, project, IN_BERLIN, type="auto-update")

    assert (static["name"], static["type"], static["object"]) == ("Friends", "static", "segment")
    assert "filter" not in static
    assert (passive["type"], active["type"], active["filter"]) == ("passive", "auto-update", IN_BERLIN)
    assert static["id"].startswith("seg_")
    for segment in (static, passive):
        SegmentsCreateResponseBody.from_dict(segment)
        found = await ask(client, project, "GET", f"/v1/segments/{segment['id']}")
        SegmentsGetResponseBody.from_dict(found)
        assert found == segment
    listed = await ask(client, project, "GET", "/v1/segments")
    assert (listed["data"], listed["total"]) == ([active, passive, static], 3)


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        ({"name": "A", "type": "static", "filter": IN_BERLIN}, 400, "filter"),
        ({"name": "A", "type": "passive"}, 400, "filter"),
        ({"name": "A", "type": "passive", "filter": IN_BERLIN, "customers": ["ada"]}, 400, "customers"),
        ({"name": "A", "type": "auto-update", "filter": asked("age", "$is", 5)}, 400, "filter.age"),
        ({"name": "A", "type": "passive", "filter": asked("loyalty_points.x", "$is", 5)}, 400, "filter.loyalty_points"),
        ({"name": "A", "type": "other", "filter": IN_BERLIN}, 400, "type"),
        ({"type": "passive", "filter": IN_BERLIN}, 400, "name"),
        ({"name": "A", "type": "static", "customers": ["nobody"]}, 404, None),
        ({"name": "A", "type": "static", "customers": ["a"] * 20_001}, 400, "customers"),
    ],
)
async def test_a_segment_that_means_nothing_is_refused(
    client: AsyncClient, headers: dict[str, str], body: dict[str, Any], status: int, path: str | None
) -> None:
    response = await client.post("/v1/segments", json=body, headers=headers)

    assert response.status_code == status, response.text
    if path is not None:
        assert response.json()["errors"][0]["path"].startswith(path)


async def test_a_customer_is_in_the_segments_that_name_or_describe_them(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    ada = await give_customer(db, project, source_id="ada", address={"city": "Berlin"})
    await give_customer(db, project, source_id="bob", address={"city": "Bonn"})
    static = await give_segment(client, project, customers=[ada.id])
    berlin = await give_segment(client, project, IN_BERLIN)
    elsewhere = await give_segment(client, project, asked("address.city", "$is_not", "Berlin"))

    answer = await ask(client, project, "GET", "/v1/customers/ada/segments")

    CustomersSegmentsListResponseBody.from_dict(answer)
    assert answer["data"][0] == {"id": static["id"], "name": "Regulars", "object": "segment"}
    assert await segments_of(client, project, ada.id) == [static["id"], berlin["id"]]
    assert await segments_of(client, project, "bob") == [elsewhere["id"]]
    assert await segments_of(client, project, "somebody-new") == [elsewhere["id"]]


async def test_a_filter_sees_the_order_history_as_the_summary_shows_it(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    old = (clock.now() - timedelta(days=40)).isoformat()
    for status, price, created_at in (("PAID", 1000, old), ("FULFILLED", 2001, None), ("CREATED", 9000, None)):
        await give_order(
            db,
            project,
            customer={"source_id": "ada"},
            status=status,
            created_at=created_at,
            items=[{"source_id": f"thing-{price}", "related_object": "product", "price": price}],
        )
    await give_customer(db, project, source_id="bob")
    orders = (await ask(client, project, "GET", "/v1/customers/ada"))["summary"]["orders"]

    async def found(attribute: str, operator: str, *values: Any) -> bool:
        segment = await give_segment(client, project, asked(attribute, operator, *values))
        ada, bob = await segments_of(client, project, "ada"), await segments_of(client, project, "bob")
        return (segment["id"] in ada, segment["id"] in bob) == (True, False)

    assert orders["total_amount"] == 3001
    for name in ("total_count", "total_amount", "average_amount", "last_order_amount"):
        assert await found(f"summary.orders.{name}", "$is", orders[name]), name
    assert await found("summary.orders.last_order_date", "$is_days_ago", 0)
    assert not await found("summary.orders.last_order_date", "$more_than_ago", 30)
    assert await found("summary.orders.products", "$in", "thing-1000", "thing-7")
    assert not await found("summary.orders.products", "$in", "thing-9000")  # never paid


async def test_customers_can_be_listed_by_segment(
    client: AsyncClient, db: Database, project: ProjectKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "ROUND", 2)
    for number in range(5):
        await give_customer(db, project, source_id=f"c{number}", metadata={"odd": number % 2 == 1})
    await give_order(db, project, customer={"source_id": "c3"}, status="PAID", amount=500)
    odd = await give_segment(client, project, asked("metadata.odd", "$is", True))
    buyers = await give_segment(client, project, asked("summary.orders.total_count", "$more_than", 0))
    named = await give_segment(client, project, customers=["c0", "c4"])

    async def listed(segment_id: str, query: str = "") -> tuple[list[str], int]:
        answer = await ask(client, project, "GET", f"/v1/customers?segment_id={segment_id}{query}")
        return [customer["source_id"] for customer in answer["customers"]], answer["total"]

    assert await listed(odd["id"]) == (["c3", "c1"], 2)
    assert await listed(odd["id"], "&limit=1&page=2&order=created_at") == (["c3"], 2)
    assert await listed(buyers["id"]) == (["c3"], 1)
    assert await listed(named["id"]) == (["c4", "c0"], 2)
    assert await listed("seg_unknown") == ([], 0)


async def test_an_erased_customer_leaves_static_segments(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    ada = await give_customer(db, project, source_id="ada")
    await give_segment(client, project, customers=["ada"])

    proof = await ask(client, project, "POST", "/v1/customers/ada/permanent-deletion")

    assert proof["data_json"]["segments"] == 1
    assert await segments_of(client, project, ada.id) == []


async def test_a_segment_that_a_rule_names_cannot_be_deleted(client: AsyncClient, project: ProjectKeys) -> None:
    segment = await give_segment(client, project, IN_BERLIN)
    rule = await give_rule(client, project, rules=rule_of("customer.segment", "$is", segment["id"]))

    refused = await client.delete(f"/v1/segments/{segment['id']}", headers=project.server)
    await ask(client, project, "DELETE", f"/v1/validation-rules/{rule['id']}")
    await ask(client, project, "DELETE", f"/v1/segments/{segment['id']}")

    assert (refused.status_code, refused.json()["key"]) == (400, "resource_in_use")
    assert (await client.get(f"/v1/segments/{segment['id']}", headers=project.server)).status_code == 404


async def test_there_are_at_most_a_hundred_segments_with_a_filter(
    client: AsyncClient, project: ProjectKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service.MOST_FILTERED == 100
    monkeypatch.setattr(service, "MOST_FILTERED", 1)
    await give_segment(client, project, IN_BERLIN)

    body = {"name": "One more", "type": "passive", "filter": IN_BERLIN}
    refused = await client.post("/v1/segments", json=body, headers=project.server)

    assert (refused.status_code, refused.json()["key"]) == (400, "quantity_exceeded")
    await give_segment(client, project, type="static")


async def test_a_static_segment_takes_twenty_thousand_customers(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    async with db.connection() as connection:
        await connection.execute(
            "INSERT INTO customers (project_id, id, metadata, created_at) "
            "SELECT $1, 'cust_many_' || n, '{}', now() FROM generate_series(1, 20000) AS n",
            project.id,
        )

    segment = await give_segment(client, project, customers=[f"cust_many_{n}" for n in range(1, 20_001)])

    assert await segments_of(client, project, "cust_many_777") == [segment["id"]]


async def test_another_project_sees_no_segment(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_customer(db, project, source_id="ada", address={"city": "Berlin"})
    segment = await give_segment(client, project, IN_BERLIN)
    other = await give_project(db)
    await give_customer(db, other, source_id="ada", address={"city": "Berlin"})
    path = f"/v1/segments/{segment['id']}"

    answers = [(await client.request(method, path, headers=other.server)).status_code for method in ("GET", "DELETE")]
    taken = await client.post(
        "/v1/segments",
        json={"name": "A", "type": "static", "customers": [(await give_customer(db, project)).id]},
        headers=other.server,
    )

    assert answers == [404, 404]
    assert taken.status_code == 404
    assert await segments_of(client, other, "ada") == []
    assert (await ask(client, other, "GET", f"/v1/customers?segment_id={segment['id']}"))["total"] == 0
