"""Programs, members and their points over HTTP."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient, Limits
from sqlalchemy import select

from app.kit import clock
from app.kit.db import Database
from app.ledger.chains import value_faults
from app.models import OutboxEvent
from tests.factories.access import ProjectKeys, give_key, give_project, server_headers
from tests.factories.incentives import ask, give_campaign
from tests.factories.loyalties import card_figures, change_points, give_member, give_program

MONTHLY = {"period_type": "MONTH", "period_value": 1}


async def transactions_of(client: AsyncClient, project: ProjectKeys, code: str) -> list[dict[str, Any]]:
    listed = await ask(client, project, "GET", f"/v1/loyalties/members/{code}/transactions?limit=100")
    data: list[dict[str, Any]] = listed["data"]
    return data


async def test_a_program_is_made_read_changed_and_deleted(client: AsyncClient, project: ProjectKeys) -> None:
    body = {"name": "Club", "voucher": {"loyalty_card": {"points": 10, "expiration_rules": MONTHLY}}, "auto_join": True}

    made = await ask(client, project, "POST", "/v1/loyalties", body)
    changed = await ask(client, project, "PUT", "/v1/loyalties/Club", {"description": "For friends"})
    read = await ask(client, project, "GET", f"/v1/loyalties/{made['id']}")
    listed = await ask(client, project, "GET", "/v1/loyalties")

    assert made["campaign_type"] == "LOYALTY_PROGRAM"
    assert (made["auto_join"], made["join_once"]) == (True, True)
    assert made["voucher"]["type"] == "LOYALTY_CARD"
    assert made["voucher"]["loyalty_card"] == {"points": 10, "expiration_rules": MONTHLY}
    assert (changed["description"], read["id"], listed["total"]) == ("For friends", made["id"], 1)
    deleted = await client.delete("/v1/loyalties/Club", headers=project.server)
    assert (deleted.status_code, "async_action_id" in deleted.json()) == (200, True)
    assert (await client.get("/v1/loyalties/Club", headers=project.server)).status_code == 404


@pytest.mark.parametrize(
    ("body", "key", "words"),
    [
        ({"name": "Club"}, "invalid_campaign", "voucher.loyalty_card"),
        ({"name": "Club", "campaign_type": "GIFT_VOUCHERS"}, "invalid_campaign", "of the type LOYALTY_PROGRAM"),
        (
            {"name": "Club", "voucher": {"loyalty_card": {"points": -1}}},
            "invalid_payload",
            "voucher.loyalty_card.points",
        ),
        (
            {"name": "Club", "voucher": {"loyalty_card": {"expiration_rules": {"period_type": "MONTH"}}}},
            "invalid_payload",
            "voucher.loyalty_card.expiration_rules",
        ),
        (
            {"name": "Club", "validation_rules": ["val_x"], "voucher": {"loyalty_card": {}}},
            "invalid_campaign",
            "validation rules",
        ),
    ],
)
async def test_a_program_that_cannot_be_is_refused(
    client: AsyncClient, project: ProjectKeys, body: dict[str, Any], key: str, words: str
) -> None:
    response = await client.post("/v1/loyalties", json=body, headers=project.server)

    assert (response.status_code, response.json()["key"]) == (400, key)
    assert words in response.json()["details"]


async def test_other_campaigns_are_no_programs(client: AsyncClient, project: ProjectKeys) -> None:
    campaign = await give_campaign(client, project)

    for path in ("", "/members", "/transactions", "/pending-points"):
        response = await client.get(f"/v1/loyalties/{campaign['id']}{path}", headers=project.server)
        assert response.status_code == 404, path
    assert (await ask(client, project, "GET", "/v1/loyalties"))["total"] == 0


async def test_a_member_gets_a_card_with_its_first_points(client: AsyncClient, project: ProjectKeys) -> None:
    await give_program(client, project, points=100, expiration_rules=MONTHLY)
    body = {"customer": {"source_id": "ann"}, "metadata": {"shop": "Berlin"}}

    card = await ask(client, project, "POST", "/v1/loyalties/Club/members", body)
    again = await client.post("/v1/loyalties/Club/members", json=body, headers=project.server)
    listed = await ask(client, project, "GET", "/v1/loyalties/Club/members?customer=ann")
    read = await ask(client, project, "GET", f"/v1/loyalties/members/{card['code']}")
    of_program = await ask(client, project, "GET", f"/v1/loyalties/Club/members/{card['id']}")

    assert card["loyalty_card"]["balance"] == card["loyalty_card"]["next_expiration_points"] == 100
    assert (again.status_code, again.json()["key"]) == (400, "voucher_cannot_be_published")
    assert [each["id"] for each in listed["vouchers"]] == [card["id"]]
    assert read == of_program == card


async def test_a_certain_card_is_given_to_a_member(client: AsyncClient, project: ProjectKeys) -> None:
    await give_program(client, project)
    await give_program(client, project, "Other")
    await ask(client, project, "POST", "/v1/campaigns/Club/vouchers/CARD-1", {})

    async def add(program: str, customer: str) -> Any:
        body = {"voucher": "CARD-1", "customer": {"source_id": customer}}
        return await client.post(f"/v1/loyalties/{program}/members", json=body, headers=project.server)

    elsewhere, given, taken = await add("Other", "ann"), await add("Club", "ann"), await add("Club", "bob")

    assert elsewhere.status_code == 404
    assert given.json()["code"] == "CARD-1"
    assert (taken.status_code, taken.json()["key"]) == (400, "voucher_already_published")


async def test_a_member_of_another_program_or_project_is_not_found(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_program(client, project)
    await give_program(client, project, "Other")
    code = (await give_member(client, project))["code"]
    stranger = await give_project(db)

    for path in ("", "/transactions", "/pending-points", "/points-expiration"):
        response = await client.get(f"/v1/loyalties/Other/members/{code}{path}", headers=project.server)
        assert response.status_code == 404, path
    for path in ("", "/transactions", "/pending-points"):
        response = await client.get(f"/v1/loyalties/members/{code}{path}", headers=stranger.server)
        assert response.status_code == 404, path


async def test_points_are_changed_by_hand(client: AsyncClient, project: ProjectKeys) -> None:
    await give_program(client, project, points=100)
    card = await give_member(client, project)

    added = (await change_points(client, project, card["code"], 50, reason="sorry", source_id="crm-1")).json()
    repeated = (await change_points(client, project, card["code"], 50, reason="sorry", source_id="crm-1")).json()
    other = await change_points(client, project, card["code"], 51, source_id="crm-1")
    path = f"/v1/loyalties/Club/members/{card['code']}/balance"
    removed = await ask(client, project, "POST", path, {"points": -30})

    assert added == {
        "points": 50,
        "total": 150,
        "balance": 150,
        "type": "loyalty_card",
        "object": "balance",
        "operation_type": "MANUAL",
        "related_object": {"type": "voucher", "id": card["id"]},
    }
    assert repeated == added
    assert (other.status_code, other.json()["key"]) == (400, "duplicate_source_id")
    assert (removed["balance"], removed["total"]) == (120, 150)
    figures = await card_figures(client, project, card["code"])
    assert (figures["points"], figures["subtracted_points"], figures["balance"]) == (150, 30, 120)
    newest, oldest = await transactions_of(client, project, card["code"])
    assert (newest["type"], oldest["type"]) == ("POINTS_REMOVAL", "POINTS_ADDITION")
    assert (oldest["source_id"], oldest["reason"], oldest["source"]) == ("crm-1", "sorry", "API")
    assert oldest["details"]["balance"]["points"] == 50


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"points": 0}, "invalid_add_balance_params"),
        ({"points": -101}, "loyalty_card_points_exceeded"),
        ({"points": 2**53}, "invalid_payload"),
        ({"points": True}, "invalid_payload"),
        ({"points": 1.5}, "invalid_payload"),
        ({}, "invalid_payload"),
        ({"points": 1, "expiration_type": "CUSTOM_DATE"}, "invalid_expiration_date"),
        ({"points": 1, "expiration_date": "2020-01-01T00:00:00Z"}, "invalid_expiration_date"),
        ({"points": 1, "expiration_type": "SOMETIME"}, "invalid_payload"),
        ({"points": 1, "source_id": ""}, "invalid_payload"),
    ],
)
async def test_a_change_that_cannot_be_is_refused(
    client: AsyncClient, project: ProjectKeys, body: dict[str, Any], key: str
) -> None:
    await give_program(client, project, points=100)
    code = (await give_member(client, project))["code"]

    response = await client.post(f"/v1/loyalties/members/{code}/balance", json=body, headers=project.server)

    assert (response.status_code, response.json()["key"]) == (400, key)
    assert (await card_figures(client, project, code))["balance"] == 100


async def test_a_card_that_nobody_holds_has_no_points_to_change(client: AsyncClient, project: ProjectKeys) -> None:
    await give_program(client, project, points=100)
    await ask(client, project, "POST", "/v1/campaigns/Club/vouchers/CARD-1", {})

    response = await change_points(client, project, "CARD-1", 5)

    assert (response.status_code, response.json()["key"]) == (400, "not_published")
    assert (await card_figures(client, project, "CARD-1"))["balance"] == 100


async def test_points_expire_on_the_day_that_is_asked(client: AsyncClient, project: ProjectKeys) -> None:
    await give_program(client, project, expiration_rules=MONTHLY)
    code = (await give_member(client, project))["code"]
    day = (clock.now() + timedelta(days=5)).date()
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).isoformat()

    await change_points(client, project, code, 10, expiration_type="CUSTOM_DATE", expiration_date=noon)
    await change_points(client, project, code, 20)
    await change_points(client, project, code, 30, expiration_type="NON_EXPIRING")
    listed = await ask(client, project, "GET", f"/v1/loyalties/Club/members/{code}/points-expiration")

    assert [bucket["bucket"]["total_points"] for bucket in listed["data"]] == [10, 20, 30]
    assert listed["data"][0]["expires_at"] == day.isoformat()
    assert "expires_at" not in listed["data"][2]
    assert {bucket["status"] for bucket in listed["data"]} == {"ACTIVE"}
    assert listed["total"] == 3
    figures = await card_figures(client, project, code)
    assert (figures["next_expiration_date"], figures["next_expiration_points"]) == (day.isoformat(), 10)
    assert (await change_points(client, project, code, -15)).status_code == 200
    after = await ask(client, project, "GET", f"/v1/loyalties/Club/members/{code}/points-expiration")
    assert [bucket["bucket"]["total_points"] for bucket in after["data"]] == [15, 30]


async def test_the_last_points_go_to_one_of_many(client: AsyncClient, project: ProjectKeys) -> None:
    await give_program(client, project, points=10)
    code = (await give_member(client, project))["code"]

    responses = await asyncio.gather(*(change_points(client, project, code, -10) for _ in range(10)))

    assert sorted(response.status_code for response in responses) == [200] + [400] * 9
    assert (await card_figures(client, project, code))["balance"] == 0


async def transfer(client: AsyncClient, project: ProjectKeys, code: str, *sources: dict[str, Any]) -> Any:
    path = f"/v1/loyalties/Club/members/{code}/transfers"
    return await client.post(path, json=list(sources), headers=project.server)


async def test_points_are_moved_between_cards_once(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_program(client, project, expiration_rules=MONTHLY)
    await give_program(client, project, "Old", points=100)
    target = await give_member(client, project)
    first, second = [await give_member(client, project, name, "Old") for name in ("bob", "cid")]
    sources = (
        {"code": first["code"], "points": 60, "source_id": "t-1", "reason": "moved"},
        {"code": second["code"], "points": 40, "source_id": "t-1"},
    )

    moved = await transfer(client, project, target["code"], *sources)
    again = await transfer(client, project, target["code"], *sources)
    other = await transfer(client, project, target["code"], {**sources[0], "points": 61})

    assert moved.json()["loyalty_card"]["balance"] == again.json()["loyalty_card"]["balance"] == 100
    assert moved.json()["loyalty_card"]["next_expiration_points"] == 100
    assert (other.status_code, other.json()["key"]) == (400, "duplicate_source_id")
    assert [(await card_figures(client, project, card["code"]))["balance"] for card in (first, second)] == [40, 60]
    (out,) = await transactions_of(client, project, first["code"])
    into = next(
        entry
        for entry in await transactions_of(client, project, target["code"])
        if entry["id"] == out["related_transaction_id"]
    )
    assert (out["type"], into["type"]) == ("POINTS_TRANSFER_OUT", "POINTS_TRANSFER_IN")
    assert (out["source_id"], out["reason"]) == ("t-1", "moved")
    assert into["related_transaction_id"] == out["id"]
    assert into["details"]["source_voucher"]["code"] == first["code"]
    async with db.read() as session:
        assert await value_faults(session, project.id) == []


async def test_a_transfer_moves_all_or_nothing(client: AsyncClient, project: ProjectKeys) -> None:
    await give_program(client, project)
    await give_program(client, project, "Old", points=100)
    target = await give_member(client, project)
    first, second = [await give_member(client, project, name, "Old") for name in ("bob", "cid")]

    response = await transfer(
        client,
        project,
        target["code"],
        {"code": first["code"], "points": 60, "source_id": "t-1"},
        {"code": second["code"], "points": 101, "source_id": "t-2"},
    )

    assert (response.status_code, response.json()["key"]) == (400, "loyalty_card_points_exceeded")
    assert second["code"] in response.json()["details"]
    assert (await card_figures(client, project, target["code"]))["balance"] == 0
    assert (await card_figures(client, project, first["code"]))["balance"] == 100


async def test_transfers_both_ways_at_once_lose_nothing(client: AsyncClient, project: ProjectKeys) -> None:
    await give_program(client, project, points=100)
    codes = [(await give_member(client, project, name))["code"] for name in ("ann", "bob", "cid")]
    pairs = [(a, b) for a in codes for b in codes if a != b] * 4

    responses = await asyncio.gather(
        *(
            transfer(client, project, into, {"code": out, "points": 10, "source_id": f"t-{n}"})
            for n, (out, into) in enumerate(pairs)
        )
    )

    assert {response.status_code for response in responses} == {200}
    assert [(await card_figures(client, project, code))["balance"] for code in codes] == [100, 100, 100]


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ([], ""),
        ([{"code": "X", "points": 0, "source_id": "t"}], "[0].points"),
        ([{"code": "X", "points": 5}], "[0].source_id"),
        ([{"points": 5, "source_id": "t"}], "[0].code"),
        ({"code": "X"}, ""),
    ],
)
async def test_a_transfer_that_says_too_little_is_refused(
    client: AsyncClient, project: ProjectKeys, sources: Any, words: str
) -> None:
    await give_program(client, project)
    code = (await give_member(client, project))["code"]

    response = await client.post(f"/v1/loyalties/Club/members/{code}/transfers", json=sources, headers=project.server)

    assert (response.status_code, response.json()["key"]) == (400, "invalid_payload")
    assert words in response.json()["details"]


async def test_a_card_does_not_move_points_to_itself(client: AsyncClient, project: ProjectKeys) -> None:
    await give_program(client, project, points=10)
    code = (await give_member(client, project))["code"]

    response = await transfer(client, project, code, {"code": code, "points": 5, "source_id": "t"})

    assert (response.status_code, response.json()["key"]) == (400, "invalid_payload")


async def test_a_programs_transactions_are_those_of_its_cards(client: AsyncClient, project: ProjectKeys) -> None:
    await give_program(client, project)
    await give_program(client, project, "Other")
    codes = [(await give_member(client, project, name))["code"] for name in ("ann", "bob")]
    elsewhere = (await give_member(client, project, "ann", "Other"))["code"]
    for code in (*codes, elsewhere):
        await change_points(client, project, code, 5)

    listed = await ask(client, project, "GET", "/v1/loyalties/Club/transactions?limit=1")
    following = await ask(
        client, project, "GET", f"/v1/loyalties/Club/transactions?starting_after_id={listed['more_starting_after']}"
    )

    assert listed["has_more"]
    assert len(listed["data"]) == len(following["data"]) == 1
    assert not following["has_more"]


async def test_who_may_only_read_changes_no_points(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_program(client, project, points=10)
    code = (await give_member(client, project))["code"]

    for role in ("viewer", "support", "checkout"):
        key = server_headers(await give_key(db, project, role))
        read = await client.get(f"/v1/loyalties/members/{code}", headers=key)
        changed = await client.post(f"/v1/loyalties/members/{code}/balance", json={"points": 5}, headers=key)
        assert (role, read.status_code, changed.status_code) == (role, 200, 403)


async def test_a_cart_without_a_reward_cannot_be_paid_with_a_card(client: AsyncClient, project: ProjectKeys) -> None:
    await give_program(client, project, points=10)
    code = (await give_member(client, project))["code"]
    cart = {"redeemables": [{"object": "voucher", "id": code}], "order": {"amount": 1000}}

    response = await client.post("/v1/redemptions", json=cart, headers=project.server)

    assert (response.status_code, response.json()["key"]) == (400, "missing_reward")


async def test_cards_are_in_the_wallet_but_are_no_offers(client: AsyncClient, project: ProjectKeys) -> None:
    await give_program(client, project, points=10)
    card = await give_member(client, project)

    wallet = await ask(client, project, "GET", f"/v1/customers/{card['holder_id']}/redeemables")
    offers = await ask(
        client, project, "POST", "/v1/qualifications", {"customer": {"source_id": "ann"}, "order": {"amount": 1000}}
    )

    (held,) = wallet["data"]
    assert (held["voucher_type"], held["campaign_type"]) == ("LOYALTY_CARD", "LOYALTY_PROGRAM")
    assert held["redeemable"]["voucher"]["loyalty_card"]["balance"] == 10
    assert held["redeemable"]["status"] == "ACTIVE"
    assert offers["redeemables"]["data"] == []


async def test_a_change_of_points_is_announced_with_ids_only(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_program(client, project)
    card = await give_member(client, project)
    await change_points(client, project, card["code"], 5)

    async with db.read() as session:
        rows = select(OutboxEvent).where(
            OutboxEvent.project_id == project.id, OutboxEvent.type == "voucher.loyalty_card.points_added"
        )
        event = (await session.scalars(rows)).one()

    assert event.entity_id == card["id"]
    assert event.data["customer"] == {"id": card["holder_id"], "object": "customer"}
    assert event.data["balance"]["points"] == 5


async def test_a_card_can_begin_with_points_of_its_own(client: AsyncClient, project: ProjectKeys) -> None:
    await give_program(client, project, points=100)
    body = {"campaign": "Club", "loyalty_card": {"points": 7}}
    made = await ask(client, project, "POST", "/v1/vouchers/CARD-7", body)
    member = {"voucher": "CARD-7", "customer": {"source_id": "ann"}}

    card = await ask(client, project, "POST", "/v1/loyalties/Club/members", member)
    discount = await client.post(
        "/v1/vouchers/CARD-8",
        json={"campaign": "Club", "discount": {"type": "PERCENT", "percent_off": 5}},
        headers=project.server,
    )

    assert made["type"] == "LOYALTY_CARD"
    assert made["loyalty_card"]["balance"] == card["loyalty_card"]["balance"] == 7
    assert (discount.status_code, discount.json()["key"]) == (400, "invalid_voucher")


async def test_what_cards_begin_with_can_change_for_cards_to_come(client: AsyncClient, project: ProjectKeys) -> None:
    await give_program(client, project, points=100)
    first = (await give_member(client, project, "ann"))["code"]

    changed = await ask(client, project, "PUT", "/v1/loyalties/Club", {"loyalty_card": {"points": 5}})
    second = (await give_member(client, project, "bob"))["code"]
    refused = await client.put("/v1/loyalties/Club", json={"loyalty_card": None}, headers=project.server)

    assert changed["voucher"]["loyalty_card"] == {"points": 5}
    assert [(await card_figures(client, project, code))["balance"] for code in (first, second)] == [100, 5]
    assert (refused.status_code, refused.json()["key"]) == (400, "invalid_campaign")


async def test_fifty_clients_spend_and_move_the_last_points_once(
    live_server: str, db: Database, project: ProjectKeys
) -> None:
    limits = Limits(max_connections=50, max_keepalive_connections=50)
    async with AsyncClient(base_url=live_server, limits=limits, timeout=60) as http:
        await give_program(http, project, points=100)
        source, target = [(await give_member(http, project, name))["code"] for name in ("ann", "bob")]

        spent = [change_points(http, project, source, -7) for _ in range(25)]
        moved = [
            transfer(http, project, target, {"code": source, "points": 7, "source_id": f"t-{n}"}) for n in range(25)
        ]
        responses = await asyncio.gather(*spent, *moved)
        left, got = [(await card_figures(http, project, code))["balance"] for code in (source, target)]

    statuses = [response.status_code for response in responses]
    assert set(statuses) == {200, 400}
    assert statuses.count(200) == 14
    assert (left, got) == (100 - 14 * 7, 100 + 7 * statuses[25:].count(200))
    async with db.read() as session:
        assert await value_faults(session, project.id) == []
