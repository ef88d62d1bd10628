import asyncio
from typing import Any
from urllib.parse import quote

import pytest
from httpx import AsyncClient
from sqlalchemy import select
from voucherify.models import (
    VouchersCreateResponseBody,
    VouchersGetResponseBody,
    VouchersListResponseBody,
    VouchersUpdateResponseBody,
)

from app.engine.postings import AccountKey, Posting
from app.kit.db import Database
from app.kit.ids import new_id
from app.ledger.apply import apply
from app.models import OutboxEvent, Voucher
from tests.factories.access import ProjectKeys, give_key, give_project, server_headers
from tests.factories.incentives import AMOUNT, PERCENT, ask, give_campaign, give_coupon
from tests.factories.pools import give_redemption
from tests.factories.rules import give_rule

BAD: list[tuple[dict[str, Any], str, str]] = [
    ({}, "invalid_voucher", "needs a discount"),
    ({"type": "GIFT_VOUCHER"}, "invalid_voucher", "needs a gift"),
    ({"loyalty_card": {"points": 1}}, "invalid_voucher", "belongs to a program"),
    ({"discount": {"type": "AMOUNT"}}, "invalid_payload", "amount_off"),
    ({"discount": {"type": "UNIT", "unit_type": "x"}}, "invalid_payload", "discount"),
    ({"discount": PERCENT, "category": "x", "category_id": "y"}, "invalid_payload", "not both"),
    ({"discount": PERCENT, "redemption": {"quantity": -1}}, "invalid_payload", "redemption.quantity"),
    ({"discount": PERCENT, "start_date": "yesterday"}, "invalid_payload", "start_date"),
    (
        {"discount": PERCENT, "validity_hours": {"daily": [{"days_of_week": []}]}},
        "invalid_payload",
        "validity_hours.daily[0].days_of_week",
    ),
]


async def test_a_voucher_is_answered_as_the_contract_says(client: AsyncClient, project: ProjectKeys) -> None:
    voucher = await give_coupon(
        client,
        project,
        "10%25-OFF",
        discount=AMOUNT,
        redemption={"quantity": 5},
        additional_info="for the fair",
        metadata={"channel": "fair"},
        start_date="2026-01-01T10:00:00+02:00",
        validity_hours={"daily": [{"days_of_week": [1, 2], "start_time": "08:00", "expiration_time": "12:00"}]},
    )

    parsed = VouchersCreateResponseBody.from_dict(voucher)
    assert parsed is not None
    assert parsed.redemption is not None
    assert parsed.redemption.redeemed_quantity == 0
    assert voucher == {
        "id": voucher["id"],
        "code": "10%-OFF",
        "campaign": None,
        "campaign_id": None,
        "category_id": None,
        "categories": [],
        "type": "DISCOUNT_VOUCHER",
        "discount": AMOUNT,
        "start_date": "2026-01-01T08:00:00.000Z",
        "validity_hours": {"daily": [{"days_of_week": [1, 2], "start_time": "08:00", "expiration_time": "12:00"}]},
        "active": True,
        "additional_info": "for the fair",
        "metadata": {"channel": "fair"},
        "is_referral_code": False,
        "created_at": voucher["created_at"],
        "object": "voucher",
        "publish": {"object": "list", "count": 0, "url": "/v1/vouchers/10%25-OFF/publications?page=1&limit=10"},
        "redemption": {
            "object": "list",
            "quantity": 5,
            "redeemed_quantity": 0,
            "url": "/v1/vouchers/10%25-OFF/redemptions?page=1&limit=10",
        },
        "validation_rules_assignments": {"object": "list", "data_ref": "data", "data": [], "total": 0},
    }
    assert await ask(client, project, "GET", f"/v1/vouchers/{voucher['id']}") == voucher


