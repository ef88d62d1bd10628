"""What support gives is an ordinary code, for one customer alone."""

import re
from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import select

from app.kit import clock
from app.kit.db import Database
from app.models import AuditEntry, OutboxEvent
from tests.factories.access import ProjectKeys, give_key, give_project, server_headers
from tests.factories.carts import cart, line, redeem, roll_back, try_to_redeem, validate
from tests.factories.commerce import give_customer, give_product
from tests.factories.goodwill import Desk, ask_desk, give, give_desk, give_reason, try_to_give
from tests.factories.incentives import ask


async def test_the_answer_has_code_voucher_text_and_picture(client: AsyncClient, desk: Desk) -> None:
    given = await give(client, desk)

    assert re.fullmatch(r"SORRY-[A-Z2-9]{4}-[A-Z2-9]{4}", given["code"])
    assert given["voucher"]["discount"] == {"type": "AMOUNT", "amount_off": 500, "effect": "APPLY_TO_ORDER"}
    assert given["voucher"]["holder_id"] == given["customer_id"]
    assert given["voucher"]["redemption"]["quantity"] == 1
    assert (given["reason"], given["agent"], given["amount"], given["state"]) == ("late", "Grace", 500, "ACTIVE")
    assert given["code"] in given["text"]
    assert "5.00" in given["text"]
    picture = await client.get(given["assets"]["qr"]["url"])
    assert picture.content.startswith(b"\x89PNG")
    assert picture.headers["content-type"] == "image/png"
    assert "immutable" in picture.headers["cache-control"]


async def test_a_picture_is_not_shown_at_a_guessed_address(client: AsyncClient, desk: Desk, db: Database) -> None:
    mine, other = await give(client, desk), await give(client, desk, "bob@example.com")
    url, signature = mine["assets"]["qr"]["url"], mine["assets"]["qr"]["url"].split("/")[-1]
    foreign = await give_project(db)

    answers = [
        await client.get(url.replace(signature, "0" * 32 + ".png")),
        await client.get(url.replace(signature, "é.png")),
        await client.get(url.replace(mine["voucher_id"], other["voucher_id"])),
        await client.get(url.replace(desk.project.public_id, foreign.public_id)),
    ]

    assert [(answer.status_code, answer.json()["key"]) for answer in answers] == [(404, "not_found")] * 4


async def test_the_code_is_redeemed_once_like_any_other(client: AsyncClient, project: ProjectKeys, desk: Desk) -> None:
    given = await give(client, desk)
    body = cart(given["code"], customer={"id": given["customer_id"]})

    shown = await validate(client, project, body)
    await redeem(client, project, body)
    again = await try_to_redeem(client, project, body)

    assert shown["order"]["total_discount_amount"] == 500
    assert again.json()["key"] == "quantity_exceeded"
    assert (await ask_desk(client, desk, f"goodwill/{given['id']}"))["state"] == "USED"


@pytest.mark.parametrize(
    ("customer", "succeeds"),
    [
        ({"email": " ADA@Example.com"}, True),
        ({"source_id": "ada-account", "email": "ada@example.com"}, True),
        ({"source_id": "bob", "email": "bob@example.com"}, False),
        ({"source_id": "bob"}, False),
        (None, False),
    ],
)
async def test_nobody_but_the_customer_can_use_the_code(
    client: AsyncClient, project: ProjectKeys, desk: Desk, customer: Any, succeeds: bool
) -> None:
    given = await give(client, desk)
    body = cart(given["code"], **({"customer": customer} if customer else {}))

    shown = await validate(client, project, body)
    answer = await try_to_redeem(client, project, body)

    assert shown["valid"] is succeeds
    assert answer.is_success is succeeds
    if not succeeds:
        assert answer.json()["key"] == "invalid_customer"
        assert shown["redeemables"][0]["result"]["error"]["key"] == "invalid_customer"


async def test_an_ordinary_published_code_is_still_anybodys(
    client: AsyncClient, project: ProjectKeys, desk: Desk
) -> None:
    await ask(client, project, "POST", "/v1/vouchers/OPEN", {"discount": {"type": "PERCENT", "percent_off": 10}})
    await ask(client, project, "POST", "/v1/publications", {"voucher": "OPEN", "customer": {"source_id": "ada"}})

    assert (await validate(client, project, cart("OPEN", customer={"source_id": "bob"})))["valid"]


