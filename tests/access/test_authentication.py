from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI, Request
from httpx import AsyncClient, Response

from app.access import authentication
from app.access.authentication import Keyring, caller_again, caller_of, is_current
from app.access.errors import Unauthorized
from app.access.keys import revoke_key
from app.access.permissions import CLIENT_SWITCHES, PERMISSIONS, ROLES
from app.kit import clock
from app.kit.db import Database
from tests.factories.access import (
    ProjectKeys,
    give_key,
    give_management_key,
    give_project,
    management_headers,
    server_headers,
)

READ = "/v1/probe/vouchers:read"
WRITE = "/v1/probe/vouchers:write"


def refused(response: Response, status: int, key: str) -> None:
    body = response.json()
    assert (response.status_code, body["code"], body["key"]) == (status, status, key)


async def test_a_server_key_opens_its_own_project(probe: AsyncClient, project: ProjectKeys) -> None:
    response = await probe.get(READ, headers=project.server)

    assert response.json() == {"project": project.public_id, "role": "admin", "kind": "server"}


@pytest.mark.parametrize(
    "broken",
    [
        lambda key: {},
        lambda key: {"X-App-Id": key["X-App-Id"]},
        lambda key: {"X-App-Token": key["X-App-Token"]},
        lambda key: {**key, "X-App-Token": "wrong"},
        lambda key: {**key, "X-App-Token": key["X-App-Token"] + "x"},
        lambda key: {**key, "X-App-Token": ""},
        lambda key: {**key, "X-App-Id": "8b5a1f7e-0000-4000-8000-000000000000"},
        lambda key: {**key, "X-App-Id": "x" * 5000},
        lambda key: {"X-App-Id": "\x00", "X-App-Token": "t"},
        lambda key: {"Authorization": "Bearer " + key["X-App-Token"]},
        lambda key: {"Authorization": "Bearer"},
        lambda key: {"Authorization": "Basic abc"},
        lambda key: {"X-Client-Application-Id": key["X-App-Id"], "X-Client-Token": key["X-App-Token"]},
        lambda key: {"X-Management-Id": key["X-App-Id"], "X-Management-Token": key["X-App-Token"]},
    ],
)
async def test_a_missing_or_wrong_key_is_401(
    probe: AsyncClient, project: ProjectKeys, broken: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    response = await probe.get(READ, headers=broken(project.server))

    refused(response, 401, "unauthorized")


async def test_a_key_of_one_kind_is_worth_nothing_on_the_surface_of_another(probe: AsyncClient, db: Database) -> None:
    project = await give_project(db)
    management = await give_management_key(db)
    under_management = f"/management/v1/projects/{project.public_id}/probe/vouchers:read"

    client_as_server = {"X-App-Id": project.client_key.id, "X-App-Token": project.client_key.token}
    refused(await probe.get(READ, headers=client_as_server), 401, "unauthorized")
    refused(await probe.get(READ, headers=project.client), 401, "unauthorized")
    refused(await probe.get("/client/v1/probe/promotions:read", headers=project.server), 401, "unauthorized")
    refused(await probe.get(READ, headers=management_headers(management)), 401, "unauthorized")
    refused(
        await probe.get(READ, headers={"X-App-Id": management.id, "X-App-Token": management.token}), 401, "unauthorized"
    )
    refused(await probe.get(under_management, headers=project.server), 401, "unauthorized")
    server_as_management = {"X-Management-Id": project.server_key.id, "X-Management-Token": project.server_key.token}
    refused(await probe.get(under_management, headers=server_as_management), 401, "unauthorized")


@pytest.mark.parametrize("role", ["admin", "checkout", "support", "viewer"])
async def test_a_server_role_does_what_its_row_of_the_table_says_and_nothing_else(
    probe: AsyncClient, db: Database, project: ProjectKeys, role: Any
) -> None:
    headers = server_headers(await give_key(db, project, role))

    statuses = {
        permission: (await probe.get(f"/v1/probe/{permission}", headers=headers)).status_code
        for permission in sorted(PERMISSIONS)
    }

    assert {permission for permission, status in statuses.items() if status == 200} == ROLES[role]
    assert {status for permission, status in statuses.items() if permission not in ROLES[role]} <= {403}


async def test_a_client_key_does_what_the_table_and_the_switches_of_the_project_say(
    probe: AsyncClient, db: Database
) -> None:
    careful = await give_project(db)
    open_project = await give_project(db, **dict.fromkeys(CLIENT_SWITCHES.values(), True))

    async def allowed(project: ProjectKeys) -> set[str]:
        return {
            permission
            for permission in PERMISSIONS
            if (await probe.get(f"/client/v1/probe/{permission}", headers=project.client)).status_code == 200
        }

    assert await allowed(careful) == ROLES["client"] - CLIENT_SWITCHES.keys()
    assert await allowed(open_project) == ROLES["client"]


@pytest.mark.parametrize(
    ("role", "permission"),
    [
        ("viewer", "redemptions:write"),
        ("viewer", "validations:write"),
        ("viewer", "audit_log:read"),
        ("checkout", "campaigns:write"),
        ("checkout", "audit_log:read"),
        ("checkout", "projects:write"),
        ("support", "redemptions:write"),
        ("support", "campaigns:write"),
        ("support", "keys:read"),
        ("client", "rollbacks:write"),
        ("client", "campaigns:read"),
        ("client", "customers:read"),
        ("client", "orders:read"),
    ],
)
def test_a_role_lacks_what_would_be_dangerous_in_its_hands(role: Any, permission: str) -> None:
    assert permission not in ROLES[role]


async def test_a_lacking_role_is_403_and_names_the_permission(
    probe: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    viewer = server_headers(await give_key(db, project, "viewer"))

    response = await probe.get(WRITE, headers=viewer)

    refused(response, 403, "missing_required_permission")
    assert "vouchers:write" in response.json()["details"]


def test_a_route_cannot_ask_for_a_permission_that_no_role_has() -> None:
    with pytest.raises(ValueError, match="vouchers:admire"):
        authentication.requires("vouchers:admire")


async def test_a_revoked_key_stops_at_once_although_it_was_remembered(
    probe: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    key = await give_key(db, project, "checkout")
    before = await probe.get(READ, headers=server_headers(key))

    async with db.write() as session:
        await revoke_key(session, project.id, key.id, clock.now())
    after = await probe.get(READ, headers=server_headers(key))

    assert before.status_code == 200
    refused(after, 401, "unauthorized")
    assert (await probe.get(READ, headers=project.server)).status_code == 200


def request_on(app: FastAPI, headers: dict[str, str], path: str = "/v1/probe") -> Request:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "app": app, "path": path, "headers": raw, "state": {"request_id": "v-test"}}
    return Request(scope)


async def test_a_checkout_that_trusts_its_memory_notices_a_revoked_key_by_the_version_it_reads(
    probed: FastAPI, db: Database, project: ProjectKeys
) -> None:
    key = await give_key(db, project, "checkout")
    headers = server_headers(key)
    await caller_of(request_on(probed, headers), "redemptions:write")
    async with db.write() as session:
        await revoke_key(session, project.id, key.id, clock.now())

    request = request_on(probed, headers)
    caller = await caller_of(request, "redemptions:write")
    async with db.connection() as connection:
        version = await connection.fetchval("SELECT configuration_version FROM projects WHERE id = $1", project.id)

    assert not is_current(caller, version)
    with pytest.raises(Unauthorized):
        await caller_again(request, "redemptions:write")


async def test_a_switch_that_is_turned_on_counts_at_once_although_the_refusal_was_remembered(
    probed: FastAPI, probe: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    management = management_headers(await give_management_key(db))
    path = "/client/v1/probe/redemptions:write"
    refused(await probe.get(path, headers=project.client), 403, "missing_required_permission")

    changed = await probe.put(
        f"/management/v1/projects/{project.public_id}", json={"client_redeem_enabled": True}, headers=management
    )
    caller = await caller_of(request_on(probed, project.client, path), "redemptions:write")

    assert changed.status_code == 200
    assert caller.project.settings.client_redeem_enabled
    assert (await probe.get(path, headers=project.client)).status_code == 200


async def test_a_warm_key_costs_no_statement_on_the_hot_path_and_one_elsewhere(
    probed: FastAPI, project: ProjectKeys, count_statements: Callable[[Awaitable[Any]], Awaitable[int]]
) -> None:
    request = request_on(probed, project.server)
    await caller_of(request, "redemptions:write")

    hot = await count_statements(caller_of(request_on(probed, project.server), "redemptions:write"))
    ordinary = await count_statements(
        authentication.current_caller_of(request_on(probed, project.server), "redemptions:write")
    )

    assert (hot, ordinary) == (0, 1)


async def test_an_unknown_key_and_a_wrong_token_take_the_same_path(
    probed: FastAPI, project: ProjectKeys, count_statements: Callable[[Awaitable[Any]], Awaitable[int]]
) -> None:
    await caller_of(request_on(probed, project.server), "vouchers:read")  # remembered, which must make no difference
    known_id = {"X-App-Id": project.server_key.id, "X-App-Token": "wrong"}
    unknown_id = {"X-App-Id": "8b5a1f7e-0000-4000-8000-000000000000", "X-App-Token": "wrong"}

    async def refusal(headers: dict[str, str]) -> None:
        with pytest.raises(Unauthorized):
            await caller_of(request_on(probed, headers), "vouchers:read")

    assert await count_statements(refusal(known_id)) == await count_statements(refusal(unknown_id)) == 1


@pytest.mark.parametrize(
    ("trusted", "origin", "status"),
    [
        (["https://shop.example.com"], "https://shop.example.com", 200),
        (["https://shop.example.com/"], "https://SHOP.example.com", 200),
        (["https://shop.example.com"], "http://shop.example.com", 403),
        (["https://shop.example.com"], "https://shop.example.com:8443", 403),
        (["https://shop.example.com"], "https://evil.example.com", 403),
        (["shop.example.com"], "http://shop.example.com:3000", 200),
        (["localhost:3000"], "http://localhost:3000", 200),
        (["localhost:3000"], "http://localhost:4000", 403),
        (["*.example.com"], "https://a.b.example.com", 200),
        (["*.example.com"], "https://badexample.com", 403),
        (["*.example.com"], "https://example.com", 403),
        (["shop.example.com"], "https://shop.example.com.evil.org", 403),
        (["shop.example.com"], "null", 403),
        (["shop.example.com"], None, 403),
        ([], "https://shop.example.com", 403),
        (["*"], "https://anything.example", 200),
        (["*"], None, 200),
    ],
)
async def test_a_client_key_works_on_pages_of_trusted_domains_only(
    probe: AsyncClient, db: Database, trusted: list[str], origin: str | None, status: int
) -> None:
    project = await give_project(db, client_trusted_domains=trusted)
    headers = project.client | ({"Origin": origin} if origin else {})

    response = await probe.get("/client/v1/probe/promotions:read", headers=headers)

    assert response.status_code == status


async def test_a_management_key_acts_on_the_project_in_the_path_and_404_if_there_is_none(
    probe: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    headers = management_headers(await give_management_key(db))

    found = await probe.get(f"/management/v1/projects/{project.public_id}/probe/keys:read", headers=headers)
    lost = await probe.get("/management/v1/projects/proj_nowhere/probe/keys:read", headers=headers)

    assert found.json() == {"project": project.public_id, "role": "admin", "kind": "management"}
    refused(lost, 404, "not_found")


async def test_every_route_of_the_api_is_401_without_a_key(app: FastAPI, client: AsyncClient) -> None:
    routes = [
        (method, route.path)
        for route in app.routes
        if route.path.startswith(("/v1/", "/x/v1/", "/client/v1/", "/management/v1/"))  # type: ignore[attr-defined]
        for method in route.methods - {"HEAD"}  # type: ignore[attr-defined]
    ]

    answers = {
        (method, path): (await client.request(method, path.replace("{", "").replace("}", ""))).status_code
        for method, path in routes
    }

    assert routes
    assert {route: status for route, status in answers.items() if status != 401} == {}


def test_the_keyring_forgets_expired_tokens_and_never_grows_past_its_capacity(project: ProjectKeys) -> None:
    keyring = Keyring(capacity=2)
    caller = project.caller()

    keyring.keep(b"expired", caller, clock.now())
    keyring.keep(b"good", caller, None)
    assert keyring.find(b"expired") is None
    assert keyring.find(b"good") is caller
    keyring.keep(b"third", caller, None)

    assert keyring.find(b"good") is None
    assert keyring.find(b"third") is caller
