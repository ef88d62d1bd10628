"""Exports over HTTP: made by a worker, loaded as CSV, bounded and private."""

import asyncio
import csv
import io
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import func, select
from voucherify import ApiClient, ExportsApi
from voucherify.models import ExportsCreateRequestBody, ExportsCreateRequestBodyParameters

from app.distribution.exports import writing
from app.distribution.exports.objects import EXPORTABLES
from app.distribution.exports.rows import lines_of
from app.distribution.exports.service import KEPT_FOR
from app.kit import clock
from app.kit.db import Database
from app.kit.jobs import Work
from app.models import ExportChunk
from tests.factories.access import ProjectKeys, give_project
from tests.factories.carts import cart, redeem
from tests.factories.commerce import give_customer, give_order, give_product, give_sku
from tests.factories.gifts import change_balance, give_card
from tests.factories.incentives import Answer, ask, give_coupon
from tests.factories.outbox import follow_all
from tests.factories.rewards import give_member, give_program

Rows = list[dict[str, str]]


async def written(client: AsyncClient, db: Database, project: ProjectKeys, path: str, body: Any) -> Answer:
    """The export as it is answered when the worker has written it."""
    scheduled = await ask(client, project, "POST", path, body)
    assert (scheduled["status"], scheduled["result"], scheduled["object"]) == ("SCHEDULED", None, "export")
    await writing.write(Work(db), {"project_id": project.id, "export_id": scheduled["id"]})
    return await ask(client, project, "GET", f"/v1/exports/{scheduled['id']}")


async def loaded(client: AsyncClient, project: ProjectKeys, export: Answer) -> Rows:
    assert export["status"] == "DONE"
    response = await client.get(export["result"]["url"], headers=project.server)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    return list(csv.DictReader(io.StringIO(response.text)))


async def exported(
    client: AsyncClient, db: Database, project: ProjectKeys, exported_object: str, **parameters: Any
) -> Rows:
    body = {"exported_object": exported_object, "parameters": parameters}
    return await loaded(client, project, await written(client, db, project, "/v1/exports", body))


async def test_the_usual_fields_of_customers_are_exported_in_the_order_asked_for(
    client: AsyncClient, db: Database, project: ProjectKeys, plain_client: AsyncClient
) -> None:
    await give_customer(db, project, source_id="ada", name='Ada "the first", Countess\nof L.')
    await give_customer(db, project, source_id="bob")

    rows = await exported(plain_client, db, project, "customer", order="-created_at")

    assert rows == [{"name": "", "source_id": "bob"}, {"name": 'Ada "the first", Countess\nof L.', "source_id": "ada"}]


async def test_fields_metadata_and_filters_are_as_asked_for(
    db: Database, project: ProjectKeys, plain_client: AsyncClient
) -> None:
    await give_customer(db, project, source_id="ada", email="ada@example.com", metadata={"size": "M", "n": 1})
    await give_customer(db, project, source_id="bob", metadata={"size": "L"})

    rows = await exported(
        plain_client,
        db,
        project,
        "customer",
        fields=["source_id", "metadata.size", "email", "metadata"],
        filters={"junction": "AND", "metadata.size": {"conditions": {"$is": ["M"]}}},
    )

    (row,) = rows
    assert (row["source_id"], row["metadata.size"], row["email"]) == ("ada", "M", "ada@example.com")
    assert row["metadata"] in ('{"size":"M","n":1}', '{"n":1,"size":"M"}')


async def test_every_object_is_exported_with_every_field_there_is(
    db: Database, project: ProjectKeys, plain_client: AsyncClient
) -> None:
    client = plain_client
    await give_coupon(client, project, "CODE")
    await give_card(client, project, "GIFT")
    await change_balance(client, project, "GIFT", 100)
    await redeem(client, project, cart("CODE", customer={"source_id": "ada"}))
    await give_order(db, project, source_id="o1", amount=500)
    product = await give_product(db, project, source_id="p1", name="Hat", price=100)
    await give_sku(db, project, product.id, source_id="s1", sku="red")
    await give_member(db, client, project, await give_program(client, project), points=50)

    found = {
        name: await exported(client, db, project, name, fields=list(EXPORTABLES[name].fields)) for name in EXPORTABLES
    }

    assert all(rows for rows in found.values())
    vouchers = {row["code"]: row for row in found["voucher"]}
    assert vouchers["CODE"]["discount_type"] in ("AMOUNT", "PERCENT")
    assert (vouchers["CODE"]["redemption_count"], vouchers["GIFT"]["redemption_count"]) == ("1", "0")
    assert vouchers["GIFT"]["gift_balance"] == str(int(vouchers["GIFT"]["value"]) + 100)
    assert [row["loyalty_balance"] for row in found["voucher"] if row["voucher_type"] == "LOYALTY_CARD"] == ["50"]
    assert found["points_expiration"][0]["points"] == "50"
    assert {row["type"] for row in found["voucher_transactions"]} >= {"CREDITS_ADDITION"}
    assert found["redemption"][0]["result"] == "SUCCESS"
    assert found["sku"][0]["product_id"] == product.id