@pytest.mark.parametrize(("body", "key", "said"), BAD)
async def test_a_voucher_that_makes_no_sense_is_refused_with_a_sentence(
    client: AsyncClient, project: ProjectKeys, body: dict[str, Any], key: str, said: str
) -> None:
    response = await client.post("/v1/vouchers/BAD", json=body, headers=project.server)

    assert response.status_code == 400, response.text
    assert response.json()["key"] == key
    assert said in response.json()["details"]
    assert (await client.get("/v1/vouchers/BAD", headers=project.server)).status_code == 404


@pytest.mark.parametrize("code", ["a/b", "5€ & more", "спасибо", "#1", "import", "v_not-an-id", "x" * 255])
async def test_a_code_may_be_any_printable_text(client: AsyncClient, project: ProjectKeys, code: str) -> None:
    path = f"/v1/vouchers/{quote(code, safe='')}"

    created = await ask(client, project, "POST", path, {"discount": PERCENT})
    found = await ask(client, project, "GET", path)
    disabled = await ask(client, project, "POST", f"{path}/disable")

    assert created["code"] == found["code"] == disabled["code"] == code
    assert disabled["active"] is False


@pytest.mark.parametrize("code", ["%20", "A%20", "%0A", "A%01", "x" * 256])
async def test_a_code_that_cannot_be_one_is_refused(client: AsyncClient, project: ProjectKeys, code: str) -> None:
    response = await client.post(f"/v1/vouchers/{code}", json={"discount": PERCENT}, headers=project.server)

    assert response.status_code == 400, response.text


