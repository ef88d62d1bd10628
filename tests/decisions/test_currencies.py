"""Orders in several currencies: amounts of each, counts of each, and nothing converted."""

from typing import Any

import pytest
from httpx import AsyncClient

from app.kit.db import Database
from app.ledger.doctor import examine
from tests.factories.access import ProjectKeys, give_project
from tests.factories.carts import cart, line, redeem, roll_back, try_to_redeem, validate
from tests.factories.gifts import give_card, give_gift_campaign
from tests.factories.incentives import ask, give_campaign, give_coupon
from tests.factories.promotions import give_promotion, tier_of
from tests.factories.rules import give_assignment, give_rule, rule_of

IN_DOLLARS = {"type": "AMOUNT", "amount_off": 500, "currencies": {"USD": {"amount_off": 600}}}


@pytest.fixture
async def shop(db: Database) -> ProjectKeys:
    """A project in euros."""
    return await give_project(db, currency="EUR")


def in_currency(currency: str | None, *codes: str, amount: int = 2000, **members: Any) -> dict[str, Any]:
    order = {"currency": currency} if currency else {}
    return cart(*codes, items=[line("shirt", amount)], order=order, **members)


async def taken_off(client: AsyncClient, shop: ProjectKeys, body: dict[str, Any]) -> int:
    answer = await validate(client, shop, body)
    assert answer["valid"], answer["redeemables"]
    amount: int = answer["order"]["total_discount_amount"]
    return amount


async def refusal(client: AsyncClient, shop: ProjectKeys, body: dict[str, Any]) -> tuple[str, str]:
    """Key and details of what the only redeemable is refused for."""
    answer = await validate(client, shop, body)
    assert not answer["valid"], answer
    error = answer["redeemables"][0]["result"]["error"]
    return error["key"], error["details"]


@pytest.mark.parametrize(
    ("discount", "euros", "dollars"),
    [
        (IN_DOLLARS, 500, 600),
        ({"type": "FIXED", "fixed_amount": 1900, "currencies": {"USD": {"fixed_amount": 1700}}}, 100, 300),
        (
            {"type": "PERCENT", "percent_off": 50, "amount_limit": 100, "currencies": {"USD": {"amount_limit": 120}}},
            100,
            120,
        ),
        ({"type": "PERCENT", "percent_off": 50, "amount_limit": 100, "currencies": {"USD": {}}}, 100, 1000),
        ({"type": "PERCENT", "percent_off": 10}, 200, 200),
        (
            {
                "type": "AMOUNT",
                "amount_off": 500,
                "currencies": {"USD": {"amount_off": 1, "amount_off_formula": "ORDER_AMOUNT / 4"}},
            },
            500,
            500,
        ),
    ],
)
async def test_a_discount_takes_off_what_it_is_in_the_currency_of_the_order(
    client: AsyncClient, shop: ProjectKeys, discount: dict[str, Any], euros: int, dollars: int
) -> None:
    await give_coupon(client, shop, "CODE", discount={"effect": "APPLY_TO_ORDER", **discount})

    assert await taken_off(client, shop, in_currency(None, "CODE")) == euros
    assert await taken_off(client, shop, in_currency("EUR", "CODE")) == euros
    assert await taken_off(client, shop, in_currency("USD", "CODE")) == dollars


@pytest.mark.parametrize(
    "discount",
    [
        IN_DOLLARS,
        {"type": "FIXED", "fixed_amount": 1900},
        {"type": "PERCENT", "percent_off": 50, "amount_limit": 100},
        {"type": "PERCENT", "percent_off": 50, "aggregated_amount_limit": 100, "currencies": {"USD": {}}},
    ],
)
async def test_a_discount_without_an_amount_in_the_currency_is_refused_naming_both(
    client: AsyncClient, shop: ProjectKeys, discount: dict[str, Any]
) -> None:
    await give_coupon(client, shop, "CODE", discount={"effect": "APPLY_TO_ORDER", **discount})

    key, details = await refusal(client, shop, in_currency("GBP", "CODE"))
    attempt = await try_to_redeem(client, shop, in_currency("GBP", "CODE"))

    assert key == "currency_mismatch"
    assert "GBP" in details
    assert "EUR" in details
    assert (attempt.status_code, attempt.json()["key"]) == (400, "currency_mismatch")


