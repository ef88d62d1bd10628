import asyncio
from typing import Any

import pytest
from httpx import AsyncClient
from voucherify.models import (
    ManagementProjectsCreateResponseBody,
    ManagementProjectsGetResponseBody,
    ManagementProjectsListResponseBody,
    ManagementProjectsUpdateResponseBody,
)

from app.access.bootstrap import ensure_first_project
from app.access.configuration import change_configuration
from app.access.keys import MANAGEMENT_KEYS, TooManyKeys, create_management_key
from app.access.project_views import find_project, load_project
from app.kit import clock
from app.kit.db import Database
from tests.factories.access import (
    Headers,
    ProjectKeys,
    give_key,
    give_management_key,
    give_project,
    management_headers,
    server_headers,
)

PROJECTS = "/management/v1/projects"


@pytest.fixture
async def management(db: Database) -> Headers:
    return management_headers(await give_management_key(db))


async def test_a_created_project_answers_with_keys_that_work(client: AsyncClient, management: Headers) -> None:
    body = {"name": "Shoes", "timezone": "Europe/Berlin", "currency": "EUR", "client_trusted_domains": ["*"]}

    created = (await client.post(PROJECTS, json=body, headers=management)).json()

    ManagementProjectsCreateResponseBody.from_dict(created)
    key = created["server_side_key"]
    log = await client.get("/x/v1/audit-log", headers={"X-App-Id": key["app_id"], "X-App-Token": key["app_token"]})
    assert log.status_code == 200
    assert created["timezone"] == "Europe/Berlin"
    assert created["case_sensitive_codes"] is True
    assert created["webhook_token"]
    assert "description" not in created
    assert [entry["action"] for entry in log.json()["data"]] == ["project.created"]


async def test_tokens_are_shown_once_and_kept_as_hashes_only(
    client: AsyncClient, db: Database, management: Headers
) -> None:
    response = await client.post(PROJECTS, json={}, headers=management | {"Idempotency-Key": "first"})
    again = await client.post(PROJECTS, json={}, headers=management | {"Idempotency-Key": "first"})
    shown = (await client.get(f"{PROJECTS}/{response.json()['id']}", headers=management)).text

    tokens = [response.json()[pair]["app_token"] for pair in ("server_side_key", "client_side_key")]
    async with db.connection() as connection:
        stored = await connection.fetchval(
            "SELECT (SELECT string_agg(k::text, ' ') FROM api_keys k) || (SELECT string_agg(coalesce(encode(body, "
            "'escape'), ''), ' ') FROM idempotency_records)"
        )
    assert response.headers["Cache-Control"] == "no-store"
    assert again.status_code == 409
    assert all(token not in shown and token not in stored for token in tokens)


async def test_a_project_can_be_read_and_listed_the_contracts_way(
    client: AsyncClient, management: Headers, project: ProjectKeys
) -> None:
    one = (await client.get(f"{PROJECTS}/{project.public_id}", headers=management)).json()
    every = (await client.get(PROJECTS, headers=management)).json()

    ManagementProjectsGetResponseBody.from_dict(one)
    ManagementProjectsListResponseBody.from_dict(every)
    assert one["id"] == project.public_id
    assert one in every["data"]
    assert every["total"] == len(every["data"])


async def test_an_update_keeps_what_is_left_out_and_null_brings_back_the_default(
    client: AsyncClient, db: Database, management: Headers
) -> None:
    project = await give_project(db, name="Shoes", currency="EUR", rounding="down", client_redeem_enabled=True)
    path = f"{PROJECTS}/{project.public_id}"

    changed = await client.put(path, json={"description": "On the high street"}, headers=management)
    cleared = await client.put(
        path, json={"rounding": None, "currency": None, "client_redeem_enabled": None}, headers=management
    )

    ManagementProjectsUpdateResponseBody.from_dict(changed.json())
    assert changed.json()["description"] == "On the high street"
    assert (changed.json()["rounding"], changed.json()["currency"]) == ("down", "EUR")
    assert cleared.json()["rounding"] == "half_up"
    assert cleared.json()["client_redeem_enabled"] is False
    assert "currency" not in cleared.json()
    assert cleared.json()["name"] == "Shoes"