async def test_a_customer_is_found_by_address_however_it_is_spelled(
    client: AsyncClient, db: Database, project: ProjectKeys, desk: Desk
) -> None:
    guest = await give_customer(db, project, email="ada@example.com")
    ada = await give_customer(db, project, source_id="ada", email="ADA@example.com ", name="Ada")

    by_address = await give(client, desk, "Ada@EXAMPLE.com")
    new = await give(client, desk, "new@example.com")
    same = await give(client, desk, "NEW@example.com")
    by_source = await give(client, desk, customer={"source_id": "ada"})

    assert by_address["customer_id"] == by_source["customer_id"] == ada.id != guest.id
    assert new["customer_id"] == same["customer_id"]
    assert (await ask(client, project, "GET", f"/v1/customers/{ada.id}"))["name"] == "Ada"


async def test_a_gift_card_is_spent_in_parts_by_its_customer(
    client: AsyncClient, project: ProjectKeys, desk: Desk
) -> None:
    given = await give(client, desk, gift={"amount": 3000})
    body = cart(given["code"], customer={"id": given["customer_id"]})

    first = await redeem(client, project, body)
    second = await redeem(client, project, body)
    foreign = await try_to_redeem(client, project, cart(given["code"], customer={"source_id": "bob"}))
    entries = await ask(client, project, "GET", f"/v1/vouchers/{given['code']}/transactions")

    assert given["voucher"]["gift"] == {
        "amount": 3000,
        "subtracted_amount": 0,
        "redeemed_amount": 0,
        "balance": 3000,
        "effect": "APPLY_TO_ORDER",
    }
    assert [first["order"]["total_amount"], second["order"]["total_amount"]] == [0, 1000]
    assert foreign.json()["key"] == "invalid_customer"
    assert len(entries["data"]) == 2
    assert (await ask_desk(client, desk, f"goodwill/{given['id']}"))["state"] == "NO_BALANCE"


@pytest.mark.parametrize(
    ("worth", "expected"),
    [
        ({"discount": {"type": "AMOUNT", "amount_off": 700}}, 700),
        ({"discount": {"type": "PERCENT", "percent_off": 50, "amount_limit": 1200}}, 1200),
        ({"discount": {"type": "PERCENT", "percent_off": 10, "amount_limit": 1200}}, 400),
        ({"gift": {"amount": 2500}}, 2500),
    ],
)
async def test_what_is_for_certain_products_takes_off_those_alone_and_never_more_than_it_cost(
    client: AsyncClient, db: Database, project: ProjectKeys, desk: Desk, worth: dict[str, Any], expected: int
) -> None:
    for name in ("shirt", "hat", "shoe"):
        await give_product(db, project, source_id=name)
    items = [line("shirt", 1000, 2), line("hat", 2000), line("shoe", 9000)]

    given = await give(client, desk, products=["shirt", "hat"], **worth)
    body = cart(given["code"], items=items, customer={"id": given["customer_id"]})
    shown = await validate(client, project, body)
    others = await validate(client, project, {**body, "order": {"items": [line("shoe", 9000)]}})

    order = shown["redeemables"][0]["order"] if shown["valid"] else shown
    assert order["total_discount_amount"] == expected
    assert not others["valid"] or others["order"].get("total_discount_amount", 0) == 0


async def test_what_is_for_a_collection_takes_off_its_products(
    client: AsyncClient, db: Database, project: ProjectKeys, desk: Desk
) -> None:
    shirt = await give_product(db, project, source_id="shirt")
    await give_product(db, project, source_id="shoe")
    collection = await ask(
        client,
        project,
        "POST",
        "/v1/product-collections",
        {"name": "Tops", "type": "STATIC", "products": [{"id": shirt.id, "object": "product"}]},
    )

    given = await give(client, desk, product_collections=[collection["id"]])
    body = cart(given["code"], items=[line("shirt", 300), line("shoe", 9000)], customer={"id": given["customer_id"]})

    assert (await validate(client, project, body))["order"]["total_discount_amount"] == 300


