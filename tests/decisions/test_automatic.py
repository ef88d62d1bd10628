"""Codes that support gave for the next order: used without being named, and never at the cost of anything else."""

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient, Limits
from voucherify import ApiClient, RedemptionsApi, ValidationsApi
from voucherify.models import RedemptionsRedeemRequestBody, ValidationsValidateRequestBody

from app.kit.db import Database
from tests.factories.access import ProjectKeys, give_project
from tests.factories.carts import SHIRT, cart, line, redeem, roll_back, try_to_redeem, validate
from tests.factories.commerce import give_customer, give_product
from tests.factories.goodwill import Desk, ask_desk, give, give_desk
from tests.factories.incentives import ask, give_coupon
from tests.factories.rules import give_rule, rule_of
from tests.factories.stacking import give_category, give_stacking_rules

ADA = {"source_id": "ada", "email": "ada@example.com"}


@pytest.fixture
async def desk(client: AsyncClient, db: Database, project: ProjectKeys) -> Desk:
    return await give_desk(client, db, project)


def applied(answer: dict[str, Any]) -> list[tuple[str, bool]]:
    """What applies, and whether nobody named it."""
    return [(each["id"], each.get("automatic", False)) for each in answer["redeemables"]]


async def test_it_is_used_next_to_a_named_code_and_shown_in_the_answer(
    client: AsyncClient, project: ProjectKeys, desk: Desk
) -> None:
    given = await give(client, desk, auto_apply=True)
    await give_coupon(client, project, "TEN")

    shown = await validate(client, project, cart("TEN", customer=ADA))
    redeemed = await redeem(client, project, cart("TEN", customer=ADA))
    next_order = await validate(client, project, cart("TEN", customer=ADA))

    assert applied(shown) == [("TEN", False), (given["code"], True)]
    assert shown["order"]["total_discount_amount"] == 200 + 500
    assert redeemed["order"]["total_amount"] == 1300
    assert {each["voucher"]["code"] for each in redeemed["redemptions"]} == {"TEN", given["code"]}
    assert applied(next_order) == [("TEN", False)]
    assert (await ask_desk(client, desk, f"goodwill/{given['id']}"))["state"] == "USED"


@pytest.mark.parametrize(
    "customer",
    [{"email": "Ada@Example.com"}, {"source_id": "new-account", "email": "ada@example.com"}, {"source_id": "known"}],
)
async def test_no_code_has_to_be_named_and_the_customer_is_known_by_mail_address_too(
    client: AsyncClient, db: Database, project: ProjectKeys, desk: Desk, customer: dict[str, Any]
) -> None:
    given = await give(client, desk, auto_apply=True)
    await give_customer(db, project, source_id="known", email="ada@example.com")

    shown = await validate(client, project, cart(customer=customer))
    redeemed = await redeem(client, project, cart(customer=customer))

    assert applied(shown) == [(given["code"], True)]
    assert redeemed["order"]["total_amount"] == 1500


async def test_a_cart_without_codes_of_a_customer_without_goodwill_has_nothing_to_redeem(
    client: AsyncClient, project: ProjectKeys, desk: Desk
) -> None:
    await give(client, desk, auto_apply=True)
    bob = cart(customer={"source_id": "bob", "email": "bob@example.com"})

    shown = await validate(client, project, bob)
    refused = await try_to_redeem(client, project, bob)
    anonymous = await client.post("/v1/validations", json=cart(), headers=project.server)

    assert (shown["valid"], shown["redeemables"]) == (False, [])
    assert (refused.status_code, refused.json()["key"]) == (400, "invalid_payload")
    assert (anonymous.status_code, anonymous.json()["errors"][0]["path"]) == (400, "redeemables")


async def test_it_neither_saves_nor_spoils_a_request_whose_own_code_fails(
    client: AsyncClient, project: ProjectKeys, desk: Desk
) -> None:
    given = await give(client, desk, auto_apply=True)

    refused = await try_to_redeem(client, project, cart("UNKNOWN", customer=ADA))

    assert refused.json()["key"] == "not_found"
    assert (await ask_desk(client, desk, f"goodwill/{given['id']}"))["state"] == "ACTIVE"


