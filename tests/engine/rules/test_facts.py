from dataclasses import replace
from typing import Any

import pytest

from app.engine.cart import Cart, Customer, Item
from app.engine.rules.registry import FACTS, Json, LimitFact
from tests.engine.rules.subjects import (
    BARE_CART,
    BERLIN,
    CART,
    CUSTOMER,
    HAT,
    MORE_SHIRTS,
    NOW,
    SHIRT,
    ask,
    rule,
    rules,
    subject,
)

# name, property, operator and values that hold for the cart of subjects.py, operator and values that do not
ANSWERS: list[tuple[str, str | None, tuple[Any, ...], tuple[Any, ...]]] = [
    ("customer.segment", None, ("$is", "seg_vip"), ("$is", "seg_old")),
    ("customer.loyalty_tier", None, ("$in", "ltr_gold", "ltr_silver"), ("$is", "ltr_silver")),
    ("customer.metadata", "tier", ("$is", "gold"), ("$is", "silver")),
    ("customer.address.country", None, ("$is", "de"), ("$is", "AT")),
    ("customer.address.state", None, ("$in", "Hessen", "Bayern"), ("$in", "Hessen")),
    ("customer.address.city", None, ("$contains", "MÜNCH"), ("$starts_with", "Berlin")),
    ("customer.address.postal_code", None, ("$starts_with", "80", "81"), ("$starts_with", "10")),
    ("publication.redeemable_by_linked_customer", None, ("$is", True), ()),
    ("order.amount", None, ("$is", 11_500), ("$more_than", 11_500)),
    ("order.initial_amount", None, ("$is", 11_500), ("$less_than", 11_500)),
    ("order.total_amount", None, ("$is", 10_000), ("$is", 11_500)),
    ("order.metadata", "channel", ("$is", "app"), ("$is", "web")),
    ("order.items.count", None, ("$is", 6), ("$is", 3)),
    ("order.items.any", None, ("$is", "prod_hat"), ("$is", "prod_sock")),
    ("order.items.every", None, ("$in", "prod_hat", "prod_shirt"), ("$is", "prod_shirt")),
    ("order.items.none", None, ("$is", "prod_sock"), ("$in", "prod_sock", "sku_hat_m")),
    ("order.items.cheapest", None, ("$is", "prod_hat"), ("$is", "prod_shirt")),
    ("order.items.most_expensive", None, ("$is", "prod_shirt"), ("$is", "prod_hat")),
    ("order.items.price_any", None, ("$less_than", 1600), ("$less_than", 1500)),
    ("order.items.price_each", None, ("$less_than", 2001), ("$less_than", 2000)),
    ("order.items.price", None, ("$is", 1500), ("$is", 1600)),
    ("order.items.quantity", None, ("$is", 3), ("$is", 5)),
    ("order.items.metadata", "gift", ("$is", True), ("$is", False)),
    ("order.items.metadata_any", "gift", ("$is", "true"), ("$is", 1)),
    ("order.items.metadata_each", "gift", ("$is_not", False), ("$is", True)),
    ("order.items.aggregated_quantity", None, ("$is", 6), ("$is", 5)),
    ("order.items.aggregated_amount", None, ("$is", 11_500), ("$is", 1)),
    ("product.id", None, ("$is", "prod_hat"), ("$is", "sku_hat_m")),
    ("product.price", None, ("$is", 1600), ("$is", 1500)),
    ("product.quantity", None, ("$is", 5), ("$is", 2)),
    ("product.metadata", "color", ("$is", "red"), ("$is", "green")),
    ("sku.id", None, ("$is", "sku_hat_m"), ("$is", "prod_hat")),
    ("sku.price", None, ("$is", 1500), ("$is", 2000)),
    ("sku.quantity", None, ("$is", 1), ("$is", 5)),
    ("redemption.metadata", "till", ("$in", 4, 5), ("$is", 3)),
    ("custom_event.metadata", "stars", ("$more_than", 4), ("$is", 4)),
    ("redeemable.metadata", "print", ("$is", "leaflet"), ("$is", "poster")),
    ("redemption.api_key", None, ("$is", "key_1"), ("$is", "key_2")),
    ("redemption.user.login", None, ("$ends_with", "da"), ("$is", "bob")),
    ("redemption.gift.amount", None, ("$less_than_or_equal", 700), ("$less_than", 700)),
    ("redemption.reward.pay_with_points.points_used", None, ("$is", 50), ("$more_than", 50)),
]