async def test_an_update_moves_the_version_and_is_seen_in_the_project_of_the_next_request(
    client: AsyncClient, db: Database, management: Headers, project: ProjectKeys
) -> None:
    await client.put(
        f"{PROJECTS}/{project.public_id}",
        json={"timezone": "Asia/Tokyo", "weak_codes": "warn", "default_code_config": {"charset": "ABC"}},
        headers=management,
    )

    async with db.read() as session:
        view = await load_project(session, project.id)
        found = await find_project(session, project.public_id)
    assert view == found
    assert view.version > project.view.version
    assert view.zone.key == "Asia/Tokyo"
    assert (view.settings.weak_codes, view.settings.default_code_config.charset) == ("warn", "ABC")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"timezone": "Europe/Atlantis"}, "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"currency": "euro"}, "currency"),
        ({"name": ""}, "name"),
        ({"name": 7}, "name"),
        ({"rounding": "up"}, "rounding"),
        ({"weak_codes": "ignore"}, "weak_codes"),
        ({"client_trusted_domains": ["*"] * 101}, "client_trusted_domains"),
        ({"client_trusted_domains": [""]}, "client_trusted_domains[0]"),
        ({"client_redeem_enabled": "maybe"}, "client_redeem_enabled"),
        ({"default_code_config": {"charset": "A"}}, "default_code_config.charset"),
        ({"default_code_config": {"length": 0}}, "default_code_config.length"),
    ],
)
async def test_a_wrong_setting_is_400_and_names_its_path(
    client: AsyncClient, management: Headers, project: ProjectKeys, body: dict[str, Any], path: str
) -> None:
    created = await client.post(PROJECTS, json=body, headers=management)
    changed = await client.put(f"{PROJECTS}/{project.public_id}", json=body, headers=management)

    for response in (created, changed):
        assert response.status_code == 400
        assert [error["path"] for error in response.json()["errors"]] == [path]


async def test_case_sensitivity_cannot_be_changed_after_creation(
    client: AsyncClient, management: Headers, project: ProjectKeys
) -> None:
    response = await client.put(
        f"{PROJECTS}/{project.public_id}", json={"case_sensitive_codes": False}, headers=management
    )

    assert response.json()["case_sensitive_codes"] is True


async def test_an_unknown_project_is_404_for_every_route(client: AsyncClient, management: Headers) -> None:
    answers = [
        await client.get(f"{PROJECTS}/proj_nowhere", headers=management),
        await client.put(f"{PROJECTS}/proj_nowhere", json={}, headers=management),
        await client.get(f"{PROJECTS}/proj_nowhere/keys", headers=management),
        await client.post(f"{PROJECTS}/proj_nowhere/keys", json={"role": "viewer", "name": "n"}, headers=management),
        await client.delete(f"{PROJECTS}/proj_nowhere/keys/k", headers=management),
    ]

    assert [answer.status_code for answer in answers] == [404] * 5


async def test_a_key_is_made_listed_without_its_token_and_revoked(
    client: AsyncClient, management: Headers, project: ProjectKeys
) -> None:
    keys = f"{PROJECTS}/{project.public_id}/keys"

    created = (await client.post(keys, json={"role": "viewer", "name": "wall screen"}, headers=management)).json()
    headers = {"X-App-Id": created["id"], "X-App-Token": created["token"]}
    works = await client.get("/x/v1/audit-log", headers=headers)
    revoked = [await client.delete(f"{keys}/{created['id']}", headers=management) for _ in range(2)]
    afterwards = await client.get("/x/v1/audit-log", headers=headers)
    listed = (await client.get(keys, headers=management)).json()["data"]

    assert works.status_code == 403  # known, but a viewer may not read the log
    assert [answer.status_code for answer in revoked] == [204, 204]
    assert afterwards.status_code == 401
    assert not any("token" in key for key in listed)
    assert {key["id"]: "revoked_at" in key for key in listed} == {
        created["id"]: True,
        project.server_key.id: False,
        project.client_key.id: False,
    }


async def test_a_key_of_another_project_is_404_and_keeps_working(
    client: AsyncClient, db: Database, management: Headers, project: ProjectKeys
) -> None:
    other = await give_project(db)

    response = await client.delete(f"{PROJECTS}/{project.public_id}/keys/{other.server_key.id}", headers=management)

    assert response.status_code == 404
    assert (await client.get("/x/v1/audit-log", headers=other.server)).status_code == 200