async def test_the_currency_may_be_written_in_small_letters_and_is_shown_in_capitals(
    client: AsyncClient, shop: ProjectKeys
) -> None:
    await give_coupon(client, shop, "CODE", discount=IN_DOLLARS)

    answer = await validate(client, shop, in_currency("usd", "CODE"))

    assert (answer["order"]["currency"], answer["order"]["total_discount_amount"]) == ("USD", 600)


async def test_a_redeemed_order_keeps_its_currency_and_is_not_taken_for_another(
    client: AsyncClient, shop: ProjectKeys
) -> None:
    await give_coupon(client, shop, "CODE", discount=IN_DOLLARS)
    redeemed = await redeem(client, shop, in_currency("USD", "CODE"))
    order_id = redeemed["order"]["id"]

    kept = await ask(client, shop, "GET", f"/v1/orders/{order_id}")
    again = await try_to_redeem(client, shop, {**cart("CODE"), "order": {"id": order_id, "currency": "EUR"}})
    unsaid = await validate(client, shop, {**cart("CODE"), "order": {"id": order_id}})

    assert (redeemed["order"]["currency"], kept["currency"]) == ("USD", "USD")
    assert (again.status_code, again.json()["key"]) == (400, "currency_mismatch")
    assert "EUR" in again.json()["details"]
    assert "USD" in again.json()["details"]
    assert unsaid["order"]["currency"] == "USD"


async def test_budgets_of_two_currencies_never_add_up(client: AsyncClient, db: Database, shop: ProjectKeys) -> None:
    rules = rule_of(
        "campaign.orders.amount_discounted",
        "$less_than_or_equal",
        1000,
        currencies={"USD": {"conditions": {"$less_than_or_equal": [1200]}}},
    )
    campaign = await give_campaign(client, shop, voucher={"discount": IN_DOLLARS})
    for code in ("A", "B", "C"):
        await ask(client, shop, "POST", f"/v1/campaigns/{campaign['id']}/vouchers/{code}", {})
    rule = await give_rule(client, shop, rules=rules)
    await give_assignment(client, shop, rule["id"], "campaign", campaign["id"])

    async def tried(currency: str) -> int:
        response = await try_to_redeem(client, shop, in_currency(currency, "A"))
        return response.status_code

    in_euros = [await tried("EUR") for _ in range(3)]
    in_dollars = [await redeem(client, shop, in_currency("USD", "B")) for _ in range(2)]
    refused = await try_to_redeem(client, shop, in_currency("USD", "C"))
    taken_back = await roll_back(client, shop, in_dollars[0]["redemptions"][0]["id"])
    after = await try_to_redeem(client, shop, in_currency("USD", "C"))
    euros_after = await tried("EUR")

    assert in_euros == [200, 200, 400]
    assert (refused.status_code, refused.json()["key"]) == (400, "redemption_rules_violated")
    assert (taken_back.status_code, after.status_code, euros_after) == (200, 200, 400)
    assert await examine(db, shop.public_id) == []


async def test_a_rule_that_asks_for_an_amount_does_not_hold_for_orders_in_a_currency_it_has_none_for(
    client: AsyncClient, shop: ProjectKeys
) -> None:
    rules = rule_of("order.amount", "$more_than", 1000, currencies={"USD": {"conditions": {"$more_than": [3000]}}})
    rule = await give_rule(client, shop, rules=rules)
    await give_coupon(client, shop, "CODE", validation_rules=[rule["id"]])

    assert rule["rules"]["1"]["currencies"] == {"USD": {"conditions": {"$more_than": [3000]}}}
    assert await taken_off(client, shop, in_currency("EUR", "CODE")) == 200
    assert (await refusal(client, shop, in_currency("USD", "CODE")))[0] == "order_rules_violated"
    assert await taken_off(client, shop, in_currency("USD", "CODE", amount=4000)) == 400
    key, details = await refusal(client, shop, in_currency("GBP", "CODE", amount=4000))
    assert key == "currency_mismatch"
    assert "GBP" in details
    assert "EUR" in details


