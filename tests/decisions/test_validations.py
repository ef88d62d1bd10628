"""POST /v1/validations: what a cart would cost, and why not."""

from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient
from voucherify.models import ValidationsValidateResponseBody

from app.kit import clock
from app.kit.db import Database
from tests.factories.access import ProjectKeys, give_project
from tests.factories.carts import cart, line, validate
from tests.factories.pools import give_pool, give_voucher
from tests.factories.rules import give_assignment, give_rule, rule_of


def only_error(answer: dict[str, Any]) -> dict[str, Any]:
    """The error of the one redeemable that did not apply, told in both lists."""
    assert answer["valid"] is False
    assert answer["redeemables"] == answer["inapplicable_redeemables"]
    assert [redeemable["status"] for redeemable in answer["redeemables"]] == ["INAPPLICABLE"]
    error: dict[str, Any] = answer["redeemables"][0]["result"]["error"]
    return error


async def test_a_stack_shows_the_running_order_after_each_code(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    for code, discount in (
        ("HUNDRED", {"type": "AMOUNT", "amount_off": 100, "effect": "APPLY_TO_ORDER"}),
        ("FIFTH", {"type": "PERCENT", "percent_off": 20, "effect": "APPLY_TO_ORDER"}),
        ("EIGHTY", {"type": "AMOUNT", "amount_off": 8000, "effect": "APPLY_TO_ORDER"}),
    ):
        await give_voucher(db, project, code=code, discount=discount)

    answer = await validate(client, project, cart("HUNDRED", "FIFTH", "EIGHTY", items=[line("sofa", 200000)]))

    # Contract, surface.md section 6: 199900, then 39980 off, then 151920 left.
    orders = [redeemable["order"] for redeemable in answer["redeemables"]]
    assert [order["total_amount"] for order in orders] == [199900, 159920, 151920]
    assert [order["applied_discount_amount"] for order in orders] == [100, 39980, 8000]
    assert [order["discount_amount"] for order in orders] == [100, 40080, 48080]
    assert answer["order"]["total_applied_discount_amount"] == 48080
    assert ValidationsValidateResponseBody.from_dict(answer) is not None


async def test_an_unknown_code_is_answered_like_another_projects_code(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    other = await give_project(db)
    foreign = await give_voucher(db, other, code="THEIRS")

    unknown = only_error(await validate(client, project, cart("NOBODYS")))
    theirs = only_error(await validate(client, project, cart("THEIRS")))
    by_id = only_error(await validate(client, project, cart(foreign.id)))

    for error, name in ((unknown, "NOBODYS"), (theirs, "THEIRS"), (by_id, foreign.id)):
        assert (error["code"], error["key"], error["resource_type"]) == (404, "not_found", "voucher")
        assert error["resource_id"] == name
        assert error["details"] == f"Cannot find voucher with id {name}"


@pytest.mark.parametrize(
    ("columns", "key"),
    [
        ({"active": False}, "voucher_disabled"),
        ({"start_date": clock.now() + timedelta(days=1)}, "voucher_not_active"),
        ({"expiration_date": clock.now() - timedelta(seconds=1)}, "voucher_expired"),
        ({"redemption_quantity": 0}, "quantity_exceeded"),
    ],
)
async def test_a_voucher_that_cannot_be_used_says_why(
    client: AsyncClient, db: Database, project: ProjectKeys, columns: dict[str, Any], key: str
) -> None:
    voucher = await give_voucher(db, project, **columns)

    answer = await validate(client, project, cart(voucher.code))

    assert only_error(answer)["key"] == key
    assert ValidationsValidateResponseBody.from_dict(answer) is not None


async def test_a_disabled_campaign_closes_all_its_codes(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project, active=False)
    voucher = await give_voucher(db, project, campaign_id=campaign.id)

    assert only_error(await validate(client, project, cart(voucher.code)))["key"] == "voucher_disabled"


async def test_a_code_is_found_by_its_id_and_whatever_its_case_where_case_does_not_matter(
    client: AsyncClient, db: Database
) -> None:
    project = await give_project(db, case_sensitive_codes=False)
    voucher = await give_voucher(db, project, code="Spring-26")

    for name in ("Spring-26", "SPRING-26", "spring-26", voucher.id):
        assert (await validate(client, project, cart(name)))["valid"] is True


async def test_case_matters_where_the_project_says_so(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_voucher(db, project, code="Spring-26")

    assert (await validate(client, project, cart("Spring-26")))["valid"] is True
    assert only_error(await validate(client, project, cart("SPRING-26")))["key"] == "not_found"


async def test_one_failure_skips_what_comes_after_it(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    first, last = await give_voucher(db, project), await give_voucher(db, project)

    answer = await validate(client, project, cart(first.code, "NOBODYS", last.code))

    assert answer["valid"] is False
    assert [redeemable["status"] for redeemable in answer["redeemables"]] == ["APPLICABLE", "INAPPLICABLE", "SKIPPED"]
    assert answer["skipped_redeemables"][0]["result"]["details"]["key"] == "preceding_validation_failed"
    assert ValidationsValidateResponseBody.from_dict(answer) is not None


async def test_the_custom_message_of_a_rule_reaches_the_shopper(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    voucher = await give_voucher(db, project)
    rules = rule_of("order.amount", "$more_than", 5000, error={"message": "Spend a little more."})
    rule = await give_rule(client, project, rules=rules, error={"message": "Not today."})
    await give_assignment(client, project, rule["id"], "voucher", voucher.id)

    answer = await validate(client, project, cart(voucher.code))

    error = only_error(answer)
    assert error["key"] == "order_rules_violated"
    assert error["error"] == {"message": "Spend a little more."}
    assert answer["redeemables"][0]["result"]["details"]["message"] == "Spend a little more."
    assert rule["id"] in error["details"]
    assert (await validate(client, project, cart(voucher.code, items=[line("shirt", 5001)])))["valid"] is True


async def test_the_trace_names_what_was_seen_and_what_would_help(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    voucher = await give_voucher(db, project)
    rule = await give_rule(client, project, rules=rule_of("order.amount", "$more_than_or_equal", 5000))
    await give_assignment(client, project, rule["id"], "voucher", voucher.id)
    body = cart(voucher.code, items=[line("shirt", 2000, 2)])

    answer = await validate(client, project, body, **{"X-Guerdon-Explain": "true"})

    (finding,) = answer["trace"][0]["findings"]
    assert (finding["fact"], finding["seen"], finding["holds"]) == ("order.amount", 4000, False)
    assert "1000" in finding["counterfactual"]
    assert "trace" not in await validate(client, project, body)


async def test_a_discount_on_lines_touches_only_the_lines_its_rule_names(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    discount = {"type": "PERCENT", "percent_off": 50, "effect": "APPLY_TO_ITEMS"}
    voucher = await give_voucher(db, project, discount=discount)
    included = [{"object": "product", "id": "hat", "effect": "APPLY_TO_EVERY"}]
    rule = await give_rule(client, project, rules={"logic": ""}, applicable_to={"included": included})
    await give_assignment(client, project, rule["id"], "voucher", voucher.id)

    answer = await validate(client, project, cart(voucher.code, items=[line("hat", 1001), line("shirt", 2000)]))

    hat, shirt = answer["order"]["items"]
    assert (hat["discount_amount"], hat["subtotal_amount"]) == (501, 500)
    assert "discount_amount" not in shirt
    assert answer["order"]["items_discount_amount"] == answer["order"]["total_discount_amount"] == 501
    assert answer["redeemables"][0]["applicable_to"]["data"][0]["id"] == "hat"
    assert ValidationsValidateResponseBody.from_dict(answer) is not None


async def test_validating_uses_nothing_up(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    voucher = await give_voucher(db, project, redemption_quantity=1)

    answers = [await validate(client, project, cart(voucher.code)) for _ in range(3)]

    assert [answer["valid"] for answer in answers] == [True, True, True]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"redeemables": []}, "redeemables"),
        ({"redeemables": [{"object": "voucher", "id": f"C{n}"} for n in range(31)]}, "redeemables"),
        ({"redeemables": [{"object": "coupon", "id": "A"}]}, "redeemables[0].object"),
        ({"redeemables": [{"object": "voucher"}]}, "redeemables[0].id"),
        ({"order": {"items": [line("shirt", -1)]}}, "order.items[0].price"),
        ({"order": {"items": [line("shirt", 1, -1)]}}, "order.items[0].quantity"),
        ({"order": {"items": [line("shirt", 1)] * 501}}, "order.items"),
        ({"order": {"amount": 2**63}}, "order.amount"),
        ({"order": {"items": [line("shirt", 2**62, 4)]}}, "order.items[0]"),
        ({"session": {"type": "OPEN"}}, "session.type"),
        ({"session": {"key": ""}}, "session.key"),
        ({"session": {"key": "k" * 256}}, "session.key"),
        ({"session": {"ttl": 0}}, "session.ttl"),
        ({"session": {"ttl": True}}, "session.ttl"),
        ({"session": {"ttl": 367}}, "session.ttl"),
        ({"session": {"ttl": 1, "ttl_unit": "WEEKS"}}, "session.ttl_unit"),
        ({"customer": {"source_id": "x\u0000"}}, "customer.source_id"),
    ],
)
async def test_a_request_that_means_nothing_is_refused_with_its_path(
    client: AsyncClient, project: ProjectKeys, change: dict[str, Any], path: str
) -> None:
    response = await client.post("/v1/validations", json=cart("A") | change, headers=project.server)

    assert response.status_code == 400
    assert response.json()["key"] == "invalid_payload"
    assert response.json()["errors"][0]["path"] == path


async def test_a_redeemable_named_twice_is_refused_even_under_two_names(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    voucher = await give_voucher(db, project)

    response = await client.post("/v1/validations", json=cart(voucher.code, voucher.id), headers=project.server)

    assert (response.status_code, response.json()["key"]) == (400, "duplicated_redeemables")


async def test_an_unknown_customer_is_taken_as_given_and_not_kept(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    voucher = await give_voucher(db, project)
    rule = await give_rule(client, project, rules=rule_of("customer.metadata", "$is", "gold", property="tier"))
    await give_assignment(client, project, rule["id"], "voucher", voucher.id)
    gold = {"source_id": "new", "metadata": {"tier": "gold"}}

    assert (await validate(client, project, cart(voucher.code, customer=gold)))["valid"] is True
    assert only_error(await validate(client, project, cart(voucher.code)))["code"] == 400
    assert (await client.get("/v1/customers/new", headers=project.server)).status_code == 404


async def test_a_customer_id_that_the_project_does_not_have_is_404(client: AsyncClient, project: ProjectKeys) -> None:
    body = cart("A", customer={"id": "cust_nobody"})

    response = await client.post("/v1/validations", json=body, headers=project.server)

    assert (response.status_code, response.json()["resource_type"]) == (404, "customer")