async def test_no_more_than_five_management_keys_live_at_once(db: Database) -> None:
    await give_management_key(db)

    async def one_more() -> None:
        async with db.write() as session:
            await create_management_key(session, "more", clock.now())

    results = await asyncio.gather(*(one_more() for _ in range(8)), return_exceptions=True)

    assert sum(result is None for result in results) == MANAGEMENT_KEYS - 1
    assert sum(isinstance(result, TooManyKeys) for result in results) == 8 - (MANAGEMENT_KEYS - 1)


async def test_two_changes_of_one_configuration_wait_for_each_other(db: Database, project: ProjectKeys) -> None:
    async def change() -> int:
        async with db.write() as session:
            version = await change_configuration(session, project.id)
            await asyncio.sleep(0.01)
        return version

    versions = await asyncio.gather(*(change() for _ in range(5)))

    assert sorted(versions) == list(range(project.view.version + 1, project.view.version + 6))


async def test_a_configuration_change_waits_for_a_redemption_that_holds_it_and_stops_the_next(
    db: Database, project: ProjectKeys
) -> None:
    held, release = asyncio.Event(), asyncio.Event()

    async def redeem() -> None:
        async with db.write() as session:
            connection = await session.connection()
            await connection.exec_driver_sql(f"SELECT require_configuration({project.id}, {project.view.version})")
            held.set()
            await release.wait()

    async def change() -> None:
        async with db.write() as session:
            await change_configuration(session, project.id)

    redemption = asyncio.create_task(redeem())
    await held.wait()
    changing = asyncio.create_task(change())
    await asyncio.sleep(0.1)
    waited = not changing.done()
    release.set()
    await asyncio.gather(redemption, changing)

    assert waited
    with pytest.raises(Exception, match="the configuration has changed"):
        await redeem()


async def test_the_audit_log_pages_newest_first_filters_and_shows_only_its_project(
    client: AsyncClient, db: Database, management: Headers, project: ProjectKeys
) -> None:
    other = await give_project(db)
    path = f"{PROJECTS}/{project.public_id}"
    for number in range(3):
        await client.put(path, json={"name": f"name {number}"}, headers=management)
    await client.post(f"{path}/keys", json={"role": "viewer", "name": "screen"}, headers=management)

    async def log(**query: Any) -> dict[str, Any]:
        response = await client.get("/x/v1/audit-log", params=query, headers=project.server)
        body: dict[str, Any] = response.json()
        return body

    first = await log(limit=3)
    rest = await log(limit=3, starting_after_id=first["more_starting_after"])
    of_project = await log(resource_id=project.public_id)

    assert [entry["action"] for entry in first["data"]] == ["api_key.created", "project.updated", "project.updated"]
    assert first["data"][1]["changes"] == {"name": "name 2"}
    assert first["data"][1]["actor_id"] == management["X-Management-Id"]
    assert first["data"][1]["request_id"].startswith("v-")
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert [entry["changes"] for entry in rest["data"]] == [{"name": "name 0"}]
    assert len(of_project["data"]) == 3
    assert (await client.get("/x/v1/audit-log", headers=other.server)).json()["data"] == []


@pytest.mark.parametrize("role", ["checkout", "support", "viewer"])
async def test_only_admins_read_the_audit_log(
    client: AsyncClient, db: Database, project: ProjectKeys, role: Any
) -> None:
    headers = server_headers(await give_key(db, project, role))

    response = await client.get("/x/v1/audit-log", headers=headers)

    assert (response.status_code, response.json()["key"]) == (403, "missing_required_permission")


async def test_a_database_with_a_project_gets_no_first_one(db: Database, project: ProjectKeys) -> None:
    assert await ensure_first_project(db) is None


async def test_an_empty_database_gets_one_project_even_when_two_processes_start_at_once(
    empty_database: Database,
) -> None:
    made = await asyncio.gather(*(ensure_first_project(empty_database) for _ in range(4)))

    credentials = [one for one in made if one is not None]
    assert len(credentials) == 1
    assert credentials[0].variables().keys() == {
        "PROJECT_ID",
        "X_APP_ID",
        "X_APP_TOKEN",
        "X_CLIENT_APPLICATION_ID",
        "X_CLIENT_TOKEN",
        "X_MANAGEMENT_ID",
        "X_MANAGEMENT_TOKEN",
    }