async def test_a_rule_that_does_not_need_the_amount_holds_in_any_currency(
    client: AsyncClient, shop: ProjectKeys
) -> None:
    either = {
        "1": {"name": "order.amount", "conditions": {"$more_than": [100]}, "rules": {}},
        "2": {"name": "order.items.count", "conditions": {"$more_than": [0]}, "rules": {}},
        "3": {"name": "order.amount", "conditions": {"$more_than": [0]}, "rules": {}},
        "logic": "(1 or 2) and 3",
    }
    rule = await give_rule(client, shop, rules=either)
    await give_coupon(client, shop, "CODE", validation_rules=[rule["id"]])

    assert await taken_off(client, shop, in_currency("GBP", "CODE")) == 200


async def test_caps_of_targets_are_those_of_the_currency(client: AsyncClient, shop: ProjectKeys) -> None:
    entry = {"object": "product", "id": "shirt", "amount_limit": 100, "currencies": {"USD": {"amount_limit": 130}}}
    rule = await give_rule(client, shop, rules={"logic": ""}, applicable_to={"included": [entry]})
    discount = {"type": "PERCENT", "percent_off": 50, "effect": "APPLY_TO_ITEMS"}
    await give_coupon(client, shop, "CODE", discount=discount, validation_rules=[rule["id"]])

    assert await taken_off(client, shop, in_currency("EUR", "CODE")) == 100
    assert await taken_off(client, shop, in_currency("USD", "CODE")) == 130
    assert (await refusal(client, shop, in_currency("GBP", "CODE")))[0] == "currency_mismatch"


async def test_a_gift_card_pays_orders_in_its_own_currency_only(client: AsyncClient, shop: ProjectKeys) -> None:
    made = await give_card(client, shop, "DOLLARS", gift={"currency": "USD"})
    await give_card(client, shop, "EUROS")
    await give_gift_campaign(client, shop, voucher={"gift": {"amount": 5000, "currency": "USD"}})

    paid = await redeem(client, shop, in_currency("USD", "DOLLARS"))
    in_euros = await refusal(client, shop, in_currency(None, "DOLLARS"))
    in_dollars = await refusal(client, shop, in_currency("USD", "EUROS"))

    assert made["gift"]["currency"] == "USD"
    assert paid["order"]["total_amount"] == 0
    assert in_euros == (
        "currency_mismatch",
        "The order is in EUR; the amounts of the gift card are in USD only.",
    )
    assert in_dollars == (
        "currency_mismatch",
        "The order is in USD; the amounts of the gift card are in EUR only.",
    )


async def test_a_price_of_the_catalogue_in_another_currency_is_not_taken_over(
    client: AsyncClient, shop: ProjectKeys
) -> None:
    await ask(client, shop, "POST", "/v1/products", {"source_id": "shirt", "name": "Shirt", "price": 2000})
    sku = {"source_id": "shirt-L", "sku": "L", "price": 2500, "currency": "USD"}
    await ask(client, shop, "POST", "/v1/products/shirt/skus", sku)
    await give_coupon(client, shop, "CODE")

    async def tried(currency: str, **item: Any) -> Any:
        body = {**cart("CODE"), "order": {"currency": currency, "items": [{"quantity": 1, **item}]}}
        return await client.post("/v1/validations", json=body, headers=shop.server)

    shirt, large = {"product_id": "shirt"}, {"source_id": "shirt-L", "related_object": "sku"}
    known = [await tried("EUR", source_id="shirt", related_object="product"), await tried("USD", **large)]
    unknown = [await tried("USD", source_id="shirt", related_object="product"), await tried("EUR", **large)]
    with_price = await tried("EUR", price=2300, **large)

    assert shirt
    assert [answer.json()["order"]["amount"] for answer in known] == [2000, 2500]
    assert [answer.status_code for answer in unknown] == [400, 400]
    assert all("order.items[0].price" in answer.text for answer in unknown)
    assert with_price.json()["order"]["amount"] == 2300