@pytest.mark.parametrize(("name", "key", "holding", "failing"), ANSWERS, ids=[answer[0] for answer in ANSWERS])
def test_a_fact_is_what_the_cart_shows(
    name: str, key: str | None, holding: tuple[Any, ...], failing: tuple[Any, ...]
) -> None:
    about = subject(
        gift_credits=700, points_used=50, redeemable_metadata={"print": "leaflet"}, event_metadata={"stars": 5}
    )

    assert ask(about, rule(name, *holding, property=key)).holds
    if failing:
        outcome = ask(about, rule(name, *failing, property=key))
        assert not outcome.holds
        assert outcome.findings
        assert all(not finding.holds for finding in outcome.findings)


def test_every_fact_has_a_test_of_its_own() -> None:
    nested = {f"product.metadata.{name}" for name in ("aggregated_quantity", "aggregated_amount", "match_all")}
    limits = {name for name, fact in FACTS.items() if isinstance(fact, LimitFact)}

    assert {answer[0] for answer in ANSWERS} | nested | limits == set(FACTS)
    assert {answer[0] for answer in ANSWERS if answer[1]} == {n for n, fact in FACTS.items() if fact.type is Json}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("customer.segment", None),
        ("customer.loyalty_tier", None),
        ("customer.metadata", "tier"),
        ("customer.address.country", None),
        ("publication.redeemable_by_linked_customer", None),
    ],
)
def test_a_question_about_the_customer_without_one_is_a_missing_customer(name: str, key: str | None) -> None:
    value = True if name.startswith("publication") else "x"

    outcome = ask(subject(replace(CART, customer=None)), rule(name, "$is", value, property=key), explain=True)

    assert outcome.error_key == "missing_customer"
    assert outcome.findings[0].counterfactual == "A customer has to be named."


@pytest.mark.parametrize(
    ("cart", "name", "error_key"),
    [
        (BARE_CART, "order.amount", "missing_order"),
        (BARE_CART, "order.items.count", "missing_order"),
        (BARE_CART, "order.items.price_any", "missing_order"),
        (BARE_CART, "order.items.aggregated_quantity", "missing_order"),
        (replace(BARE_CART, metadata={"a": 1}), "order.amount", "missing_amount"),
        (replace(BARE_CART, metadata={"a": 1}), "order.total_amount", "missing_amount"),
        (replace(BARE_CART, metadata={"a": 1}), "order.initial_amount", "missing_amount"),
        (replace(BARE_CART, amount=5), "order.items.count", "missing_order_items"),
        (replace(BARE_CART, amount=5), "product.quantity", "missing_order_items"),
        (replace(BARE_CART, amount=5), "order.items.aggregated_amount", "missing_order_items"),
        (BARE_CART, "campaign.orders.amount", "missing_order"),
        (replace(BARE_CART, metadata={"a": 1}), "campaign.orders.amount_discounted", "missing_amount"),
    ],
)
def test_what_the_request_left_out_is_named_in_the_key(cart: Cart, name: str, error_key: str) -> None:
    outcome = ask(subject(cart), rule(name, "$less_than_or_equal", 10**6))

    assert outcome.error_key == error_key


def test_order_metadata_without_an_order_is_a_missing_order_even_when_negated() -> None:
    asked = rule("order.metadata", "$is_not", "app", property="channel")

    assert ask(subject(BARE_CART), asked).error_key == "missing_order"
    assert ask(subject(replace(BARE_CART, amount=1)), asked).holds


def test_a_rule_about_items_without_conditions_of_its_own_says_what_is_missing() -> None:
    asked = rule("order.items.any", rules=rules(rule("order.items.quantity", "$more_than", 1)))

    outcome = ask(subject(BARE_CART), asked, explain=True)

    assert outcome.error_key == "missing_order"
    assert [finding.path for finding in outcome.findings] == ["rules.1"]


def test_a_customer_without_an_address_is_from_nowhere() -> None:
    about = subject(replace(CART, customer=Customer(id="cust_1")))

    assert ask(about, rule("customer.address.country", "$is", "DE")).error_key == "customer_rules_violated"
    assert ask(about, rule("customer.address.country", "$is_not", "DE")).holds