async def test_a_file_of_many_chunks_has_each_row_once(
    db: Database, project: ProjectKeys, plain_client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "CHUNK", 3)
    for number in range(10):
        await give_customer(db, project, source_id=f"c{number}")
    scheduled = await ask(plain_client, project, "POST", "/v1/exports", {"exported_object": "customer"})
    payload = {"project_id": project.id, "export_id": scheduled["id"]}

    await asyncio.gather(*(writing.write(Work(db), payload) for _ in range(4)))

    export = await ask(plain_client, project, "GET", f"/v1/exports/{scheduled['id']}")
    rows = await loaded(plain_client, project, export)
    assert [row["source_id"] for row in rows] == [f"c{number}" for number in range(10)]


async def test_a_file_of_too_many_rows_is_given_up(
    db: Database, project: ProjectKeys, plain_client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "CHUNK", 2)
    monkeypatch.setattr(writing, "MOST_ROWS", 4)
    for number in range(6):
        await give_customer(db, project, source_id=f"c{number}")

    export = await written(plain_client, db, project, "/v1/exports", {"exported_object": "customer"})

    assert (export["status"], export["result"]) == ("ERROR", None)


async def test_files_with_customers_are_gone_when_a_customer_is_erased(
    db: Database, project: ProjectKeys, plain_client: AsyncClient
) -> None:
    await give_customer(db, project, source_id="ada", name="Ada")
    with_persons = await written(plain_client, db, project, "/v1/exports", {"exported_object": "customer"})
    without = await written(plain_client, db, project, "/v1/exports", {"exported_object": "order"})

    await plain_client.delete("/v1/customers/ada", headers=project.server)
    await follow_all(db, project)

    kept = await ask(plain_client, project, "GET", "/v1/exports")
    async with db.read() as session:
        chunks = await session.scalar(
            select(func.count()).select_from(ExportChunk).where(ExportChunk.export_id == with_persons["id"])
        )
    assert [export["id"] for export in kept["exports"]] == [without["id"]]
    assert chunks == 0


async def test_files_are_deleted_on_request_and_when_they_expire(
    db: Database, project: ProjectKeys, plain_client: AsyncClient
) -> None:
    first = await written(plain_client, db, project, "/v1/exports", {"exported_object": "order"})
    second = await written(plain_client, db, project, "/v1/exports", {"exported_object": "order"})

    deleted = await plain_client.delete(f"/v1/exports/{first['id']}", headers=project.server)
    gone = await plain_client.get(first["result"]["url"], headers=project.server)
    async with db.write() as session:
        await writing.forget_expired(session, project.id, clock.now() + 2 * KEPT_FOR)
    after = await plain_client.get(f"/v1/exports/{second['id']}", headers=project.server)

    assert (deleted.status_code, gone.status_code, after.status_code) == (204, 404, 404)


async def test_nobody_loads_a_file_without_its_token_or_of_another_project(
    db: Database, project: ProjectKeys, plain_client: AsyncClient
) -> None:
    export = await written(plain_client, db, project, "/v1/exports", {"exported_object": "order"})
    stranger = await give_project(db)
    path = f"/v1/exports/{export['id']}"

    wrong = await plain_client.get(f"{path}?token=0", headers=project.server)
    foreign = await plain_client.get(export["result"]["url"], headers=stranger.server)
    keyless = await plain_client.get(export["result"]["url"])

    assert (wrong.status_code, foreign.status_code, keyless.status_code) == (404, 404, 401)


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"exported_object": "campaign"}, "invalid_payload"),
        ({}, "invalid_payload"),
        ({"exported_object": "order", "parameters": {"fields": ["secret"]}}, "invalid_export_fields"),
        ({"exported_object": "sku", "parameters": {"fields": [1]}}, "invalid_payload"),
        ({"exported_object": "order", "parameters": {"order": "amount"}}, "invalid_payload"),
        ({"exported_object": "order", "parameters": {"campaign_id": "camp_1"}}, "invalid_export_filters"),
    ],
)
async def test_what_cannot_be_exported_is_refused_at_once(
    client: AsyncClient, project: ProjectKeys, body: Any, key: str
) -> None:
    response = await client.post("/v1/exports", json=body, headers=project.server)

    assert (response.status_code, response.json()["key"]) == (400, key)