async def test_what_does_not_apply_by_itself_is_left_out_without_a_word(
    client: AsyncClient, db: Database, project: ProjectKeys, desk: Desk
) -> None:
    await give_product(db, project, source_id="hat")
    await give(client, desk, auto_apply=True, products=["hat"])
    await give_coupon(client, project, "TEN")

    shown = await validate(client, project, cart("TEN", customer=ADA))
    with_hat = await validate(client, project, cart("TEN", items=[SHIRT, line("hat", 400)], customer=ADA))

    assert applied(shown) == [("TEN", False)]
    assert "skipped_redeemables" not in shown
    assert "inapplicable_redeemables" not in shown
    assert len(with_hat["redeemables"]) == 2


async def test_it_never_takes_the_place_of_a_named_code(client: AsyncClient, project: ProjectKeys, desk: Desk) -> None:
    codes = [f"TEN-{number}" for number in range(5)]  # as many as apply together by default
    for code in codes:
        await give_coupon(client, project, code)
    given = await give(client, desk, auto_apply=True)

    full = await validate(client, project, cart(*codes, customer=ADA))
    with_room = await validate(client, project, cart(*codes[:4], customer=ADA))

    assert applied(full) == [(code, False) for code in codes]
    assert (given["code"], True) in applied(with_room)


async def test_it_never_spoils_the_condition_of_a_named_code(
    client: AsyncClient, db: Database, project: ProjectKeys, desk: Desk
) -> None:
    rule = await give_rule(client, project, rules=rule_of("order.amount", "$more_than_or_equal", 2000))
    first, second = await give_category(client, project, "First", 0), await give_category(client, project, "Last", 9)
    await give_coupon(client, project, "TEN", category_id=second["id"], validation_rules=[rule["id"]])
    given = await give(client, desk, auto_apply=True)
    await ask(client, project, "PUT", f"/v1/vouchers/{given['code']}", {"category_id": first["id"]})
    await give_stacking_rules(
        db, project, redeemables_application_mode="ALL", redeemables_sorting_rule="CATEGORY_HIERARCHY"
    )

    together = await validate(client, project, cart(given["code"], "TEN", customer=ADA))
    shown = await validate(client, project, cart("TEN", customer=ADA))

    assert not together["valid"]
    assert applied(shown) == [("TEN", False)]


async def test_it_can_be_named_and_is_then_used_once(client: AsyncClient, project: ProjectKeys, desk: Desk) -> None:
    given = await give(client, desk, auto_apply=True)

    by_code = await validate(client, project, cart(given["code"], customer=ADA))
    by_id = await validate(client, project, cart(given["voucher_id"], customer=ADA))

    assert applied(by_code) == [(given["code"], False)]
    assert applied(by_id) == [(given["voucher_id"], False)]
    assert by_id["order"]["total_discount_amount"] == 500


async def test_the_best_deal_has_it(client: AsyncClient, project: ProjectKeys, desk: Desk) -> None:
    given = await give(client, desk, auto_apply=True)
    await give_coupon(client, project, "TEN")

    shown = await validate(client, project, cart("TEN", customer=ADA, options={"best_deal": True}))

    assert {code for code, _ in applied(shown)} == {"TEN", given["code"]}
    assert shown["order"]["total_discount_amount"] == 700


async def test_a_rollback_gives_it_back_for_the_next_order(
    client: AsyncClient, project: ProjectKeys, desk: Desk
) -> None:
    given = await give(client, desk, auto_apply=True)
    redeemed = await redeem(client, project, cart(customer=ADA))

    await roll_back(client, project, redeemed["redemptions"][0]["id"])

    assert applied(await validate(client, project, cart(customer=ADA))) == [(given["code"], True)]


