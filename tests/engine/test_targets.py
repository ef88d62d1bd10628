"""Targets that narrow what a discount touches. Contract: surface.md section 5."""

from decimal import Decimal
from typing import Any

import pytest

from app.engine.applicability import ApplicabilityDefinition, applicability_of, applicable_to, narrowed
from app.engine.application import Application
from app.engine.cart import Cart, Item
from app.engine.effects import AmountOff, Effect, EffectScope, FixedPrice, PercentOff

from .carts import make_cart, make_item, reaching

HALF = PercentOff(percent_off=Decimal(50), effect="APPLY_TO_ITEMS")
FREE = PercentOff(percent_off=Decimal(100), effect="APPLY_TO_ITEMS")
SHIRTS = make_cart(make_item("shirt", 2, 10_00), make_item("shirt", 3, 20_00), make_item("hat", 4, 5_00))


def target(product_id: str = "shirt", **options: Any) -> dict[str, Any]:
    return {"object": "product", "id": product_id, **options}


def discounted(effect: Effect, cart: Cart, *included: dict[str, Any], **definition: Any) -> Application:
    applicability = applicability_of(ApplicabilityDefinition.model_validate({"included": included, **definition}))
    return effect.application(EffectScope(cart, applicability))


def units(cart: Cart, *included: dict[str, Any]) -> list[tuple[int, list[int]]]:
    """Lines and the numbers of their units that the targets pick, in the order of the discount."""
    applicability = applicability_of(ApplicabilityDefinition.model_validate({"included": included}))
    assert applicability is not None
    return [(pick.index, list(pick.units)) for pick in applicability.picks(cart.items)]


def test_the_example_of_the_official_client_skips_one_and_takes_every_third() -> None:
    cart = make_cart(make_item("shirt", 10, 1_00))

    assert units(cart, target(target="UNIT", skip_initially=1, repeat=3)) == [(0, [2, 5, 8])]


def test_every_second_line_from_the_most_expensive() -> None:
    cart = make_cart(*(make_item("shirt", 1, price) for price in (1_00, 5_00, 3_00, 4_00, 2_00)))

    picks = units(cart, target(effect="APPLY_FROM_MOST_EXPENSIVE", skip_initially=1, repeat=2))

    assert picks == [(3, [1]), (4, [1])]


def test_units_are_counted_on_across_lines() -> None:
    assert units(SHIRTS, target(target="UNIT", repeat=2)) == [(0, [1]), (1, [1, 3])]
    assert units(SHIRTS, target(target="UNIT", skip_initially=3, repeat=2)) == [(1, [2])]
    assert units(SHIRTS, target(target="UNIT", skip_initially=9)) == []


def test_the_cheapest_line_and_the_cheapest_unit() -> None:
    for options, expected in (
        ({"effect": "APPLY_TO_CHEAPEST"}, [(0, [1, 2])]),
        ({"effect": "APPLY_TO_CHEAPEST", "target": "UNIT"}, [(0, [1])]),
        ({"effect": "APPLY_TO_MOST_EXPENSIVE"}, [(1, [1, 2, 3])]),
        ({"effect": "APPLY_TO_MOST_EXPENSIVE", "target": "UNIT"}, [(1, [1])]),
        ({"effect": "APPLY_TO_CHEAPEST", "target": "UNIT", "skip_initially": 2}, [(1, [1])]),
        ({"effect": "APPLY_FROM_MOST_EXPENSIVE"}, [(1, [1, 2, 3]), (0, [1, 2])]),
    ):
        assert units(SHIRTS, target(**options)) == expected


def test_of_equal_prices_the_smaller_line_comes_first_and_then_the_earlier() -> None:
    cart = make_cart(make_item("shirt", 3, 10_00), make_item("shirt", 1, 10_00), make_item("shirt", 1, 10_00))

    assert units(cart, target(effect="APPLY_TO_CHEAPEST")) == [(1, [1])]


def test_a_line_without_units_is_not_the_cheapest() -> None:
    cart = make_cart(make_item("shirt", 0, 1_00), make_item("shirt", 1, 10_00))

    assert units(cart, target(effect="APPLY_TO_CHEAPEST")) == [(1, [1])]


def test_limits_of_units_hold_for_each_line_and_for_all_together() -> None:
    cases: list[tuple[dict[str, Any], list[tuple[int, list[int]]]]] = [
        ({"quantity_limit": 1}, [(0, [1]), (1, [1])]),
        ({"aggregated_quantity_limit": 4}, [(0, [1, 2]), (1, [1, 2])]),
        ({"quantity_limit": 2, "aggregated_quantity_limit": 3}, [(0, [1, 2]), (1, [1])]),
        ({"effect": "APPLY_FROM_MOST_EXPENSIVE", "aggregated_quantity_limit": 1}, [(1, [1])]),
        ({"quantity_limit": 0}, []),
    ]
    for options, expected in cases:
        assert units(SHIRTS, target(**options)) == expected


def test_units_within_a_limit_are_discounted_by_their_share_of_the_line() -> None:
    assert discounted(HALF, SHIRTS, target(quantity_limit=1)).item_discount_amounts == (5_00, 10_00, 0)