async def test_it_ends_when_the_agent_or_else_the_reason_says(client: AsyncClient, desk: Desk) -> None:
    await give_reason(client, desk, "short", valid_days=3, message="{customer_name}{worth} {expires_on} {agent} {{}}")
    in_two_days = (clock.now() + timedelta(days=2)).replace(microsecond=0)

    by_reason = await give(client, desk, reason="short")
    by_agent = await give(client, desk, reason="short", expiration_date=in_two_days.isoformat())

    left = clock.now() + timedelta(days=3)
    assert by_reason["voucher"]["expiration_date"][:13] == left.isoformat()[:13]
    assert by_agent["voucher"]["expiration_date"][:19] == in_two_days.isoformat()[:19]
    day = in_two_days - timedelta(seconds=1)
    assert by_agent["text"] == f"5.00 {day.day} {day:%B} {day.year} Grace {{}}"


@pytest.mark.parametrize(
    ("members", "status", "key", "path"),
    [
        ({"reason": "unknown"}, 404, "not_found", None),
        ({"customer": {"name": "Ada"}}, 400, "invalid_payload", ""),
        ({"customer": {"email": "  "}}, 400, "invalid_payload", ""),
        ({"customer": {"id": "cust_unknown"}}, 404, "not_found", None),
        ({"discount": {"type": "PERCENT", "percent_off": 10}}, 400, "invalid_payload", "discount.amount_limit"),
        ({"discount": {"type": "AMOUNT", "amount_off": 0}}, 400, "invalid_payload", "discount.amount_off"),
        ({"discount": {"type": "AMOUNT", "amount_off": 10**13}}, 400, "invalid_payload", "discount.amount_off"),
        ({"discount": {"type": "UNIT"}}, 400, "invalid_payload", "discount"),
        ({"discount": None}, 400, "invalid_payload", ""),
        ({"discount": {"type": "AMOUNT", "amount_off": 5}, "gift": {"amount": 5}}, 400, "invalid_payload", ""),
        ({"expiration_date": "2020-01-01T00:00:00Z"}, 400, "invalid_payload", "expiration_date"),
        ({"products": ["unknown"]}, 400, "invalid_payload", "products[0]"),
        ({"product_collections": ["pc_unknown"]}, 400, "invalid_payload", "product_collections[0]"),
        ({"agent": ""}, 400, "invalid_payload", "agent"),
    ],
)
async def test_what_cannot_be_given_is_refused_with_the_place(
    client: AsyncClient, desk: Desk, members: dict[str, Any], status: int, key: str, path: str | None
) -> None:
    answer = await try_to_give(client, desk, **members)

    error = answer.json()
    assert (answer.status_code, error["key"]) == (status, key), answer.text
    if path is not None:
        assert [problem["path"] for problem in error["errors"]] == [path]
    assert (await ask_desk(client, desk, "goodwill"))["data"] == []
    assert (await ask_desk(client, desk, "budget"))["budget"]["granted_amount"] == 0


async def test_a_retry_gives_the_same_code_and_pays_once(client: AsyncClient, desk: Desk) -> None:
    headers = {"Idempotency-Key": "ticket-1742"}

    first = await give(client, desk, headers=headers)
    again = await give(client, desk, headers=headers)

    assert first == again
    assert (await ask_desk(client, desk, "budget"))["budget"]["granted_amount"] == 500


async def test_it_is_audited_and_announced_without_names(client: AsyncClient, db: Database, desk: Desk) -> None:
    given = await give(client, desk)
    await ask_desk(client, desk, f"goodwill/{given['id']}/cancel", "POST")

    async with db.read() as session:
        entries = (await session.scalars(select(AuditEntry).where(AuditEntry.resource_id == given["id"]))).all()
        types = select(OutboxEvent.type).where(OutboxEvent.project_id == desk.project.id)
        announced = set(await session.scalars(types))
    assert [(entry.action, entry.actor_id) for entry in sorted(entries, key=lambda entry: entry.id)] == [
        ("goodwill.created", desk.key_id),
        ("goodwill.cancelled", desk.key_id),
    ]
    assert "ada" not in str([entry.changes for entry in entries]).lower()
    expected = {"goodwill.created", "goodwill.cancelled", "voucher.created", "voucher.published", "voucher.disabled"}
    assert expected <= announced


