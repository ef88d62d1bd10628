"""Budgets of reasons and keys: exact, whoever is in a hurry."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import AsyncClient, Limits, Response
from sqlalchemy import select, update

from app.distribution.goodwill_settings.service import MOST_REASONS
from app.kit.db import Database
from app.kit.ids import new_id
from app.ledger.doctor import Difference, examine
from app.models import Account, Goodwill, Voucher
from tests.factories.access import ProjectKeys, give_project
from tests.factories.carts import cart, try_to_redeem
from tests.factories.goodwill import (
    Desk,
    ask_desk,
    give,
    give_desk,
    give_reason,
    set_budget,
    succeeded,
    try_to_give,
)

AGENTS = 50


@pytest.fixture
async def socket_client(live_server: str) -> AsyncIterator[AsyncClient]:
    """A client that opens as many connections as there are requests at once."""
    async with AsyncClient(base_url=live_server, limits=Limits(max_connections=AGENTS), timeout=60) as http:
        yield http


def outcomes(answers: list[Response]) -> Counter[tuple[int, str | None]]:
    return Counter((answer.status_code, answer.json().get("key")) for answer in answers)


async def differences(db: Database, project: ProjectKeys) -> list[Difference]:
    return [difference for difference in await examine(db, project.public_id) if isinstance(difference, Difference)]


async def test_fifty_agents_give_no_more_than_the_budget_of_their_key(
    socket_client: AsyncClient, db: Database, desk: Desk
) -> None:
    await set_budget(socket_client, desk, 20 * 500 + 499)

    asked = [try_to_give(socket_client, desk, f"customer-{number}@example.com") for number in range(AGENTS)]
    answers = list(await asyncio.gather(*asked))

    assert outcomes(answers) == {(200, None): 20, (400, "goodwill_budget_exceeded"): 30}
    async with db.read() as session:
        given = (await session.scalars(select(Goodwill).where(Goodwill.project_id == desk.project.id))).all()
        codes = (await session.scalars(select(Voucher.code).where(Voucher.project_id == desk.project.id))).all()
    assert sorted(codes) == sorted(each.code for each in given)
    assert len(given) == 20
    assert await differences(db, desk.project) == []


async def test_fifty_agents_with_several_keys_give_no_more_than_the_budget_of_the_reason(
    socket_client: AsyncClient, db: Database, project: ProjectKeys, desk: Desk
) -> None:
    other = await give_second_key(socket_client, db, desk)
    await give_reason(socket_client, desk, "broken", budget={"amount": 15 * 500, "period": "week"})

    asked = [
        try_to_give(socket_client, (desk, other)[number % 2], f"c{number}@example.com", reason="broken")
        for number in range(AGENTS)
    ]
    answers = list(await asyncio.gather(*asked))

    assert outcomes(answers) == {(200, None): 15, (400, "goodwill_budget_exceeded"): 35}
    refusal = next(answer.json() for answer in answers if answer.status_code == 400)
    assert (refusal["resource_type"], refusal["resource_id"]) == ("goodwill_reason", "broken")
    assert await differences(db, project) == []


async def test_fifty_agents_who_write_to_a_new_customer_make_one_customer(
    socket_client: AsyncClient, desk: Desk
) -> None:
    answers = await asyncio.gather(*(try_to_give(socket_client, desk, "new@example.com") for _ in range(AGENTS)))

    assert outcomes(list(answers)) == {(200, None): AGENTS}
    assert len({answer.json()["customer_id"] for answer in answers}) == 1


async def test_fifty_agents_who_take_the_same_code_back_fill_the_budget_once(
    socket_client: AsyncClient, db: Database, desk: Desk
) -> None:
    await give(socket_client, desk)
    given = await give(socket_client, desk)
    path = f"/x/v1/support/goodwill/{given['id']}/cancel"

    answers = await asyncio.gather(*(socket_client.post(path, headers=desk.headers) for _ in range(AGENTS)))

    assert {answer.json().get("state") for answer in answers if answer.status_code == 200} == {"CANCELLED"}
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert (await ask_desk(socket_client, desk, "budget"))["budget"]["granted_amount"] == 500
    assert await differences(db, desk.project) == []


async def test_a_code_is_either_redeemed_or_taken_back(
    socket_client: AsyncClient, db: Database, project: ProjectKeys, desk: Desk
) -> None:
    given = [await give(socket_client, desk, f"c{number}@example.com") for number in range(12)]

    async def race(each: dict[str, Any]) -> tuple[Response, Response]:
        body = cart(each["code"], customer={"id": each["customer_id"]})
        path = f"/x/v1/support/goodwill/{each['id']}/cancel"
        redemption, cancellation = await asyncio.gather(
            try_to_redeem(socket_client, project, body), socket_client.post(path, headers=desk.headers)
        )
        return redemption, cancellation

    pairs = await asyncio.gather(*(race(each) for each in given))

    for redemption, cancellation in pairs:
        assert redemption.is_success != cancellation.is_success, (redemption.text, cancellation.text)
    kept = sum(redemption.is_success for redemption, _ in pairs)
    assert (await ask_desk(socket_client, desk, "budget"))["budget"]["granted_amount"] == kept * 500
    assert await differences(db, project) == []


async def test_the_last_cent_can_be_given_and_no_more(client: AsyncClient, desk: Desk) -> None:
    await set_budget(client, desk, 501, "day")

    await give(client, desk)
    refused = await try_to_give(client, desk)
    last = await try_to_give(client, desk, discount={"type": "AMOUNT", "amount_off": 1})
    nothing = await try_to_give(client, desk, discount={"type": "AMOUNT", "amount_off": 1})

    error = refused.json()
    assert (error["key"], error["resource_type"], error["resource_id"]) == (
        "goodwill_budget_exceeded",
        "api_key",
        desk.key_id,
    )
    assert "of the 501 of this day, 1 are left" in error["details"]
    assert (last.status_code, nothing.status_code) == (200, 400)


async def test_a_refusal_with_an_idempotency_key_is_the_same_refusal(client: AsyncClient, desk: Desk) -> None:
    await set_budget(client, desk, 1)
    headers = {"Idempotency-Key": "ticket-9"}

    answers = [await try_to_give(client, desk, headers=headers) for _ in range(2)]

    assert [(answer.status_code, answer.json()["key"]) for answer in answers] == [(400, "goodwill_budget_exceeded")] * 2
    assert (await ask_desk(client, desk, "goodwill"))["data"] == []


async def test_a_new_budget_counts_what_was_given_before(client: AsyncClient, desk: Desk) -> None:
    await give(client, desk)
    await client.put(
        f"{desk.settings}/goodwill-reasons/late",
        json={"budget": {"amount": 900, "period": "day"}},
        headers=desk.management,
    )

    refused = await try_to_give(client, desk)
    set_budget_read = await set_budget(client, desk, 700, "week")

    assert refused.json()["key"] == "goodwill_budget_exceeded"
    assert set_budget_read["budget"] == {"amount": 700, "period": "week", "granted_amount": 500, "left_amount": 200}


async def test_a_support_key_without_a_budget_may_give_nothing(
    client: AsyncClient, db: Database, project: ProjectKeys, desk: Desk
) -> None:
    path = f"{desk.settings}/keys/{desk.key_id}/goodwill-budget"
    removed = await client.delete(path, headers=desk.management)

    refused = await try_to_give(client, desk)
    by_admin = await try_to_give(client, desk, headers=project.server)

    assert removed.status_code == 204
    assert refused.json()["key"] == "goodwill_budget_missing"
    assert by_admin.status_code == 200


async def test_a_reason_that_is_switched_off_gives_nothing(client: AsyncClient, desk: Desk) -> None:
    await give_reason(client, desk, "strike", active=False)

    refused = await try_to_give(client, desk, reason="strike")

    assert refused.json()["key"] == "goodwill_reason_inactive"
    assert [reason["key"] for reason in (await ask_desk(client, desk, "reasons"))["data"]] == ["late"]


async def test_the_catalogue_is_kept_by_managers(client: AsyncClient, desk: Desk) -> None:
    path = f"{desk.settings}/goodwill-reasons"
    made = await give_reason(
        client, desk, "broken", budget={"amount": 5000, "period": "month"}, valid_days=7, message="Sorry, {code}"
    )
    body = {"name": None, "valid_days": None, "message": None, "budget": None, "active": False}

    changed = succeeded(await client.put(f"{path}/broken", json=body, headers=desk.management))
    shown = succeeded(await client.get(f"{path}/broken", headers=desk.management))
    listed = succeeded(await client.get(path, headers=desk.management))
    deleted = await client.delete(f"{path}/broken", headers=desk.management)
    gone = await client.get(f"{path}/broken", headers=desk.management)

    assert made["budget"] == {"amount": 5000, "period": "month", "granted_amount": 0, "left_amount": 5000}
    assert changed == shown
    assert (changed["name"], changed["valid_days"], changed["active"]) == ("The parcel came late", 90, False)
    assert "budget" not in changed
    assert "message" not in changed
    assert [reason["key"] for reason in listed["data"]] == ["broken", "late"]
    assert (deleted.status_code, gone.status_code) == (204, 404)


@pytest.mark.parametrize(
    ("body", "status", "key", "path"),
    [
        ({"key": "late", "name": "Again"}, 409, "duplicate_found", None),
        ({"key": "Not A Key", "name": "x"}, 400, "invalid_payload", "key"),
        ({"key": "x", "name": "x", "message": "{secret}"}, 400, "invalid_payload", "message"),
        ({"key": "x", "name": "x", "message": "{code.__class__}"}, 400, "invalid_payload", "message"),
        ({"key": "x", "name": "x", "message": "{code!r}"}, 400, "invalid_payload", "message"),
        ({"key": "x", "name": "x", "message": "{"}, 400, "invalid_payload", "message"),
        ({"key": "x", "name": "x", "budget": {"amount": -1}}, 400, "invalid_payload", "budget.amount"),
        ({"key": "x", "name": "x", "valid_days": 0}, 400, "invalid_payload", "valid_days"),
    ],
)
async def test_a_bad_reason_is_refused_with_the_place(
    client: AsyncClient, desk: Desk, body: dict[str, Any], status: int, key: str, path: str | None
) -> None:
    answer = await client.post(f"{desk.settings}/goodwill-reasons", json=body, headers=desk.management)

    error = answer.json()
    assert (answer.status_code, error["key"]) == (status, key)
    if path is not None:
        assert [problem["path"] for problem in error["errors"]] == [path]


async def test_the_catalogue_has_an_end(client: AsyncClient, desk: Desk) -> None:
    for number in range(MOST_REASONS - 1):
        await give_reason(client, desk, f"reason-{number}")

    answer = await client.post(
        f"{desk.settings}/goodwill-reasons", json={"key": "more", "name": "One more"}, headers=desk.management
    )

    assert (answer.status_code, answer.json()["key"]) == (400, "too_many_goodwill_reasons")


async def test_only_server_keys_of_the_project_have_budgets(
    client: AsyncClient, db: Database, project: ProjectKeys, desk: Desk
) -> None:
    foreign = await give_desk(client, db, await give_project(db))

    answers = [
        await client.put(
            f"/management/v1/projects/{project.public_id}/keys/{key_id}/goodwill-budget",
            json={"amount": 1},
            headers=foreign.management,
        )
        for key_id in (foreign.key_id, project.client_key.id, "nobody")
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


async def test_the_doctor_finds_what_does_not_add_up(client: AsyncClient, db: Database, desk: Desk) -> None:
    await give(client, desk)
    async with db.write() as session:
        account = (Account.project_id == desk.project.id, Account.owner_id == desk.key_id, Account.period == "")
        await session.execute(update(Account).where(*account).values(balance=-400))

    found = await differences(db, desk.project)

    assert [(each.what, each.stored, each.counted) for each in found] == [(f"account {desk.key_id}/granted", 400, 500)]


async def give_second_key(client: AsyncClient, db: Database, desk: Desk) -> Desk:
    """Another support key of the same project."""
    body = {"role": "support", "name": new_id("second")}
    key = succeeded(await client.post(f"{desk.settings}/keys", json=body, headers=desk.management))
    second = Desk(desk.project, key["id"], {"X-App-Id": key["id"], "X-App-Token": key["token"]}, desk.management)
    await set_budget(client, second, 1_000_000)
    return second