def test_only_the_holder_may_use_a_code_for_holders() -> None:
    holders_only = rule("publication.redeemable_by_linked_customer", "$is", True)
    stranger = subject(replace(CART, customer=replace(CUSTOMER, id="cust_2")))
    unknown = subject(replace(CART, customer=Customer()), holder_id=None)

    assert ask(subject(), holders_only).holds
    assert ask(stranger, holders_only).error_key == "redemption_rules_violated"
    assert not ask(unknown, holders_only).holds
    assert not ask(subject(holder_id=None), holders_only).holds


def test_what_is_not_a_gift_card_pays_no_credits() -> None:
    assert not ask(subject(), rule("redemption.gift.amount", "$less_than", 10**9)).holds


def test_units_of_a_product_do_not_depend_on_how_the_cart_was_built() -> None:
    split = subject(replace(CART, items=(SHIRT, HAT, MORE_SHIRTS)))
    together = subject(replace(CART, items=(replace(SHIRT, quantity=5, amount=10_000), HAT)))
    asked = rule("product.id", "$is", "prod_shirt", rules=rules(rule("product.quantity", "$is", 5)))

    assert ask(split, asked).holds
    assert ask(together, asked).holds


def test_lines_that_do_not_say_what_they_are_stand_for_themselves() -> None:
    nameless = Cart(now=NOW, zone=BERLIN, items=(Item(2, 20, 10), Item(3, 30, 10)), amount=50)

    assert ask(subject(nameless), rule("product.quantity", "$is", 3)).holds
    assert not ask(subject(nameless), rule("product.quantity", "$is", 5)).holds
    assert not ask(subject(nameless), rule("sku.quantity", "$more_than", 0)).holds
    assert not ask(subject(nameless), rule("sku.price", "$more_than", 0)).holds


def test_a_line_that_only_says_its_amount_has_a_unit_price() -> None:
    cart = Cart(now=NOW, zone=BERLIN, items=(Item(quantity=4, amount=1000), Item(quantity=0, amount=0)), amount=1000)

    assert ask(subject(cart), rule("order.items.price", "$is", 250)).holds


def test_products_and_skus_are_known_by_the_shops_ids_too() -> None:
    by_source = {"source_id": "shirt", "object": "product"}
    sku_by_source = {"source_id": "hat-m", "object": "sku"}
    bare = Cart(now=NOW, zone=BERLIN, items=(Item(1, 10, 10, source_id="hat-m", related_object="sku"),), amount=10)

    assert ask(subject(), rule("order.items.any", "$is", by_source)).holds
    assert ask(subject(), rule("order.items.any", "$is", sku_by_source)).holds
    assert ask(subject(bare), rule("order.items.any", "$is", sku_by_source)).holds
    assert ask(subject(bare), rule("sku.id", "$is", "hat-m")).holds
    assert not ask(subject(bare), rule("product.id", "$is", "hat-m")).holds
    assert not ask(subject(), rule("order.items.any", "$is", {"id": "prod_hat", "object": "sku"})).holds


def test_not_this_product_speaks_of_the_whole_order() -> None:
    assert not ask(subject(), rule("product.id", "$is_not", "prod_hat")).holds
    assert ask(subject(), rule("product.id", "$not_in", "prod_sock", "prod_shoe")).holds
    assert ask(subject(), rule("order.items.any", "$is_not", "prod_hat")).holds
    assert not ask(subject(), rule("order.items.every", "$is_not", "prod_hat")).holds


def test_sub_rules_are_asked_about_one_line_of_those_picked() -> None:
    both_on_one_line = rule(
        "order.items.any",
        "$is",
        "prod_shirt",
        rules=rules(
            rule("order.items.quantity", "$is", 2),
            rule("order.items.metadata", "$is", True, property="gift"),
        ),
    )
    on_different_lines = rule(
        "order.items.any",
        "$is",
        "prod_shirt",
        rules=rules(
            rule("order.items.quantity", "$is", 3),
            rule("order.items.metadata", "$is", True, property="gift"),
        ),
    )

    assert ask(subject(), both_on_one_line).holds
    outcome = ask(subject(), on_different_lines)
    assert not outcome.holds
    assert [finding.path for finding in outcome.findings] == ["rules.1.rules.1.conditions.$is"]