def test_the_smallest_limit_wins() -> None:
    cases: list[tuple[dict[str, Any], tuple[int, ...]]] = [
        ({"amount_limit": 8_00}, (8_00, 8_00, 0)),
        ({"aggregated_amount_limit": 8_00}, (2_00, 6_00, 0)),
        ({"amount_limit": 20_00, "aggregated_amount_limit": 20_00}, (6_67, 13_33, 0)),
        ({"amount_limit": 3_00, "aggregated_amount_limit": 20_00}, (3_00, 3_00, 0)),
    ]
    for options, expected in cases:
        assert discounted(HALF, SHIRTS, target(**options)).item_discount_amounts == expected
    capped = PercentOff(
        percent_off=Decimal(50), effect="APPLY_TO_ITEMS", amount_limit=4_00, aggregated_amount_limit=7_00
    )
    assert discounted(capped, SHIRTS, target(amount_limit=5_00)).item_discount_amounts == (3_50, 3_50, 0)


def test_each_target_has_its_own_limit() -> None:
    application = discounted(
        HALF, SHIRTS, target("shirt", aggregated_amount_limit=4_00), target("hat", aggregated_amount_limit=1_00)
    )

    assert application.item_discount_amounts == (1_00, 3_00, 1_00)


def test_an_amount_is_taken_off_once_for_each_line_or_for_each_unit_that_is_a_target() -> None:
    per_item = AmountOff(amount_off=1_00, effect="APPLY_TO_ITEMS")
    per_unit = AmountOff(amount_off=1_00, effect="APPLY_TO_ITEMS_BY_QUANTITY")

    assert discounted(per_item, SHIRTS, target(quantity_limit=2)).item_discount_amounts == (1_00, 1_00, 0)
    assert discounted(per_item, SHIRTS, target(target="UNIT")).item_discount_amounts == (2_00, 3_00, 0)
    assert discounted(per_unit, SHIRTS, target(quantity_limit=2)).item_discount_amounts == (2_00, 2_00, 0)


def test_a_target_sets_a_price_of_its_own() -> None:
    fixed = FixedPrice(fixed_amount=15_00, effect="APPLY_TO_ITEMS")

    application = discounted(fixed, SHIRTS, target("shirt"), target("hat", price=1_00, quantity_limit=1))

    assert application.item_discount_amounts == (0, 15_00, 4_00)


def test_a_line_belongs_to_the_first_target_that_picks_it() -> None:
    cart = make_cart(make_item("shirt", 1, 10_00, sku_id="sku_red"), make_item("shirt", 1, 20_00, sku_id="sku_blue"))
    red = {"object": "sku", "id": "sku_red", "amount_limit": 1_00}

    assert discounted(HALF, cart, red, target(amount_limit=3_00)).item_discount_amounts == (1_00, 3_00)
    assert discounted(HALF, cart, target(amount_limit=3_00), red).item_discount_amounts == (3_00, 3_00)


def test_what_is_excluded_is_not_the_cheapest_either() -> None:
    application = discounted(
        FREE, SHIRTS, target(effect="APPLY_TO_CHEAPEST"), excluded=[{"object": "product", "id": "hat"}]
    )
    cheap_hat = [{"object": "product", "id": "hat"}]
    everything = {"object": "products_collection", "id": "pc_all", "effect": "APPLY_TO_CHEAPEST"}
    cart = make_cart(
        *(
            Item(1, price, price, product_id=name, collection_ids=frozenset({"pc_all"}))
            for name, price in (("hat", 5_00), ("shirt", 10_00))
        )
    )

    assert application.item_discount_amounts == (20_00, 0, 0)
    assert discounted(FREE, cart, everything, excluded=cheap_hat).item_discount_amounts == (0, 10_00)


def test_a_further_rule_picks_among_what_the_first_picked() -> None:
    campaign = applicability_of(
        ApplicabilityDefinition.model_validate({"included": [target(effect="APPLY_FROM_MOST_EXPENSIVE", repeat=2)]})
    )
    own = applicability_of(
        ApplicabilityDefinition.model_validate({"included": [target(quantity_limit=2, amount_limit=7_00)]})
    )
    cart = make_cart(*(make_item("shirt", 3, price) for price in (1_00, 9_00, 5_00)))
    both = narrowed([campaign, own])

    assert both is not None
    assert [(pick.index, list(pick.units)) for pick in both.picks(cart.items)] == [(1, [1, 2]), (0, [1, 2])]
    assert FREE.application(EffectScope(cart, both)).item_discount_amounts == (2_00, 7_00, 0)


def test_answers_name_the_picked_lines_in_the_order_of_the_discount() -> None:
    applicability = applicability_of(
        ApplicabilityDefinition.model_validate(
            {"included": [target(effect="APPLY_FROM_MOST_EXPENSIVE", aggregated_quantity_limit=4), target("hat")]}
        )
    )

    shirts, hats = applicable_to(applicability, SHIRTS)

    assert shirts["order_item_indices"] == [1, 0]
    assert shirts["order_item_units"] == [{"index": 1, "units": [1, 2, 3]}, {"index": 0, "units": [1]}]
    assert hats["order_item_indices"] == [2]
    assert "order_item_units" not in hats


@pytest.mark.parametrize("quantity", [10, 10**9])
def test_ten_units_cost_as_much_time_as_a_thousand_million(quantity: int) -> None:
    cart = make_cart(make_item("shirt", quantity, 2), make_item("shirt", quantity, 4))

    application = discounted(HALF, cart, target(target="UNIT", skip_initially=1, repeat=2))

    assert application.item_discount_amounts == (quantity // 2, quantity)


def test_plain_targets_reach_whole_lines() -> None:
    assert reaching("shirt").is_plain
    assert reaching(excluding=("shirt",)).is_plain
    assert discounted(HALF, SHIRTS, target()).picks == ()