async def test_a_support_key_gives_and_reads_but_changes_no_campaign_and_no_reason(
    client: AsyncClient, db: Database, project: ProjectKeys, desk: Desk
) -> None:
    viewer, checkout = await give_key(db, project, "viewer"), await give_key(db, project, "checkout")

    allowed = [
        await client.get("/v1/customers", headers=desk.headers),
        await client.get("/x/v1/support/reasons", headers=desk.headers),
    ]
    refused = [
        await client.post("/v1/campaigns", json={"name": "Mine"}, headers=desk.headers),
        await client.post("/v1/vouchers/MINE", json={}, headers=desk.headers),
        await client.post("/x/v1/support/goodwill", json={}, headers=server_headers(viewer)),
        await client.post("/x/v1/support/goodwill", json={}, headers=server_headers(checkout)),
    ]
    catalogue = await client.post(f"{desk.settings}/goodwill-reasons", json={"key": "x"}, headers=desk.headers)

    assert [answer.status_code for answer in allowed] == [200, 200]
    assert [(answer.status_code, answer.json()["key"]) for answer in refused] == [
        (403, "missing_required_permission")
    ] * 4
    assert catalogue.status_code == 401


async def test_another_project_sees_nothing(client: AsyncClient, db: Database, desk: Desk) -> None:
    given = await give(client, desk)
    other = await give_desk(client, db, await give_project(db))

    answers = [
        await client.get(f"/x/v1/support/goodwill/{given['id']}", headers=other.headers),
        await client.post(f"/x/v1/support/goodwill/{given['id']}/cancel", headers=other.headers),
        await client.get(f"/x/v1/support/customers/{given['customer_id']}", headers=other.headers),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert (await ask_desk(client, other, "goodwill"))["data"] == []


async def test_a_code_that_was_not_used_is_taken_back_once(
    client: AsyncClient, project: ProjectKeys, desk: Desk
) -> None:
    given = await give(client, desk)

    cancelled = await ask_desk(client, desk, f"goodwill/{given['id']}/cancel", "POST")
    again = await ask_desk(client, desk, f"goodwill/{given['id']}/cancel", "POST")
    attempt = await try_to_redeem(client, project, cart(given["code"], customer={"id": given["customer_id"]}))

    assert cancelled["state"] == "CANCELLED"
    assert again == cancelled
    assert attempt.json()["key"] == "voucher_disabled"
    assert (await ask_desk(client, desk, "budget"))["budget"]["granted_amount"] == 0


async def test_a_code_that_was_redeemed_stays_unless_that_is_rolled_back(
    client: AsyncClient, project: ProjectKeys, desk: Desk
) -> None:
    given = await give(client, desk)
    redeemed = await redeem(client, project, cart(given["code"], customer={"id": given["customer_id"]}))
    path = f"/x/v1/support/goodwill/{given['id']}/cancel"

    refused = await client.post(path, headers=desk.headers)
    await roll_back(client, project, redeemed["redemptions"][0]["id"])
    accepted = await client.post(path, headers=desk.headers)

    assert (refused.status_code, refused.json()["key"]) == (400, "goodwill_used")
    assert accepted.json()["state"] == "CANCELLED"


async def test_what_was_deleted_for_good_is_still_known_and_can_be_cancelled(
    client: AsyncClient, project: ProjectKeys, desk: Desk
) -> None:
    given = await give(client, desk)
    await ask(client, project, "DELETE", f"/v1/vouchers/{given['code']}?force=true")

    deleted = await ask_desk(client, desk, f"goodwill/{given['id']}")
    cancelled = await ask_desk(client, desk, f"goodwill/{given['id']}/cancel", "POST")

    assert (deleted["state"], cancelled["state"]) == ("DELETED", "CANCELLED")


async def test_the_list_is_filtered_and_paged(client: AsyncClient, desk: Desk) -> None:
    await give_reason(client, desk, "rude")
    ids = [(await give(client, desk, reason=reason))["id"] for reason in ("late", "rude", "late")]

    late = await ask_desk(client, desk, "goodwill?filters[reason][conditions][$is]=late&limit=1")
    rest = await ask_desk(
        client,
        desk,
        f"goodwill?filters[reason][conditions][$is]=late&limit=1&starting_after_id={late['more_starting_after']}",
    )

    assert [entry["id"] for entry in late["data"] + rest["data"]] == [ids[2], ids[0]]
    assert (late["has_more"], rest["has_more"]) == (True, False)