async def test_what_was_cancelled_or_has_ended_is_not_used(
    client: AsyncClient, project: ProjectKeys, desk: Desk
) -> None:
    cancelled, ended = await give(client, desk, auto_apply=True), await give(client, desk, auto_apply=True)
    await ask_desk(client, desk, f"goodwill/{cancelled['id']}/cancel", "POST")
    past = {"expiration_date": "2020-01-01T00:00:00Z"}
    await ask(client, project, "PUT", f"/v1/vouchers/{ended['code']}", past)

    assert not (await validate(client, project, cart(customer=ADA)))["valid"]


async def test_what_ends_first_is_used_first_when_there_are_many(
    client: AsyncClient, project: ProjectKeys, desk: Desk
) -> None:
    dates = [f"2090-0{month}-01T00:00:00Z" for month in (7, 2, 6, 3, 5, 4, 8)]
    codes = {date: (await give(client, desk, auto_apply=True, expiration_date=date))["code"] for date in dates}
    small = {"items": [line("shirt", 9000)]}

    shown = await validate(client, project, cart(**small, customer=ADA))

    assert [code for code, _ in applied(shown)] == [codes[date] for date in sorted(dates)[:5]]


async def test_a_gift_card_does_not_pay_unasked(client: AsyncClient, desk: Desk) -> None:
    body = {"customer": ADA, "reason": "late", "agent": "Grace", "gift": {"amount": 500}, "auto_apply": True}

    answer = await client.post("/x/v1/support/goodwill", json=body, headers=desk.headers)

    assert (answer.status_code, answer.json()["key"]) == (400, "invalid_payload")


async def test_two_carts_at_once_use_it_once(
    live_server: str, client: AsyncClient, project: ProjectKeys, desk: Desk
) -> None:
    await give(client, desk, auto_apply=True)
    await give_coupon(client, project, "TEN")

    async with AsyncClient(base_url=live_server, limits=Limits(max_connections=20), timeout=60) as http:
        answers = await asyncio.gather(*(try_to_redeem(http, project, cart("TEN", customer=ADA)) for _ in range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert sorted(answer.json()["order"]["total_amount"] for answer in answers) == [1300] + [1800] * 19


async def test_the_official_client_gets_it_without_naming_it(
    voucherify_client: ApiClient, client: AsyncClient, desk: Desk
) -> None:
    given = await give(client, desk, auto_apply=True)
    body = cart(customer=ADA)

    validated = ValidationsApi(voucherify_client).validate_stacked_discounts(
        ValidationsValidateRequestBody.from_dict(body)
    )
    redeemed = RedemptionsApi(voucherify_client).redeem_stacked_discounts(RedemptionsRedeemRequestBody.from_dict(body))

    assert [each.id for each in validated.redeemables] == [given["code"]]
    assert redeemed.redemptions[0].voucher.code == given["code"]
    assert redeemed.order.total_amount == 1500


async def test_a_session_holds_it_for_its_own_redemption(client: AsyncClient, project: ProjectKeys, desk: Desk) -> None:
    given = await give(client, desk, auto_apply=True)
    held = await validate(client, project, cart(customer=ADA, session={"type": "LOCK", "ttl": 60}))

    elsewhere = await validate(client, project, cart(customer=ADA))
    redeemed = await redeem(client, project, cart(customer=ADA, session=held["session"]))

    assert applied(held) == [(given["code"], True)]
    assert not elsewhere["valid"]
    assert redeemed["order"]["total_amount"] == 1500


async def test_it_waits_for_an_order_in_the_currency_it_was_given_in(client: AsyncClient, db: Database) -> None:
    project = await give_project(db, currency="EUR")
    given = await give(client, await give_desk(client, db, project), auto_apply=True)
    await give_coupon(client, project, "TEN")

    in_dollars = await validate(client, project, cart("TEN", customer=ADA, order={"currency": "USD"}))
    named = await validate(client, project, cart(given["code"], customer=ADA, order={"currency": "USD"}))
    in_euros = await validate(client, project, cart("TEN", customer=ADA, order={"currency": "EUR"}))

    assert "5.00 EUR" in given["text"]
    assert applied(in_dollars) == [("TEN", False)]
    assert named["redeemables"][0]["result"]["error"]["key"] == "currency_mismatch"
    assert applied(in_euros) == [("TEN", False), (given["code"], True)]
