"""Custom events over HTTP."""

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import select
from voucherify import ApiClient, EventsApi
from voucherify.models import (
    EventsCreateRequestBody,
    EventsCreateResponseBody,
    ManagementProjectsCustomEventSchemasCreateResponseBody,
    ManagementProjectsCustomEventSchemasListResponseBody,
)

from app.kit.db import Database
from app.models import CustomEvent, OutboxEvent
from tests.factories.access import Headers, ProjectKeys, give_management_key, give_project, management_headers
from tests.factories.audiences import asked, give_segment, segments_of
from tests.factories.commerce import give_customer
from tests.factories.incentives import ask


async def track(client: AsyncClient, project: ProjectKeys, event: str, **members: Any) -> dict[str, Any]:
    body = {"event": event, "customer": {"source_id": "ada"}, **members}
    answer = await ask(client, project, "POST", "/v1/events", body)
    assert EventsCreateResponseBody.from_dict(answer) is not None
    return answer


@pytest.fixture
async def schemas_path(project: ProjectKeys) -> str:
    return f"/management/v1/projects/{project.public_id}/custom-event-schemas"


@pytest.fixture
async def management(db: Database) -> Headers:
    return management_headers(await give_management_key(db))


async def test_an_event_is_kept_and_announced_with_its_customer(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    answer = await track(
        client,
        project,
        "wishlist filled",
        customer={"source_id": "ada", "name": "Ada", "metadata": {"vip": True}},
        metadata={"items": 3},
        referral={"code": "R"},
        loyalty={"code": "L"},
    )

    customer = await ask(client, project, "GET", "/v1/customers/ada")
    assert answer == {
        "object": "event",
        "type": "wishlist filled",
        "customer": {
            "id": customer["id"],
            "source_id": "ada",
            "name": "Ada",
            "metadata": {"vip": True},
            "object": "customer",
        },
        "referral": None,
        "loyalty": None,
        "metadata": {"items": 3},
    }
    async with db.read() as session:
        kept = (await session.scalars(select(CustomEvent).where(CustomEvent.project_id == project.id))).one()
        announced = (
            await session.scalars(
                select(OutboxEvent).where(
                    OutboxEvent.project_id == project.id, OutboxEvent.type == "customer.custom_event"
                )
            )
        ).one()
    assert (kept.event, kept.customer_id, kept.event_metadata) == ("wishlist filled", customer["id"], {"items": 3})
    assert announced.entity_id == kept.id
    assert (announced.data["loyalty"], announced.data["referral"]) == (
        {"code": "L"},
        {"code": "R", "referrer_id": None},
    )
    assert announced.data["event"]["type"] == "wishlist filled"
    assert "Ada" not in str(announced.data)


async def test_events_of_a_customer_are_counted_however_many_come_at_once(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_customer(db, project, source_id="ada")
    await give_customer(db, project, source_id="bob")
    ten = await give_segment(client, project, asked("events.seen.count", "$is", 10))
    never = await give_segment(client, project, asked("events.seen.count", "$is", 0))

    await asyncio.gather(*(track(client, project, "seen") for _ in range(10)))

    assert await segments_of(client, project, "ada") == [ten["id"]]
    assert await segments_of(client, project, "bob") == [never["id"]]


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        ({"customer": {"source_id": "a"}}, 400, "event"),
        ({"event": "", "customer": {"source_id": "a"}}, 400, "event"),
        ({"event": "a" * 301, "customer": {"source_id": "a"}}, 400, "event"),
        ({"event": "seen"}, 400, "customer"),
        ({"event": "seen", "customer": {"id": "cust_unknown"}}, 404, None),
    ],
)
async def test_an_event_that_means_nothing_is_refused(
    client: AsyncClient, headers: Headers, body: dict[str, Any], status: int, path: str | None
) -> None:
    response = await client.post("/v1/events", json=body, headers=headers)

    assert response.status_code == status
    if path is not None:
        assert response.json()["errors"][0]["path"] == path


async def test_a_retried_event_counts_once(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    once = await give_segment(client, project, asked("events.seen.count", "$is", 1))
    body = {"event": "seen", "customer": {"source_id": "ada"}}

    for _ in range(3):
        await client.post("/v1/events", json=body, headers={**project.server, "Idempotency-Key": "once"})

    assert await segments_of(client, project, "ada") == [once["id"]]


async def test_the_schema_of_an_event_checks_its_metadata(
    client: AsyncClient, project: ProjectKeys, schemas_path: str, management: Headers
) -> None:
    properties = {"items": {"type": "number", "optional": False}, "note": {"type": "string", "optional": True}}
    body = {"name": "filled", "schema": {"properties": properties}}

    created = (await client.post(schemas_path, json=body, headers=management)).json()
    again = await client.post(schemas_path, json=body, headers=management)
    refused = await client.post(
        "/v1/events",
        json={"event": "filled", "customer": {"source_id": "ada"}, "metadata": {"note": 5}},
        headers=project.server,
    )
    await track(client, project, "filled", metadata={"items": 2, "anything": "else"})
    changed = (
        await client.put(
            f"{schemas_path}/{created['id']}",
            json={"schema": {"properties": {"note": {"type": "string", "optional": True, "deleted": True}}}},
            headers=management,
        )
    ).json()
    await track(client, project, "filled", metadata={"items": 2, "note": 5})
    listed = (await client.get(schemas_path, headers=management)).json()
    gone = await client.delete(f"{schemas_path}/{created['id']}", headers=management)
    await track(client, project, "filled")

    ManagementProjectsCustomEventSchemasCreateResponseBody.from_dict(created)
    ManagementProjectsCustomEventSchemasListResponseBody.from_dict(listed)
    assert (created["name"], created["schema"], created["object"]) == (
        "filled",
        {"properties": properties},
        "custom-event-schema",
    )
    assert (again.status_code, again.json()["key"]) == (409, "duplicate_found")
    assert refused.json()["key"] == "metadata_validation_failed"
    assert [each["path"] for each in refused.json()["errors"]] == ["metadata.note", "metadata.items"]
    assert changed["schema"]["properties"]["note"]["deleted"] is True
    assert listed["data"] == [changed]
    assert gone.status_code == 204


async def test_another_project_counts_for_itself(
    client: AsyncClient, db: Database, project: ProjectKeys, schemas_path: str, management: Headers
) -> None:
    other = await give_project(db)
    schema = (await client.post(schemas_path, json={"name": "seen"}, headers=management)).json()
    theirs = f"/management/v1/projects/{other.public_id}/custom-event-schemas/{schema['id']}"
    once = await give_segment(client, other, asked("events.seen.count", "$more_than", 0))

    await track(client, project, "seen")

    assert once["id"] not in await segments_of(client, other, "ada")
    assert [(await client.request(method, theirs, headers=management)).status_code for method in ("GET", "DELETE")] == [
        404,
        404,
    ]


async def test_the_official_client_tracks_an_event(voucherify_client: ApiClient) -> None:
    body = EventsCreateRequestBody.from_dict(
        {"event": "seen", "customer": {"source_id": "ada"}, "metadata": {"page": "home"}}
    )

    answer = EventsApi(voucherify_client).track_custom_event(body)

    assert (answer.type, answer.customer.source_id, answer.metadata) == ("seen", "ada", {"page": "home"})