async def test_a_code_is_taken_once_in_a_project_across_campaigns_and_the_bin(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    campaign = await give_campaign(client, project)
    other = await give_project(db)
    await give_coupon(client, project, "ONCE")

    standalone = await client.post("/v1/vouchers/ONCE", json={"discount": PERCENT}, headers=project.server)
    in_campaign = await client.post(f"/v1/campaigns/{campaign['id']}/vouchers/ONCE", json={}, headers=project.server)
    await ask(client, project, "DELETE", "/v1/vouchers/ONCE")
    binned = await client.post("/v1/vouchers", json={"code": "ONCE", "discount": PERCENT}, headers=project.server)
    elsewhere = await give_coupon(client, other, "ONCE")

    for refused in (standalone, in_campaign, binned):
        assert refused.status_code == 400
        assert refused.json()["key"] == "duplicate_resource_key"
        assert refused.json()["resource_id"] == "ONCE"
    assert elsewhere["code"] == "ONCE"
    assert (await ask(client, project, "GET", f"/v1/campaigns/{campaign['id']}"))["vouchers_count"] == 0


async def test_one_of_many_who_want_the_same_code_gets_it(client: AsyncClient, project: ProjectKeys) -> None:
    asked = [client.post("/v1/vouchers/RACE", json={"discount": PERCENT}, headers=project.server) for _ in range(10)]

    answers = await asyncio.gather(*asked)

    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 9


async def test_case_counts_only_where_the_project_says_so(client: AsyncClient, db: Database) -> None:
    strict = await give_project(db, case_sensitive_codes=True)
    lenient = await give_project(db, case_sensitive_codes=False)
    for project in (strict, lenient):
        await give_coupon(client, project, "Straße")

    missing = await client.get("/v1/vouchers/straße", headers=strict.server)
    found = await ask(client, lenient, "GET", "/v1/vouchers/STRASSE")
    taken = await client.post("/v1/vouchers/STRASSE", json={"discount": PERCENT}, headers=lenient.server)

    assert missing.status_code == 404
    assert found["code"] == "Straße"
    assert taken.json()["key"] == "duplicate_resource_key"
    await give_coupon(client, strict, "STRASSE")


async def test_a_voucher_of_another_project_is_not_there(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    other = await give_project(db)
    voucher = await give_coupon(client, project, "SECRET")

    answers = [
        await client.get("/v1/vouchers/SECRET", headers=other.server),
        await client.get(f"/v1/vouchers/{voucher['id']}", headers=other.server),
        await client.put("/v1/vouchers/SECRET", json={"active": False}, headers=other.server),
        await client.post("/v1/vouchers/SECRET/disable", headers=other.server),
        await client.delete("/v1/vouchers/SECRET", headers=other.server),
    ]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert [answer.json()["key"] for answer in answers] == ["not_found"] * 5
    assert (await ask(client, other, "GET", "/v1/vouchers"))["total"] == 0


async def test_a_generated_code_has_the_shape_that_was_asked_for(client: AsyncClient, project: ProjectKeys) -> None:
    shaped = await ask(
        client,
        project,
        "POST",
        "/v1/vouchers",
        {"discount": PERCENT, "code_config": {"prefix": "A-", "length": 20, "charset": "XYZ"}},
    )
    plain = await ask(client, project, "POST", "/v1/vouchers", {"discount": PERCENT})
    weak = await ask(
        client, project, "POST", "/v1/vouchers", {"discount": PERCENT, "code_config": {"pattern": "WEAK-##"}}
    )

    assert shaped["code"].startswith("A-")
    assert set(shaped["code"][2:]) <= set("XYZ")
    assert len(shaped["code"]) == 22
    assert len(plain["code"]) == 8
    assert "warnings" not in plain
    assert "easy to guess" in weak["warnings"][0]
    assert VouchersCreateResponseBody.from_dict(weak) is not None


async def test_the_last_code_of_a_shape_is_found_and_then_there_is_none(
    client: AsyncClient, project: ProjectKeys
) -> None:
    body = {"discount": PERCENT, "code_config": {"pattern": "T-##", "charset": "01234"}}
    answers = [await ask(client, project, "POST", "/v1/vouchers", body) for _ in range(25)]

    none_left = await client.post("/v1/vouchers", json=body, headers=project.server)

    assert len({answer["code"] for answer in answers}) == 25
    assert none_left.status_code == 400
    assert none_left.json()["key"] == "invalid_code_config"
    assert "25 are possible" in none_left.json()["details"]


async def test_a_voucher_shows_what_its_campaign_has_until_it_has_its_own(
    client: AsyncClient, project: ProjectKeys
) -> None:
    campaign = await give_campaign(
        client,
        project,
        start_date="2026-01-01T00:00:00Z",
        expiration_date="2026-06-01T00:00:00Z",
        validity_timeframe={"interval": "P1D", "duration": "PT1H"},
        voucher={"redemption": {"quantity": 2}},
    )
    path = f"/v1/campaigns/{campaign['id']}"

    inherits = await ask(client, project, "POST", f"{path}/vouchers")
    own = await ask(
        client,
        project,
        "POST",
        f"{path}/vouchers/OWN",
        {"expiration_date": "2026-03-01T00:00:00Z", "redemption": {"quantity": None}, "metadata": {"a": 1}},
    )
    await ask(client, project, "PUT", path, {"expiration_date": "2027-01-01T00:00:00Z"})
    inherits_later = await ask(client, project, "GET", f"/v1/vouchers/{inherits['code']}")

    assert inherits["campaign"] == campaign["name"]
    assert inherits["discount"] == PERCENT
    assert inherits["start_date"] == "2026-01-01T00:00:00.000Z"
    assert inherits["validity_timeframe"] == {"interval": "P1D", "duration": "PT1H"}
    assert inherits["redemption"]["quantity"] == 2
    assert own["expiration_date"] == "2026-03-01T00:00:00.000Z"
    assert own["validity_timeframe"] == {"interval": "P1D", "duration": "PT1H"}
    assert own["redemption"]["quantity"] is None
    assert own["metadata"] == {"a": 1}
    assert inherits_later["expiration_date"] == "2027-01-01T00:00:00.000Z"


async def test_an_update_changes_what_it_names_and_null_gives_back_to_the_campaign(
    client: AsyncClient, project: ProjectKeys
) -> None:
    campaign = await give_campaign(client, project, expiration_date="2026-06-01T00:00:00Z")
    path = "/v1/vouchers/CHANGED"
    await ask(
        client, project, "POST", f"/v1/campaigns/{campaign['id']}/vouchers/CHANGED", {"metadata": {"a": 1, "b": 2}}
    )

    changed = await ask(
        client,
        project,
        "PUT",
        path,
        {
            "expiration_date": "2026-02-01T00:00:00Z",
            "metadata": {"b": 3},
            "additional_info": "hello",
            "active": False,
            "discount": {"type": "PERCENT", "percent_off": 25},
        },
    )
    given_back = await ask(client, project, "PUT", path, {"expiration_date": None, "additional_info": None})
    refused = await client.put(path, json={"discount": AMOUNT}, headers=project.server)

    assert VouchersUpdateResponseBody.from_dict(changed) is not None
    assert changed["expiration_date"] == "2026-02-01T00:00:00.000Z"
    assert changed["metadata"] == {"a": 1, "b": 3}
    assert changed["additional_info"] == "hello"
    assert changed["active"] is False
    assert changed["discount"]["percent_off"] == 25
    assert given_back["expiration_date"] == "2026-06-01T00:00:00.000Z"
    assert "additional_info" not in given_back
    assert refused.status_code == 400
    assert refused.json()["key"] == "invalid_voucher"


async def test_an_empty_update_is_accepted(client: AsyncClient, project: ProjectKeys) -> None:
    voucher = await give_coupon(client, project, "SAME")

    response = await client.put("/v1/vouchers/SAME", headers=project.server)

    assert response.status_code == 200
    assert {**response.json(), "updated_at": None} == {**voucher, "updated_at": None}


async def test_the_uses_shown_are_those_of_the_ledger(client: AsyncClient, project: ProjectKeys, db: Database) -> None:
    voucher = await give_coupon(client, project, "USED")
    async with db.write() as session:
        await apply(session, project.id, [Posting(AccountKey(voucher["id"], "uses"), -3)])

    found = await ask(client, project, "GET", "/v1/vouchers/USED")
    listed = await ask(
        client, project, "GET", "/v1/vouchers?filters[redemption.redeemed_quantity][conditions][$more_than]=2"
    )

    assert found["redemption"]["redeemed_quantity"] == 3
    assert [each["redemption"]["redeemed_quantity"] for each in listed["vouchers"]] == [3]


async def test_rules_given_at_creation_bind_the_voucher(client: AsyncClient, project: ProjectKeys) -> None:
    rule = await give_rule(client, project)

    voucher = await give_coupon(client, project, "RULED", validation_rules=[rule["id"]])

    (assignment,) = voucher["validation_rules_assignments"]["data"]
    assert assignment["rule_id"] == rule["id"]
    assert VouchersGetResponseBody.from_dict(voucher) is not None
    await ask(client, project, "DELETE", "/v1/vouchers/RULED")
    await ask(client, project, "DELETE", f"/v1/validation-rules/{rule['id']}")


async def test_a_forced_delete_frees_the_code_and_keeps_the_row_of_a_redeemed_voucher(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    campaign = await give_campaign(client, project)
    redeemed = await ask(client, project, "POST", f"/v1/campaigns/{campaign['id']}/vouchers/GONE-1")
    unused = await ask(client, project, "POST", f"/v1/campaigns/{campaign['id']}/vouchers/GONE-2")
    await give_redemption(db, project, redeemed["id"], campaign["id"])

    for code in ("GONE-1", "GONE-2"):
        await ask(client, project, "DELETE", f"/v1/vouchers/{code}?force=true")
    again = [await give_coupon(client, project, code) for code in ("GONE-1", "GONE-2")]

    assert [voucher["code"] for voucher in again] == ["GONE-1", "GONE-2"]
    assert (await ask(client, project, "GET", f"/v1/campaigns/{campaign['id']}"))["vouchers_count"] == 0
    async with db.read() as session:
        kept = await session.get(Voucher, (project.id, redeemed["id"]))
        assert kept is not None
        assert kept.code == "GONE-1"
        assert await session.get(Voucher, (project.id, unused["id"])) is None


async def test_every_change_of_a_voucher_is_announced_once(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    voucher = await give_coupon(client, project, "TOLD")
    for change in ("disable", "disable", "enable"):
        await ask(client, project, "POST", f"/v1/vouchers/TOLD/{change}")
    await ask(client, project, "PUT", "/v1/vouchers/TOLD", {"metadata": {"a": 1}})
    await ask(client, project, "DELETE", "/v1/vouchers/TOLD")

    async with db.read() as session:
        rows = await session.execute(
            select(OutboxEvent.type, OutboxEvent.entity_id, OutboxEvent.data)
            .where(OutboxEvent.project_id == project.id)
            .order_by(OutboxEvent.id)
        )
        events = [(kind, entity_id, data["voucher"]["code"]) for kind, entity_id, data in rows]

    assert events == [
        (f"voucher.{change}", voucher["id"], "TOLD")
        for change in ("created", "disabled", "enabled", "updated", "deleted")
    ]


async def test_the_list_is_filtered_the_way_the_contract_filters(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    campaign = await give_campaign(client, project, name="Lot", expiration_date="2020-01-01T00:00:00Z")
    holder_id = new_id("cust")
    first = await give_coupon(client, project, "AA-1", metadata={"n": 5})
    second = await give_coupon(client, project, "BB-2", active=False)
    third = await ask(client, project, "POST", f"/v1/campaigns/{campaign['id']}/vouchers/CC-3")
    async with db.write() as session:
        (await session.get_one(Voucher, (project.id, first["id"]))).holder_id = holder_id
    expected = {
        "": ["CC-3", "BB-2", "AA-1"],
        "order=code": ["AA-1", "BB-2", "CC-3"],
        "order=-code&limit=1&page=2": ["BB-2"],
        "code=BB-2": ["BB-2"],
        f"campaign_id={campaign['id']}": ["CC-3"],
        "campaign=Lot": ["CC-3"],
        "category=none": [],
        f"ids={first['id']}&ids={third['id']}": ["CC-3", "AA-1"],
        f"ids=['{first['id']}', '{second['id']}']": ["BB-2", "AA-1"],
        "created_at[after]=2100-01-01T00:00:00Z": [],
        "filters[active][$disabled]=": ["BB-2"],
        "filters[active][conditions][$active]=": ["AA-1"],
        "filters[active][conditions][$expired]=": ["CC-3"],
        "filters[code][conditions][$starts_with]=AA": ["AA-1"],
        "filters[metadata.n][conditions][$more_than]=4": ["AA-1"],
        "filters[holder_id][conditions][$is]=" + holder_id: ["AA-1"],
        f"filters[campaign_ids][conditions][$in]={campaign['id']}": ["CC-3"],
        "filters[type][conditions][$is]=DISCOUNT_VOUCHER&limit=2": ["CC-3", "BB-2"],
        "customer=nobody": [],
    }

    for query, codes in expected.items():
        listed = await ask(client, project, "GET", f"/v1/vouchers?{query}")
        assert [voucher["code"] for voucher in listed["vouchers"]] == codes, query
        assert VouchersListResponseBody.from_dict(listed) is not None


async def test_only_those_who_may_create_vouchers(client: AsyncClient, project: ProjectKeys, db: Database) -> None:
    checkout = server_headers(await give_key(db, project, "checkout"))
    await give_coupon(client, project, "READ")

    read = await client.get("/v1/vouchers/READ", headers=checkout)
    written = await client.post("/v1/vouchers/WRITE", json={"discount": PERCENT}, headers=checkout)

    assert read.status_code == 200
    assert written.status_code == 403


async def test_a_repeated_request_with_its_idempotency_key_makes_one_voucher(
    client: AsyncClient, project: ProjectKeys
) -> None:
    headers = {**project.server, "Idempotency-Key": new_id("key")}
    answers = [await client.post("/v1/vouchers", json={"discount": PERCENT}, headers=headers) for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert (await ask(client, project, "GET", "/v1/vouchers"))["total"] == 1
