import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from httpx import AsyncClient
from sqlalchemy import select
from voucherify.models import (
    CustomersCreateResponseBody,
    CustomersGetResponseBody,
    CustomersPermanentDeletionCreateResponseBody,
    CustomersUpdateResponseBody,
)

from app.kit import clock
from app.kit.db import Database
from app.models import AuditEntry, Customer, OutboxEvent, Redemption
from tests.factories.access import ProjectKeys, give_project
from tests.factories.commerce import give_customer, give_order

Headers = dict[str, str]


async def upsert(client: AsyncClient, headers: Headers, **members: Any) -> dict[str, Any]:
    response = await client.post("/v1/customers", json=members, headers=headers)
    assert response.status_code == 200, response.text
    CustomersCreateResponseBody.from_dict(response.json())
    body: dict[str, Any] = response.json()
    return body


async def events_of(db: Database, project: ProjectKeys) -> list[OutboxEvent]:
    async with db.read() as session:
        events = select(OutboxEvent).where(OutboxEvent.project_id == project.id).order_by(OutboxEvent.id)
        return list(await session.scalars(events))


async def test_a_new_customer_is_answered_with_everything_that_was_sent(client: AsyncClient, headers: Headers) -> None:
    profile = {
        "source_id": "crm-7",
        "name": "Ada Lovelace",
        "description": "Counts",
        "email": " Ada@Example.com ",
        "phone": "+49 30 123",
        "birthdate": "1815-12-10",
        "address": {"city": "Berlin", "line_1": "Torstr. 1", "country": "DE", "postal_code": "10119"},
        "metadata": {"vip": True, "sizes": [1, 2.5]},
    }

    customer = await upsert(client, headers, **profile)

    assert {name: customer[name] for name in profile} == profile
    assert customer["id"].startswith("cust_")
    assert customer["object"] == "customer"
    assert "updated_at" not in customer


async def test_a_second_post_of_a_source_id_changes_what_it_sends_and_merges_metadata(
    client: AsyncClient, headers: Headers
) -> None:
    first = await upsert(client, headers, source_id="a", name="Ada", phone="1", metadata={"x": 1, "y": 1, "z": 1})

    second = await upsert(client, headers, source_id="a", name="Ada L.", phone=None, metadata={"y": 2, "z": None})

    assert second["id"] == first["id"]
    assert (second["name"], second["phone"], second["metadata"]) == ("Ada L.", "1", {"x": 1, "y": 2})
    assert second["updated_at"] >= second["created_at"]


async def test_an_id_beats_a_source_id(client: AsyncClient, headers: Headers) -> None:
    first = await upsert(client, headers, source_id="first")
    await upsert(client, headers, source_id="second")

    changed = await upsert(client, headers, id=first["id"], source_id="second", name="Ada")

    assert (changed["id"], changed["source_id"], changed["name"]) == (first["id"], "first", "Ada")


async def test_an_unknown_id_is_not_created(client: AsyncClient, headers: Headers) -> None:
    response = await client.post("/v1/customers", json={"id": "cust_nobody", "source_id": "x"}, headers=headers)

    assert response.status_code == 404
    assert response.json()["key"] == "not_found"


async def test_an_email_alone_or_nothing_at_all_is_always_somebody_new(client: AsyncClient, headers: Headers) -> None:
    same = [await upsert(client, headers, email="ada@example.com") for _ in range(2)]
    empty = await client.post("/v1/customers", headers=headers)

    assert same[0]["id"] != same[1]["id"]
    assert empty.status_code == 200
    assert empty.json()["metadata"] == {}


