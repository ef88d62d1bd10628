"""The checkout with an Idempotency-Key, and with keys that lose their rights while it is remembered who they are."""

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import select

from app.access.keys import revoke_key
from app.kit import clock
from app.kit.db import Database
from app.kit.idempotency import IdempotencyRecord
from app.models import Redemption
from tests.factories.access import ProjectKeys, give_key, give_project, server_headers
from tests.factories.carts import cart
from tests.factories.pools import give_pool, give_voucher


@pytest.fixture
async def code(db: Database, project: ProjectKeys) -> str:
    """A code that can be used once."""
    campaign = await give_pool(db, project)
    voucher = await give_voucher(db, project, campaign_id=campaign.id, redemption_quantity=1)
    return voucher.code


async def results(db: Database, project: ProjectKeys) -> list[str]:
    async with db.read() as session:
        rows = select(Redemption.result).where(Redemption.project_id == project.id)
        return list(await session.scalars(rows))


async def test_a_retried_redemption_uses_the_code_once_and_answers_the_same(
    client: AsyncClient, db: Database, project: ProjectKeys, code: str
) -> None:
    headers = project.server | {"Idempotency-Key": "checkout-1"}

    answers = [await client.post("/v1/redemptions", json=cart(code), headers=headers) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({answer.content for answer in answers}) == 1
    assert await results(db, project) == ["SUCCESS"]


async def test_a_retried_refusal_is_recorded_once(
    client: AsyncClient, db: Database, project: ProjectKeys, code: str
) -> None:
    await client.post("/v1/redemptions", json=cart(code), headers=project.server)
    headers = project.server | {"Idempotency-Key": "checkout-1"}

    answers = [await client.post("/v1/redemptions", json=cart(code), headers=headers) for _ in range(2)]

    assert [(answer.status_code, answer.json()["key"]) for answer in answers] == [(400, "quantity_exceeded")] * 2
    assert sorted(await results(db, project)) == ["FAILURE", "SUCCESS"]


async def test_ten_clients_with_one_key_redeem_once(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    campaign = await give_pool(db, project)
    voucher = await give_voucher(db, project, campaign_id=campaign.id, redemption_quantity=None)
    headers = project.server | {"Idempotency-Key": "checkout-1"}

    attempts = [client.post("/v1/redemptions", json=cart(voucher.code), headers=headers) for _ in range(10)]
    answers = await asyncio.gather(*attempts)

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert await results(db, project) == ["SUCCESS"]


async def test_ten_clients_with_keys_of_their_own_share_one_use(
    client: AsyncClient, db: Database, project: ProjectKeys, code: str
) -> None:
    attempts = [
        client.post("/v1/redemptions", json=cart(code), headers=project.server | {"Idempotency-Key": f"checkout-{n}"})
        for n in range(10)
    ]
    answers = await asyncio.gather(*attempts)

    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 9
    assert sorted(await results(db, project)) == ["FAILURE"] * 9 + ["SUCCESS"]


async def test_a_retried_rollback_answers_the_same_and_its_answer_is_kept_for_good(
    client: AsyncClient, db: Database, project: ProjectKeys, code: str
) -> None:
    headers = project.server | {"Idempotency-Key": "a"}
    redeemed = (await client.post("/v1/redemptions", json=cart(code), headers=headers)).json()
    path = f"/v1/redemptions/{redeemed['redemptions'][0]['id']}/rollback"

    answers = [await client.post(path, headers=headers) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    async with db.read() as session:
        kept = await session.scalars(
            select(IdempotencyRecord.expires_at).where(IdempotencyRecord.project_id == project.id)
        )
        assert list(kept) == [None, None]


@pytest.mark.parametrize("path", ["/v1/validations", "/v1/redemptions", "/v1/qualifications"])
async def test_a_revoked_key_is_refused_by_the_very_next_checkout(
    client: AsyncClient, db: Database, project: ProjectKeys, code: str, path: str
) -> None:
    key = await give_key(db, project, "checkout")
    body: dict[str, Any] = cart("unknown")
    before = await client.post(path, json=body, headers=server_headers(key))

    async with db.write() as session:
        await revoke_key(session, project.id, key.id, clock.now())
    after = await client.post(path, json=body, headers=server_headers(key))

    assert before.status_code != 401
    assert after.status_code == 401


async def test_a_key_of_another_project_finds_no_code_here(
    client: AsyncClient, db: Database, project: ProjectKeys, code: str
) -> None:
    other = await give_project(db)

    response = await client.post("/v1/redemptions", json=cart(code), headers=other.server)

    assert response.status_code == 404
    assert await results(db, project) == []
