import asyncio
import time
from typing import Any

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import text

from app.access.keys import revoke_key
from app.access.permissions import PERMISSIONS, ROLES, SCOPES
from app.kit import clock
from app.kit.db import Database
from tests.factories.access import Headers, ProjectKeys, give_key, give_project, server_headers

TOKEN = "/v1/oauth/token"


async def ask(probe: AsyncClient, headers: Headers, scope: str = "api", **fields: str) -> Response:
    return await probe.post(TOKEN, data={"grant_type": "client_credentials", "scope": scope, **fields}, headers=headers)


async def bearer(probe: AsyncClient, headers: Headers, scope: str = "api") -> Headers:
    return {"Authorization": f"Bearer {(await ask(probe, headers, scope)).json()['access_token']}"}


async def allowed(probe: AsyncClient, headers: Headers, surface: str = "/v1") -> set[str]:
    return {
        permission
        for permission in PERMISSIONS
        if (await probe.get(f"{surface}/probe/{permission}", headers=headers)).status_code == 200
    }


def refused(response: Response, status: int, key: str) -> None:
    assert (response.status_code, response.json()["key"]) == (status, key)


async def test_a_token_lives_fifteen_minutes_and_does_what_its_key_may(
    probe: AsyncClient, project: ProjectKeys
) -> None:
    response = await ask(probe, project.server)

    body = response.json()
    assert response.headers["Cache-Control"] == "no-store"
    assert body["client_id"] == project.server_key.id
    assert (body["expires_in"], body["scope"], body["token_type"]) == (900, "api", "Bearer")
    assert abs(body["expires_at"] - time.time() - 900) < 5
    headers = {"Authorization": f"bearer {body['access_token']}"}
    assert (await probe.get("/v1/probe/vouchers:write", headers=headers)).json()["project"] == project.public_id
    assert await allowed(probe, headers) == PERMISSIONS


async def test_a_scope_narrows_a_token_and_never_widens_its_key(
    probe: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    viewer = server_headers(await give_key(db, project, "viewer"))

    assert await allowed(probe, await bearer(probe, project.server, "vouchers validation-rules")) == {
        "vouchers:read",
        "vouchers:write",
        "validation_rules:read",
        "validation_rules:write",
    }
    assert await allowed(probe, await bearer(probe, viewer, "vouchers")) == {"vouchers:read"}
    assert await allowed(probe, await bearer(probe, viewer)) == ROLES["viewer"]


async def test_a_client_scope_counts_on_the_client_surface_only_and_server_scopes_elsewhere_only(
    probe: AsyncClient, db: Database
) -> None:
    project = await give_project(db, client_trusted_domains=[])  # a token is a secret, so no origin is asked for
    viewer = server_headers(await give_key(db, project, "viewer"))
    client_token = await bearer(probe, project.server, "client_api")
    server_token = await bearer(probe, project.server, "api")

    assert await allowed(probe, client_token, "/client/v1") == {
        "events:write",
        "promotions:read",
        "qualifications:write",
        "validations:write",
    }
    assert await allowed(probe, client_token) == set()
    assert await allowed(probe, server_token, "/client/v1") == set()
    assert await allowed(probe, await bearer(probe, viewer, "client_api"), "/client/v1") == {"promotions:read"}


def test_every_scope_stands_for_permissions_that_exist() -> None:
    assert set().union(*SCOPES.values()) <= PERMISSIONS


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({}, "missing_parameters"),
        ({"grant_type": "client_credentials"}, "missing_parameters"),
        ({"grant_type": "client_credentials", "scope": " "}, "missing_parameters"),
        ({"scope": "api"}, "missing_parameters"),
        ({"grant_type": "password", "scope": "api"}, "invalid_grant_type"),
        ({"grant_type": "client_credentials", "scope": "api everything"}, "invalid_scope"),
    ],
)
async def test_a_wrong_request_for_a_token_is_400_with_the_contracts_key(
    probe: AsyncClient, project: ProjectKeys, fields: dict[str, str], key: str
) -> None:
    refused(await probe.post(TOKEN, data=fields, headers=project.server), 400, key)


async def test_a_json_body_is_not_a_form(probe: AsyncClient, project: ProjectKeys) -> None:
    body = {"grant_type": "client_credentials", "scope": "api"}

    refused(await probe.post(TOKEN, json=body, headers=project.server), 400, "missing_parameters")


async def test_only_a_server_key_pair_gets_tokens(probe: AsyncClient, project: ProjectKeys) -> None:
    token = await bearer(probe, project.server)

    refused(await ask(probe, token), 401, "unauthorized")
    refused(await ask(probe, project.client), 401, "unauthorized")
    refused(await ask(probe, {}), 401, "unauthorized")