async def test_the_email_is_stored_as_given_beside_its_normal_form(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    customer = await upsert(client, project.server, email=" Ada@BÜCHER.example")

    async with db.read() as session:
        row = await session.get_one(Customer, (project.id, customer["id"]))
    assert (row.email, row.normal_email) == (" Ada@BÜCHER.example", "ada@xn--bcher-kva.example")


async def test_an_update_keeps_what_it_leaves_out_clears_nulls_and_merges_metadata(
    client: AsyncClient, headers: Headers
) -> None:
    profile = {"source_id": "a", "name": "Ada", "phone": "1", "email": "a@b.c", "address": {"city": "Berlin"}}
    await upsert(client, headers, **profile, metadata={"x": 1, "y": 1})

    response = await client.put(
        "/v1/customers/a",
        json={"email": None, "address": None, "metadata": {"y": None, "z": 3}, "source_id": "b", "nonsense": 1},
        headers=headers,
    )

    customer = response.json()
    CustomersUpdateResponseBody.from_dict(customer)
    assert (customer["name"], customer["phone"], customer["source_id"]) == ("Ada", "1", "a")
    assert customer["metadata"] == {"x": 1, "z": 3}
    assert "email" not in customer
    assert "address" not in customer


async def test_metadata_is_emptied_by_a_null(client: AsyncClient, headers: Headers) -> None:
    await upsert(client, headers, source_id="a", metadata={"x": 1})

    response = await client.put("/v1/customers/a", json={"metadata": None}, headers=headers)

    assert response.json()["metadata"] == {}


async def test_the_older_name_of_the_birthdate_is_understood(client: AsyncClient, headers: Headers) -> None:
    customer = await upsert(client, headers, birthday="1990-02-28")

    assert customer["birthdate"] == customer["birthday"] == "1990-02-28"


@pytest.mark.parametrize("source_id", ["a/b/c", "ü öß", "50%", "a?b#c", "../x", "日本/🎁", "a//b", "%2F"])
async def test_any_source_id_can_be_named_in_a_path(client: AsyncClient, headers: Headers, source_id: str) -> None:
    customer = await upsert(client, headers, source_id=source_id)

    response = await client.get(f"/v1/customers/{quote(source_id, safe='')}", headers=headers)

    assert response.status_code == 200, response.text
    assert response.json() == customer
    CustomersGetResponseBody.from_dict(response.json())


async def test_a_deleted_customer_is_gone_and_the_log_knows_only_the_id(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    customer = await upsert(client, project.server, source_id="secret-source", name="Secret Name", email="se@cr.et")

    deleted = await client.delete("/v1/customers/secret-source", headers=project.server)

    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await client.get(f"/v1/customers/{customer['id']}", headers=project.server)).status_code == 404
    assert (await client.delete("/v1/customers/secret-source", headers=project.server)).status_code == 404
    async with db.read() as session:
        entries = list(await session.scalars(select(AuditEntry).where(AuditEntry.resource_id == customer["id"])))
    events = await events_of(db, project)
    assert sorted(entry.action for entry in entries) == ["customer.created", "customer.deleted"]
    assert [event.type for event in events] == ["customer.created", "customer.deleted"]
    kept = str([entry.changes for entry in entries]) + str([event.data for event in events])
    assert "ecret" not in kept
    assert "se@cr" not in kept


async def test_a_permanent_deletion_erases_and_proves_it(client: AsyncClient, headers: Headers) -> None:
    customer = await upsert(client, headers, source_id="a")

    response = await client.post("/v1/customers/a/permanent-deletion", headers=headers)

    proof = response.json()
    CustomersPermanentDeletionCreateResponseBody.from_dict(proof)
    assert proof["related_object_id"] == customer["id"]
    assert proof["object"] == "pernament_deletion"
    assert proof["data_json"]["customer"] == 1
    assert (await client.get("/v1/customers/a", headers=headers)).status_code == 404


async def test_a_source_id_is_free_again_after_an_erasure(client: AsyncClient, headers: Headers) -> None:
    first = await upsert(client, headers, source_id="a")
    await client.delete("/v1/customers/a", headers=headers)

    second = await upsert(client, headers, source_id="a")

    assert second["id"] != first["id"]


async def test_nothing_is_logged_or_announced_when_nothing_changes(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    profile = {"source_id": "a", "name": "Ada", "address": {"city": "Berlin"}, "metadata": {"x": 1}}
    await upsert(client, project.server, **profile)
    again = await upsert(client, project.server, **profile)
    await upsert(client, project.server, source_id="a", name="Ada L.")

    assert "updated_at" not in again
    assert [event.type for event in await events_of(db, project)] == ["customer.created", "customer.updated"]


async def test_fifty_parallel_upserts_of_a_source_id_make_one_customer_and_lose_no_key(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    customers = await asyncio.gather(
        *(upsert(client, project.server, source_id="same", metadata={f"k{n}": n}) for n in range(50))
    )

    async with db.read() as session:
        rows = list(await session.scalars(select(Customer).where(Customer.project_id == project.id)))
    assert len(rows) == 1
    assert {customer["id"] for customer in customers} == {rows[0].id}
    assert rows[0].customer_metadata == {f"k{n}": n for n in range(50)}
    created = [event for event in await events_of(db, project) if event.type == "customer.created"]
    assert len(created) == 1


async def test_upserts_racing_deletions_are_done_or_asked_to_come_back(client: AsyncClient, headers: Headers) -> None:
    async def upsert_then_delete(n: int) -> tuple[int, int]:
        posted = await client.post("/v1/customers", json={"source_id": "x", "name": str(n)}, headers=headers)
        deleted = await client.delete("/v1/customers/x", headers=headers)
        return posted.status_code, deleted.status_code

    posted, deleted = zip(*await asyncio.gather(*(upsert_then_delete(n) for n in range(30))), strict=True)

    assert set(posted) <= {200, 503}
    assert set(deleted) <= {204, 404}
    assert posted.count(200) >= 25


async def test_another_projects_customer_does_not_exist(db: Database, client: AsyncClient, headers: Headers) -> None:
    other = await give_project(db)
    stranger = await give_customer(db, other, source_id="stranger", name="Stranger")

    for reference in (stranger.id, "stranger"):
        path = f"/v1/customers/{reference}"
        answers = [
            await client.get(path, headers=headers),
            await client.put(path, json={"name": "Mine"}, headers=headers),
            await client.delete(path, headers=headers),
            await client.post(f"{path}/permanent-deletion", headers=headers),
        ]
        assert [answer.status_code for answer in answers] == [404] * 4
    assert (await client.post("/v1/customers", json={"id": stranger.id}, headers=headers)).status_code == 404
    mine = await upsert(client, headers, source_id="stranger")
    assert mine["id"] != stranger.id
    assert "name" not in mine


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"name": "x" * 501}, "name"),
        ({"name": 5}, "name"),
        ({"source_id": ""}, "source_id"),
        ({"source_id": "x" * 501}, "source_id"),
        ({"email": "not an address"}, "email"),
        ({"email": "@example.com"}, "email"),
        ({"email": "a@" + "b" * 260}, "email"),
        ({"email": "ﷺ" * 80 + "@example.com"}, "email"),
        ({"birthdate": "1990-02-30"}, "birthdate"),
        ({"birthdate": "yesterday"}, "birthdate"),
        ({"address": "Berlin"}, "address"),
        ({"address": {"city": ["Berlin"]}}, "address.city"),
        ({"metadata": [1]}, "metadata"),
        ({"metadata": {"a": "\x00"}}, "metadata.a"),
        ({"metadata": {"a": 2**63}}, "metadata.a"),
    ],
)
async def test_nonsense_is_refused_with_its_path(
    client: AsyncClient, headers: Headers, members: dict[str, Any], path: str
) -> None:
    response = await client.post("/v1/customers", json=members, headers=headers)

    assert response.status_code == 400, response.text
    assert response.json()["key"] == "invalid_payload"
    assert [error["path"] for error in response.json()["errors"]] == [path]