def test_sums_are_over_the_lines_that_the_rule_around_them_picks() -> None:
    def shirts(name: str, *condition: Any) -> dict[str, Any]:
        return rule("order.items.any", "$is", "prod_shirt", rules=rules(rule(name, *condition)))

    assert ask(subject(), shirts("order.items.aggregated_quantity", "$is", 5)).holds
    assert ask(subject(), shirts("order.items.aggregated_amount", "$is", 10_000)).holds
    outcome = ask(subject(), shirts("order.items.aggregated_amount", "$more_than_or_equal", 10_420), explain=True)
    assert outcome.findings[-1].counterfactual == "The order needs 420 more (minor units) of prod_shirt."


@pytest.mark.parametrize(
    ("mode", "picked", "least", "holds"),
    [
        ("every", ["prod_shirt", "prod_hat"], 1, True),
        ("every", ["prod_shirt", "prod_hat"], 2, False),
        ("every", ["prod_shirt"], 1, False),
        ("none", ["prod_shirt"], 4, True),
        ("none", ["prod_shirt"], 3, False),
        ("cheapest", ["prod_hat"], 1, True),
        ("cheapest", ["prod_hat"], 2, False),
        ("most_expensive", ["prod_shirt"], 2, True),
        ("most_expensive", ["prod_shirt"], 3, False),
    ],
)
def test_sub_rules_with_every_none_and_extremes(mode: str, picked: list[str], least: int, holds: bool) -> None:
    inner = rules(rule("order.items.quantity", "$more_than_or_equal", least))

    outcome = ask(subject(), rule(f"order.items.{mode}", "$in", *picked, rules=inner))
    explained = ask(subject(), rule(f"order.items.{mode}", "$in", *picked, rules=inner), explain=True)

    assert outcome.holds == explained.holds == holds
    assert bool(outcome.findings) != holds


def test_none_without_conditions_still_names_the_line_that_spoils_it() -> None:
    asked = rule("order.items.none", rules=rules(rule("order.items.price", "$less_than", 1600)))

    (finding,) = ask(subject(), asked).findings

    assert (finding.path, finding.seen) == ("rules.1", "sku_hat_m")


def test_product_metadata_sums_over_products_that_have_it() -> None:
    def red(name: str, *condition: Any) -> dict[str, Any]:
        return rule("product.metadata", "$is", "red", property="color", rules=rules(rule(name, *condition)))

    assert ask(subject(), red("product.metadata.aggregated_quantity", "$is", 5)).holds
    assert ask(subject(), red("product.metadata.aggregated_amount", "$is", 10_000)).holds
    assert not ask(subject(), red("product.metadata.match_all", "$is", True)).holds
    only_shirts = subject(replace(CART, items=(SHIRT, MORE_SHIRTS)))
    assert ask(only_shirts, red("product.metadata.match_all", "$is", True)).holds
    short = ask(subject(), red("product.metadata.aggregated_quantity", "$more_than", 6), explain=True)
    assert short.findings[-1].counterfactual == "The order needs 2 more units with product.metadata.color red."


def test_two_conditions_on_lines_must_meet_on_one_line() -> None:
    asked = {"name": "order.items.price_any", "conditions": {"$more_than": [1500], "$less_than": [2000]}}

    outcome = ask(subject(), asked)

    assert not outcome.holds
    assert len(outcome.findings) == 2


def test_a_rule_on_the_request_may_stand_under_one_about_lines() -> None:
    asked = rule("product.id", "$is", "prod_hat", rules=rules(rule("order.amount", "$more_than", 20_000)))

    assert ask(subject(), asked).error_key == "order_rules_violated"


def test_the_cheapest_of_equals_is_the_earlier() -> None:
    twin = replace(HAT, product_id="prod_twin", product=None, sku=None, sku_id=None, source_id=None)

    assert ask(subject(replace(CART, items=(HAT, twin))), rule("order.items.cheapest", "$is", "prod_hat")).holds
    assert ask(subject(replace(CART, items=(twin, HAT))), rule("order.items.most_expensive", "$is", "prod_twin")).holds


def test_the_amount_of_an_order_is_what_earlier_redeemables_left_of_it() -> None:
    discounted = subject(replace(CART, discount_amount=1000, items=(replace(SHIRT, discount_amount=500), HAT)))

    assert ask(discounted, rule("order.amount", "$is", 10_000)).holds
    assert ask(discounted, rule("order.initial_amount", "$is", 11_500)).holds
    assert ask(discounted, rule("order.items.aggregated_amount", "$is", 5500)).holds
