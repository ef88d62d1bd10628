"""Discounts by formula over HTTP: checked when saved, computed at the checkout, told in the answer."""

from typing import Any

import pytest
from httpx import AsyncClient
from voucherify.models.validations_validate_response_body import ValidationsValidateResponseBody

from app.kit.db import Database
from tests.factories.access import ProjectKeys
from tests.factories.carts import cart, line, redeem, validate
from tests.factories.incentives import ask, give_coupon
from tests.factories.pools import give_voucher
from tests.factories.rules import give_assignment, give_rule


def shown_discount(answer: dict[str, Any]) -> dict[str, Any]:
    """The discount of the one redeemable that applies."""
    assert ValidationsValidateResponseBody.from_dict(answer) is not None
    discount: dict[str, Any] = answer["redeemables"][0]["result"]["discount"]
    return discount


async def refused(client: AsyncClient, project: ProjectKeys, path: str, body: dict[str, Any]) -> str:
    """What a refusal says in detail."""
    response = await client.post(path, json=body, headers=project.server)
    assert response.status_code == 400, response.text
    details: str = response.json()["details"]
    return details


async def test_a_formula_is_kept_as_written_and_computed_for_the_order(
    client: AsyncClient, project: ProjectKeys
) -> None:
    formula = "IF(ORDER_AMOUNT > 200; ORDER_AMOUNT * 0.1; 5)"
    discount = {"type": "AMOUNT", "amount_off": 100, "amount_off_formula": formula}
    coupon = await give_coupon(client, project, "TENTH", discount=discount)

    large = await validate(client, project, cart("TENTH", items=[line("sofa", 300_55)]))
    small = await validate(client, project, cart("TENTH", items=[line("mug", 50_00)]))

    assert coupon["discount"] == {**discount, "effect": "APPLY_TO_ORDER"}
    assert shown_discount(large) == {**coupon["discount"], "amount_off": 30_06, "is_dynamic": True}
    assert large["order"]["total_applied_discount_amount"] == 30_06
    assert small["order"]["total_applied_discount_amount"] == 5_00


async def test_the_fixed_figure_is_taken_and_nothing_called_dynamic_where_metadata_are_missing(
    client: AsyncClient, project: ProjectKeys
) -> None:
    discount = {"type": "PERCENT", "percent_off": 10, "percent_off_formula": 'ORDER_METADATA("level") * 5'}
    await give_coupon(client, project, "LEVEL", discount=discount)
    body = cart("LEVEL", items=[line("sofa", 100_00)])

    missing = await validate(client, project, body)
    body["order"]["metadata"] = {"level": 3}
    given = await validate(client, project, body)

    assert missing["order"]["total_discount_amount"] == 10_00
    assert "is_dynamic" not in shown_discount(missing)
    assert given["order"]["total_discount_amount"] == 15_00
    assert shown_discount(given)["percent_off"] == 15


async def test_a_bad_formula_is_refused_with_its_field_and_the_place_in_it(
    client: AsyncClient, project: ProjectKeys
) -> None:
    discount = {"type": "AMOUNT", "amount_off": 100, "amount_off_formula": "ORDER_AMOUNT * (1 + "}

    answer = await refused(client, project, "/v1/vouchers/BAD", {"discount": discount})

    assert "amount_off_formula" in answer
    assert "Character 21: expected a value or (, but the formula ends." in answer


async def test_a_formula_asks_about_the_code_its_publication_and_its_buyer(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    formula = (
        "VOUCHER_REDEMPTION_QUANTITY * 100 + VOUCHER_REDEEMED_QUANTITY * 10 + VOUCHER_PUBLISH_COUNT"
        ' + PUBLICATION_METADATA("extra") + REDEEMABLE_METADATA("base") + CUSTOMER_METADATA("bonus")'
        ' + REDEMPTION_METADATA("till") + IF(VOUCHER_EXPIRATION_DATE IS_AFTER TODAY; 0.01; 0)'
    )
    coupon = await give_coupon(
        client,
        project,
        "ALL",
        discount={"type": "AMOUNT", "amount_off": 1, "amount_off_formula": formula},
        redemption={"quantity": 3},
        metadata={"base": 2000},
        expiration_date="2099-01-01T00:00:00Z",
    )
    await ask(
        client,
        project,
        "POST",
        "/v1/publications",
        {"customer": {"source_id": "ada"}, "voucher": "ALL", "metadata": {"extra": 0.5}},
    )
    body = cart("ALL", items=[line("sofa", 9000_00)], metadata={"till": 4000})
    body["customer"] = {"source_id": "ada", "metadata": {"bonus": 0.2}}

    first = await redeem(client, project, body)
    second = await validate(client, project, body)

    # 300 + 0 + 1 + 0.50 + 2000 + 0.20 + 4000 + 0.01
    assert first["order"]["total_discount_amount"] == 6301_71
    assert second["order"]["total_discount_amount"] == 6311_71
    assert coupon["code"] == "ALL"


async def test_the_price_of_a_target_is_a_formula_or_a_number_and_shown_as_it_was_sent(
    plain_client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    entries: list[dict[str, Any]] = [
        {"object": "product", "id": "sofa", "price": 1_00, "price_formula": "ORDER_ITEM_PRICE * 0.9"},
        {"object": "product", "id": "mug", "price_formula": 2.5},
    ]
    rule = await give_rule(plain_client, project, rules={}, applicable_to={"included": entries})
    voucher = await give_voucher(
        db, project, code="NINE", discount={"type": "FIXED", "fixed_amount": 9, "effect": "APPLY_TO_ITEMS"}
    )
    await give_assignment(plain_client, project, rule["id"], "voucher", voucher.id)

    answer = await validate(plain_client, project, cart("NINE", items=[line("sofa", 100_00), line("mug", 10_00, 2)]))

    assert [item["discount_amount"] for item in answer["order"]["items"]] == [10_00, 15_00]
    shown = [entry["price_formula"] for entry in answer["redeemables"][0]["applicable_to"]["data"]]
    assert shown == ["ORDER_ITEM_PRICE * 0.9", 2.5]


@pytest.mark.parametrize("field", ["price_formula", "product_campaign_quantity_limit_formula"])
async def test_a_bad_formula_of_a_target_is_refused_when_the_rule_is_saved(
    client: AsyncClient, project: ProjectKeys, field: str
) -> None:
    entry = {"object": "product", "id": "sofa", field: "1 +"}

    answer = await refused(
        client, project, "/v1/validation-rules", {"rules": {}, "applicable_to": {"included": [entry]}}
    )

    assert field in answer
    assert "Character 4" in answer