async def test_promotions_are_found_for_orders_in_another_currency(client: AsyncClient, shop: ProjectKeys) -> None:
    rules = rule_of("order.amount", "$more_than", 5000, currencies={"USD": {"conditions": {"$more_than": [1000]}}})
    rule = await give_rule(client, shop, rules=rules)
    await give_promotion(client, shop, tier_of(validation_rules=[rule["id"]], action={"discount": IN_DOLLARS}))
    await give_promotion(client, shop, tier_of(400))

    async def qualified(currency: str) -> list[int]:
        body = {**in_currency(currency), "scenario": "ALL"}
        body.pop("redeemables")
        answer = await ask(client, shop, "POST", "/v1/qualifications", body)
        return [each["order"]["total_discount_amount"] for each in answer["redeemables"]["data"]]

    assert await qualified("EUR") == [400]
    assert await qualified("USD") == [600]
    assert await qualified("GBP") == []


async def test_the_best_deal_is_sought_among_amounts_of_the_currency(client: AsyncClient, shop: ProjectKeys) -> None:
    dear = {"type": "AMOUNT", "amount_off": 100, "effect": "APPLY_TO_ORDER", "currencies": {"USD": {"amount_off": 900}}}
    await give_coupon(client, shop, "DEAR", discount=dear)
    await give_coupon(client, shop, "CODE", discount={"type": "AMOUNT", "amount_off": 700, "effect": "APPLY_TO_ORDER"})

    answer = await validate(client, shop, in_currency("USD", "CODE", "DEAR", options={"best_deal": True}))

    assert [each["id"] for each in answer["redeemables"]] == ["DEAR"]
    assert answer["order"]["total_discount_amount"] == 900


async def test_a_project_without_a_currency_compares_none(client: AsyncClient, project: ProjectKeys) -> None:
    await give_coupon(client, project, "CODE", discount={"type": "AMOUNT", "amount_off": 500})

    redeemed = await redeem(client, project, in_currency("USD", "CODE"))
    refused = await client.post("/v1/vouchers/OTHER", json={"discount": IN_DOLLARS}, headers=project.server)

    assert (redeemed["order"]["currency"], redeemed["order"]["total_discount_amount"]) == ("USD", 500)
    assert refused.status_code == 400
    assert "discount.currencies.USD" in refused.text


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("/v1/orders", {"currency": "XXX", "amount": 5}, "currency"),
        ("/v1/vouchers/C", {"discount": {**IN_DOLLARS, "currencies": {"EUR": {"amount_off": 1}}}}, "discount"),
        ("/v1/vouchers/C", {"discount": {**IN_DOLLARS, "currencies": {"NOPE": {"amount_off": 1}}}}, "discount"),
        ("/v1/vouchers/C", {"discount": {**IN_DOLLARS, "currencies": {"USD": {}}}}, "discount.currencies.USD"),
        (
            "/v1/validation-rules",
            {"rules": rule_of("order.amount", "$is", 1, currencies={"usd": {"conditions": {"$is": [1]}}})},
            "rules.1.currencies.usd",
        ),
        (
            "/v1/validation-rules",
            {"rules": rule_of("order.items.count", "$is", 1, currencies={"USD": {"conditions": {"$is": [1]}}})},
            "rules.1.currencies",
        ),
        (
            "/v1/validation-rules",
            {"rules": rule_of("order.amount", "$is", 1, currencies={"USD": {}})},
            "rules.1.currencies.USD",
        ),
    ],
)
async def test_a_currency_that_means_nothing_is_refused_with_its_path(
    client: AsyncClient, shop: ProjectKeys, path: str, body: dict[str, Any], where: str
) -> None:
    refused = await client.post(path, json=body, headers=shop.server)

    assert refused.status_code == 400, refused.text
    assert where in refused.text