async def test_an_empty_email_is_none(client: AsyncClient, headers: Headers) -> None:
    customer = await upsert(client, headers, source_id="a", email="")

    assert "email" not in customer


async def test_the_summary_counts_what_was_redeemed_and_ordered(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    customer = await give_customer(db, project, source_id="a")
    await give_redemptions(db, project, customer.id)
    buyer = {"id": customer.id}
    start = clock.now()
    await give_order(db, project, customer=buyer, status="PAID", amount=1000, created_at=start)
    await give_order(
        db,
        project,
        customer=buyer,
        status="FULFILLED",
        discount_amount=100,
        items=[{"source_id": "x", "price": 501, "quantity": 1, "discount_amount": 200}],
        created_at=start - timedelta(days=1),
    )
    await give_order(db, project, customer=buyer, status="CREATED", amount=7777)
    await give_order(db, project, customer=buyer, status="CANCELED", amount=7777)

    response = await client.get("/v1/customers/a", headers=project.server)

    summary = response.json()["summary"]
    assert summary["orders"] == {
        "total_amount": 1201,
        "total_count": 2,
        "average_amount": 601,
        "last_order_amount": 1000,
        "last_order_date": start.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    assert summary["redemptions"] == {
        "total_redeemed": 3,
        "total_failed": 2,
        "total_succeeded": 3,
        "total_rolled_back": 1,
        "total_rollback_failed": 1,
        "total_rollback_succeeded": 1,
        "gift": {"redeemed_amount": 0, "amount_to_go": 0},
        "loyalty_card": {"redeemed_points": 0, "points_to_go": 0},
    }


async def give_redemptions(db: Database, project: ProjectKeys, customer_id: str) -> None:
    """Three successes, one of them rolled back at the second attempt, two failures, and the parent of a stack."""
    kinds = [
        ("r_1", "redemption", "SUCCESS", "SUCCEEDED", "voucher"),
        ("r_2", "redemption", "SUCCESS", "SUCCEEDED", "voucher"),
        ("r_3", "redemption", "SUCCESS", "ROLLED_BACK", "voucher"),
        ("r_4", "redemption", "FAILURE", "FAILED", "voucher"),
        ("r_5", "redemption", "FAILURE", "FAILED", "voucher"),
        ("r_6", "redemption", "SUCCESS", "SUCCEEDED", "redemption"),
        ("rr_1", "redemption_rollback", "FAILURE", "FAILED", "voucher"),
        ("rr_2", "redemption_rollback", "SUCCESS", "SUCCEEDED", "voucher"),
    ]
    async with db.write() as session:
        session.add_all(
            Redemption(
                project_id=project.id,
                id=row_id,
                object=kind,
                result=result,
                status=status,
                related_object_type=related,
                related_object_id="v_1",
                customer_id=customer_id,
                channel_type="API",
                created_at=clock.now(),
            )
            for row_id, kind, result, status, related in kinds
        )
