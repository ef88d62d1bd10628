"""Bundles: what is needed together, how many the order has, and what is missing. Contract: surface.md section 5."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.bundles import BundleRule, bundle_in, parse_bundle
from app.engine.cart import Cart
from app.engine.decision import Decision
from app.engine.effects import AmountOff, Effect, FixedPrice, PercentOff
from app.engine.evaluate import evaluate
from app.engine.redeemables import Redeemable
from app.engine.rules import InvalidRule
from app.engine.stacking import DEFAULT_STACKING_RULES

from .carts import make_cart, make_item


def needing(*wanted: tuple[str, int], limit: int = 1) -> BundleRule:
    """A bundle of these products, `a|b` for either of two; `pc_` and `sku_` name collections and SKUs."""
    rule = parse_bundle(
        {
            **{
                str(number): {
                    "name": "order.items.any",
                    "conditions": {"$is": [_named(name) for name in names.split("|")]},
                    "rules": {
                        "1": {"name": "order.items.aggregated_quantity", "conditions": {"$is": [units]}, "rules": {}},
                        "logic": "1",
                    },
                }
                for number, (names, units) in enumerate(wanted, start=1)
            },
            "limit": limit,
        }
    )
    assert rule is not None
    return rule


def _named(name: str) -> dict[str, Any]:
    if name.startswith("pc_"):
        return {"id": name, "type": "products_collection", "object": "products_collection"}
    return {"id": name, "type": "product_or_sku", "object": "sku" if name.startswith("sku_") else "product"}


def of(**quantities: int) -> Cart:
    return make_cart(*(make_item(name, quantity, 10_00) for name, quantity in quantities.items()))


def redeemed(effect: Effect, cart: Cart, *bundles: BundleRule) -> Decision:
    redeemable = Redeemable(
        "voucher", "OUTFIT", "v_1", effect, bundles=tuple((f"val_{n}", bundle) for n, bundle in enumerate(bundles))
    )
    return evaluate(cart, [redeemable], DEFAULT_STACKING_RULES)


def test_bundles_are_counted_up_to_the_limit() -> None:
    for limit, quantity in ((1, 1), (3, 3), (9, 4)):
        assert bundle_in(needing(("shirt", 2), ("hat", 1), limit=limit), of(shirt=9, hat=4)).quantity == quantity


def test_units_may_be_spread_over_lines_and_a_sku_is_a_unit_of_its_product() -> None:
    cart = make_cart(make_item("shirt", 1, 1, sku_id="sku_red"), make_item("shirt", 1, 1), make_item("hat", 1, 1))
    bundle = bundle_in(needing(("shirt", 2), ("hat", 1)), cart)

    assert bundle.quantity == 1
    assert [(each.kind, each.id, each.index, each.quantity) for each in bundle.identified] == [
        ("product", "shirt", 0, 1),
        ("product", "shirt", 1, 1),
        ("product", "hat", 2, 1),
    ]


def test_a_unit_is_in_one_bundle_only() -> None:
    rule = needing(("shirt|hat", 1), ("shirt", 1), limit=5)

    assert bundle_in(rule, of(shirt=2)).quantity == 1
    assert bundle_in(rule, of(shirt=1)).quantity == 0
    assert bundle_in(rule, of(shirt=3, hat=3)).quantity == 3


def test_things_that_compete_for_lines_are_dealt_so_that_all_are_complete() -> None:
    rule = needing(("a|b", 2), ("b|c", 2), ("a|c", 2), limit=10)

    assert bundle_in(rule, of(a=20, b=20, c=20)).quantity == 10
    assert bundle_in(rule, of(a=2, b=2, c=2)).quantity == 1


def test_collections_and_skus_make_bundles() -> None:
    cart = make_cart(
        make_item("shirt", 2, 1, collection_ids=frozenset({"pc_tops"})), make_item("hat", 1, 1, sku_id="sku_felt")
    )
    bundle = bundle_in(needing(("pc_tops", 2), ("sku_felt", 1)), cart)

    assert bundle.quantity == 1
    assert [(each.kind, each.id) for each in bundle.identified] == [("product", "shirt"), ("sku", "sku_felt")]
    assert needing(("pc_tops", 1)).collection_ids == {"pc_tops"}


def test_what_one_bundle_lacks_is_told_with_the_units() -> None:
    bundle = bundle_in(needing(("shirt", 3), ("pc_hats", 2), limit=4), of(shirt=1))

    assert bundle.quantity == 0
    assert [(each.kind, each.id, each.quantity) for each in bundle.missing] == [
        ("product", "shirt", 2),
        ("products_collection", "pc_hats", 2),
    ]


def test_units_free_of_charge_make_no_bundle() -> None:
    cart = make_cart(make_item("shirt", 2, 10_00, discount_quantity=1, discount_amount=10_00))

    assert bundle_in(needing(("shirt", 1), limit=5), cart).quantity == 1


@given(st.dictionaries(st.sampled_from("abc"), st.integers(0, 30)), st.integers(1, 8))
def test_no_more_bundles_are_found_than_by_trying(quantities: dict[str, int], limit: int) -> None:
    rule = needing(("a|b", 2), ("b|c", 1), ("c", 1), limit=limit)

    bundle = bundle_in(rule, of(**quantities))

    a, b, c = (quantities.get(name, 0) for name in "abc")
    possible = [
        count
        for count in range(limit + 1)
        if c >= count and any(a + from_b >= 2 * count and b - from_b + c - count >= count for from_b in range(b + 1))
    ]
    assert bundle.quantity == max(possible)
    assert all(each.quantity > 0 for each in bundle.identified)


@pytest.mark.parametrize(
    ("effect", "off"),
    [
        (AmountOff(amount_off=5_00), 10_00),
        (AmountOff(amount_off=5_00, aggregated_amount_limit=4_00), 8_00),
        (PercentOff(percent_off=Decimal(15)), 12_00),
        (PercentOff(percent_off=Decimal(15), amount_limit=3_00), 6_00),
        (PercentOff(percent_off=Decimal(80)), 40_00),
        (FixedPrice(fixed_amount=30_00), 10_00),
    ],
)
def test_each_complete_bundle_is_worth_the_discount_and_its_limits_once_more_but_a_price_is_set_once(
    effect: Effect, off: int
) -> None:
    decision = redeemed(effect, of(shirt=2, hat=2), needing(("shirt", 1), ("hat", 1), limit=7))

    assert decision.discount_amount == off
    assert decision.outcomes[0].bundle is not None
    assert decision.outcomes[0].bundle.quantity == 2


def test_an_incomplete_bundle_refuses_the_redeemable_and_says_what_is_missing() -> None:
    decision = redeemed(AmountOff(amount_off=1), of(shirt=1), needing(("shirt", 1)), needing(("hat", 2)))
    (outcome,) = decision.outcomes

    assert (outcome.status, decision.is_valid) == ("INAPPLICABLE", False)
    assert outcome.failure is not None
    assert (outcome.failure.key, outcome.failure.rule_ids) == ("order_rules_violated", ("val_1",))
    assert [finding.counterfactual for finding in outcome.findings] == ["with 2 more of product hat"]


def test_the_marketers_words_are_told_when_a_bundle_lacks_something() -> None:
    rule = parse_bundle(
        {
            "1": {
                "name": "order.items.any",
                "conditions": {"$is": ["hat"]},
                "error": {"message": "A hat makes it complete."},
            }
        }
    )
    assert rule is not None

    failure = redeemed(AmountOff(amount_off=1), of(shirt=1), rule).failure

    assert failure is not None
    assert failure.custom_message == "A hat makes it complete."


@pytest.mark.parametrize("definition", [None, {}, {"logic": ""}, {"logic": "", "limit": 3}])
def test_no_rules_ask_for_no_bundle(definition: Any) -> None:
    assert parse_bundle(definition) is None


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"logic": "1 or 2"}, "bundle_rules.logic"),
        ({"logic": "1"}, "bundle_rules.logic"),
        ({"logic": "1 and 2 and 3"}, "bundle_rules.logic"),
        ({"logic": 7}, "bundle_rules.logic"),
        ({"limit": 0}, "bundle_rules.limit"),
        ({"limit": 101}, "bundle_rules.limit"),
        ({"limit": True}, "bundle_rules.limit"),
        ({"2": None}, "bundle_rules.2"),
        ({"2": {"name": "order.items.every"}}, "bundle_rules.2"),
        ({"2": {"name": "order.items.any", "conditions": []}}, "bundle_rules.2.conditions.$is"),
        ({"2": {"name": "order.items.any", "conditions": {"$is": [{}]}}}, "bundle_rules.2.conditions.$is[0]"),
        (
            {"2": {"name": "order.items.any", "conditions": {"$is": ["hat"]}, "error": {"message": 1}}},
            "bundle_rules.2.error.message",
        ),
        ({"two": {}}, "bundle_rules.two"),
    ],
)
def test_a_bundle_that_means_nothing_is_refused_with_its_path(change: dict[str, Any], path: str) -> None:
    fine = {"name": "order.items.any", "conditions": {"$is": ["hat"]}, "rules": {}}

    with pytest.raises(InvalidRule) as refusal:
        parse_bundle({"1": fine, "2": fine, **change})

    assert refusal.value.path == path