@pytest.mark.parametrize(
    "filters",
    [
        {"x": {"conditions": {"$is": 1}}},
        {"amount": {"conditions": {"$is": "much"}}},
        {"amount": {"conditions": {"$is": [[1]]}}},
        {"amount": {"conditions": {"$never": 1}}},
        {"amount": 1},
    ],
)
async def test_filters_that_mean_nothing_are_refused_at_once(
    client: AsyncClient, project: ProjectKeys, filters: Any
) -> None:
    body = {"exported_object": "order", "parameters": {"filters": filters}}

    response = await client.post("/v1/exports", json=body, headers=project.server)

    assert (response.status_code, response.json()["key"]) == (400, "invalid_export_filters")


async def test_no_more_files_are_kept_than_allowed(
    client: AsyncClient, project: ProjectKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.distribution.exports.service.MOST_KEPT", 2)
    body = {"exported_object": "order"}

    answers = await asyncio.gather(*(client.post("/v1/exports", json=body, headers=project.server) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [200, 200, 400, 400, 400]


async def test_transactions_and_expiring_points_are_exported_of_a_program_or_a_member(
    db: Database, project: ProjectKeys, plain_client: AsyncClient
) -> None:
    client = plain_client
    program, other = await give_program(client, project), await give_program(client, project)
    card = await give_member(db, client, project, program, "ann")
    await give_member(db, client, project, other, "bob", points=7)
    for points in (100, -30):
        response = await client.post(
            f"/v1/loyalties/members/{card['code']}/balance", json={"points": points}, headers=project.server
        )
        assert response.status_code == 200, response.text
    paths = {
        "program": f"/v1/loyalties/{program['id']}/transactions/export",
        "member": f"/v1/loyalties/members/{card['code']}/transactions/export",
        "member of program": f"/v1/loyalties/{program['id']}/members/{card['code']}/transactions/export",
        "voucher": f"/v1/vouchers/{card['code']}/transactions/export",
        "campaign": f"/v1/campaigns/{program['id']}/transactions/export",
    }
    expiring_path = f"/v1/loyalties/{program['id']}/points-expiration/export"

    found = {
        name: await loaded(client, project, await written(client, db, project, path, {}))
        for name, path in paths.items()
    }
    expiring = await loaded(client, project, await written(client, db, project, expiring_path, {}))
    stranger = await client.post(
        f"/v1/loyalties/{other['id']}/members/{card['code']}/transactions/export", json={}, headers=project.server
    )

    for name, rows in found.items():
        assert [row["amount"] for row in rows] == ["100", "-30"], name
    assert [(row["voucher_id"], row["points"]) for row in expiring] == [(card["id"], "70")]
    assert stranger.status_code == 404


async def test_orders_are_exported_by_their_own_route_too(
    db: Database, project: ProjectKeys, plain_client: AsyncClient
) -> None:
    await give_order(db, project, source_id="o1", amount=500)

    export = await written(plain_client, db, project, "/v1/orders/export", {"parameters": {"fields": ["source_id"]}})

    assert await loaded(plain_client, project, export) == [{"source_id": "o1"}]


async def test_the_official_client_makes_an_export_and_loads_it_from_a_running_worker(
    db: Database, project: ProjectKeys, voucherify_client: ApiClient, worker: None, plain_client: AsyncClient
) -> None:
    api: Any = ExportsApi(voucherify_client)
    await give_coupon(plain_client, project, "CODE")
    parameters = ExportsCreateRequestBodyParameters(fields=["code", "voucher_type"])

    created = await asyncio.to_thread(
        api.create_export, ExportsCreateRequestBody(exported_object="voucher", parameters=parameters)
    )
    export = created
    for _ in range(200):
        export = await asyncio.to_thread(api.get_export, created.id)
        if export.status == "DONE":
            break
        await asyncio.sleep(0.1)
    listed = await asyncio.to_thread(api.list_exports)
    response = await plain_client.get(export.result.url, headers=project.server)

    assert [each.id for each in listed.exports] == [created.id]
    assert response.text == lines_of([["code", "voucher_type"], ["CODE", "DISCOUNT_VOUCHER"]])