async def test_an_expired_token_is_401_and_was_not_remembered_past_its_end(
    probe: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    token = await bearer(probe, project.server)

    async with db.write() as session:
        await session.execute(
            text("UPDATE oauth_tokens SET expires_at = now() + interval '0.3 s' WHERE project_id = :id"),
            {"id": project.id},
        )
    before = await probe.get("/v1/probe/vouchers:read", headers=token)
    await asyncio.sleep(0.35)
    after = await probe.get("/v1/probe/vouchers:read", headers=token)

    assert before.status_code == 200
    refused(after, 401, "unauthorized")


@pytest.mark.parametrize("spoil", [lambda t: t + "x", lambda t: t[:-1], lambda t: t.split(".")[1], lambda t: "." + t])
async def test_a_spoiled_token_is_401(probe: AsyncClient, project: ProjectKeys, spoil: Any) -> None:
    token = (await ask(probe, project.server)).json()["access_token"]

    response = await probe.get("/v1/probe/vouchers:read", headers={"Authorization": f"Bearer {spoil(token)}"})

    refused(response, 401, "unauthorized")


async def test_a_token_dies_with_its_key(probe: AsyncClient, db: Database, project: ProjectKeys) -> None:
    key = await give_key(db, project, "checkout")
    token = await bearer(probe, server_headers(key))
    before = await probe.get("/v1/probe/vouchers:read", headers=token)

    async with db.write() as session:
        await revoke_key(session, project.id, key.id, clock.now())

    assert before.status_code == 200
    refused(await probe.get("/v1/probe/vouchers:read", headers=token), 401, "unauthorized")


async def test_a_revoked_token_stops_at_once_although_it_was_remembered(
    probe: AsyncClient, project: ProjectKeys
) -> None:
    text = (await ask(probe, project.server)).json()["access_token"]
    headers = {"Authorization": f"Bearer {text}"}
    before = await probe.get("/v1/probe/vouchers:read", headers=headers)

    revoked = await probe.post(f"{TOKEN}/revoke", data={"access_token": text}, headers=project.server)
    again = await probe.post(f"{TOKEN}/revoke", data={"access_token": text}, headers=project.server)

    assert (before.status_code, revoked.status_code) == (200, 204)
    refused(again, 404, "not_found")
    assert text not in again.text
    refused(await probe.get("/v1/probe/vouchers:read", headers=headers), 401, "unauthorized")


async def test_a_token_of_another_project_is_neither_seen_nor_revoked(
    probe: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    other = await give_project(db)
    token = (await ask(probe, other.server)).json()["access_token"]

    seen = await probe.post("/v1/oauth/introspect", data={"access_token": token}, headers=project.server)
    revoked = await probe.post(f"{TOKEN}/revoke", data={"access_token": token}, headers=project.server)

    assert seen.json() == {"active": False}
    refused(revoked, 404, "not_found")
    works = await probe.get("/v1/probe/vouchers:read", headers={"Authorization": f"Bearer {token}"})
    assert works.status_code == 200


async def test_a_live_token_can_be_inspected(probe: AsyncClient, project: ProjectKeys) -> None:
    token = (await ask(probe, project.server, "vouchers orders")).json()

    seen = await probe.post(
        "/v1/oauth/introspect", data={"access_token": token["access_token"]}, headers=project.server
    )
    missing = await probe.post("/v1/oauth/introspect", headers=project.server)

    assert seen.json() == token | {"active": True, "expires_in": seen.json()["expires_in"]}
    assert 0 < seen.json()["expires_in"] <= 900
    refused(missing, 400, "missing_parameters")


async def test_a_project_has_at_most_a_thousand_live_tokens_and_expired_ones_make_room(
    probe: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    async with db.write() as session:
        await session.execute(
            text(
                "INSERT INTO oauth_tokens (project_id, token_hash, api_key_id, scopes, created_at, expires_at) "
                "SELECT :id, sha256(n::text::bytea), 'k', '[]', now(), now() + interval '1 hour' "
                "FROM generate_series(1, 998) n"
            ),
            {"id": project.id},
        )

    race = await asyncio.gather(*(ask(probe, project.server) for _ in range(5)))
    async with db.write() as session:
        await session.execute(
            text("UPDATE oauth_tokens SET expires_at = now() WHERE project_id = :id AND api_key_id = 'k'"),
            {"id": project.id},
        )
    afterwards = await ask(probe, project.server)

    assert sorted(answer.status_code for answer in race) == [200, 200, 429, 429, 429]
    assert afterwards.status_code == 200
