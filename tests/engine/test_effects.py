import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from app.engine.applicability import Applicability
from app.engine.application import NOTHING, Application
from app.engine.cart import Cart
from app.engine.effects import AmountOff, Discount, DiscountCalculationMode, Effect, EffectScope, FixedPrice, PercentOff
from app.engine.money import Rounding

from .carts import (
    EVERYTHING,
    applicabilities,
    carts,
    discounts,
    make_cart,
    make_item,
    modes,
    percents,
    reaching,
    roundings,
)

discount_adapter: TypeAdapter[Discount] = TypeAdapter(Discount)
MUG_POSTER_SHIRT = make_cart(make_item("mug", 2, 10_00), make_item("poster", 3, 15_00), make_item("shirt", 3, 20_00))


def taken_off(
    effect: Effect,
    cart: Cart,
    applicability: Applicability | None = EVERYTHING,
    mode: DiscountCalculationMode = "DISCOUNTED_AMOUNT",
) -> Application:
    return effect.application(EffectScope(cart, applicability, mode, "half_up"))


@given(carts(), discounts, applicabilities, modes, roundings)
def test_neither_order_nor_line_falls_below_zero(
    cart: Cart,
    effect: Effect,
    applicability: Applicability | None,
    mode: DiscountCalculationMode,
    rounding: Rounding,
) -> None:
    application = effect.application(EffectScope(cart, applicability, mode, rounding))
    after = application.applied_to(cart)

    assert application.order_discount_amount >= 0
    assert all(amount >= 0 for amount in application.item_discount_amounts)
    assert after.total_amount == cart.total_amount - application.total_discount_amount
    assert all(
        item.subtotal_amount == before.subtotal_amount - amount
        for item, before, amount in zip(after.items, cart.items, application.item_discount_amounts, strict=False)
    )


@given(carts(), discounts, modes, roundings, st.randoms(use_true_random=False))
def test_the_total_does_not_depend_on_the_order_of_the_lines(
    cart: Cart, effect: Effect, mode: DiscountCalculationMode, rounding: Rounding, shuffler: random.Random
) -> None:
    items = list(cart.items)
    shuffler.shuffle(items)
    shuffled = replace(cart, items=tuple(items))

    first = effect.application(EffectScope(cart, EVERYTHING, mode, rounding))
    second = effect.application(EffectScope(shuffled, EVERYTHING, mode, rounding))

    assert first.total_discount_amount == second.total_discount_amount


@given(carts(), discounts, modes, roundings)
def test_only_lines_that_are_reached_are_discounted(
    cart: Cart, effect: Effect, mode: DiscountCalculationMode, rounding: Rounding
) -> None:
    applicability = reaching("a")

    application = effect.application(EffectScope(cart, applicability, mode, rounding))

    for item, amount in zip(cart.items, application.item_discount_amounts, strict=False):
        assert amount == 0 or item.product_id == "a"


@given(carts().filter(lambda cart: cart.amount is not None), roundings, modes)
def test_100_percent_leaves_exactly_nothing(cart: Cart, rounding: Rounding, mode: DiscountCalculationMode) -> None:
    free = PercentOff(percent_off=Decimal(100))

    assert free.application(EffectScope(cart, None, mode, rounding)).applied_to(cart).total_amount == 0


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9_999)), min_size=1, max_size=9), roundings)
def test_100_percent_off_every_line_leaves_exactly_nothing(lines: list[tuple[int, int]], rounding: Rounding) -> None:
    cart = make_cart(*(make_item("a", quantity, price) for quantity, price in lines))
    free = PercentOff(percent_off=Decimal(100), effect="APPLY_TO_ITEMS")

    assert (
        free.application(EffectScope(cart, EVERYTHING, "DISCOUNTED_AMOUNT", rounding)).applied_to(cart).total_amount
        == 0
    )


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9_999)), min_size=1, max_size=9), percents, roundings)
def test_a_percentage_of_all_lines_is_the_percentage_of_the_order(
    lines: list[tuple[int, int]], percent: Decimal, rounding: Rounding
) -> None:
    cart = make_cart(*(make_item("a", quantity, price) for quantity, price in lines))
    on_order = PercentOff(percent_off=percent)
    on_lines = PercentOff(percent_off=percent, effect="APPLY_TO_ITEMS")

    order_application = on_order.application(EffectScope(cart, None, "DISCOUNTED_AMOUNT", rounding))
    lines_application = on_lines.application(EffectScope(cart, EVERYTHING, "DISCOUNTED_AMOUNT", rounding))

    assert lines_application.total_discount_amount == order_application.total_discount_amount


def test_25_percent_off_19_99_is_5_00_and_leaves_14_99() -> None:
    cart = make_cart(make_item("hat", 1, 19_99))

    assert taken_off(PercentOff(percent_off=Decimal(25)), cart).applied_to(cart).total_amount == 14_99


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        ("APPLY_TO_ITEMS_PROPORTIONALLY", (1_60, 3_60, 4_80)),
        ("APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY", (2_50, 3_75, 3_75)),
        ("APPLY_TO_ITEMS", (10_00, 10_00, 10_00)),
        ("APPLY_TO_ITEMS_BY_QUANTITY", (20_00, 30_00, 30_00)),
    ],
)
def test_10_00_off_mug_poster_and_shirt_is_split_as_the_contract_says(effect: Any, expected: tuple[int, ...]) -> None:
    assert taken_off(AmountOff(amount_off=10_00, effect=effect), MUG_POSTER_SHIRT).item_discount_amounts == expected


def test_10_00_over_three_equal_lines_is_10_00() -> None:
    cart = make_cart(*(make_item("a", 1, 50_00) for _ in range(3)))
    effect = AmountOff(amount_off=10_00, effect="APPLY_TO_ITEMS_PROPORTIONALLY")

    assert taken_off(effect, cart).item_discount_amounts == (3_34, 3_33, 3_33)


def test_what_a_cheap_line_cannot_take_of_a_split_amount_goes_to_the_others() -> None:
    cart = make_cart(make_item("sticker", 10, 10), make_item("shirt", 2, 20_00))
    effect = AmountOff(amount_off=12_00, effect="APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY")

    assert taken_off(effect, cart).item_discount_amounts == (1_00, 11_00)


def test_a_split_amount_stays_among_the_lines_that_are_reached() -> None:
    effect = AmountOff(amount_off=10_00, effect="APPLY_TO_ITEMS_PROPORTIONALLY")

    assert taken_off(effect, MUG_POSTER_SHIRT, reaching("mug", "shirt")).item_discount_amounts == (2_50, 0, 7_50)


def test_an_amount_is_taken_off_a_line_once_but_never_more_than_the_line() -> None:
    cart = make_cart(make_item("pen", 3, 1_00), make_item("shirt", 3, 20_00))

    assert taken_off(AmountOff(amount_off=5_00, effect="APPLY_TO_ITEMS"), cart).item_discount_amounts == (3_00, 5_00)


def test_the_cap_of_an_order_is_shared_by_its_lines() -> None:
    per_unit = AmountOff(amount_off=1_00, effect="APPLY_TO_ITEMS_BY_QUANTITY", aggregated_amount_limit=4_00)

    assert taken_off(per_unit, MUG_POSTER_SHIRT).item_discount_amounts == (1_00, 1_50, 1_50)


def test_the_smaller_of_two_caps_wins() -> None:
    cart = make_cart(amount=1_000_00)

    for limits in ({"amount_limit": 7_00, "aggregated_amount_limit": 9_00}, {"aggregated_amount_limit": 7_00}):
        effect = PercentOff.model_validate({"percent_off": 50, **limits})
        assert taken_off(effect, cart).order_discount_amount == 7_00


def test_the_amount_limit_of_a_percentage_caps_each_line() -> None:
    effect = PercentOff(percent_off=Decimal(50), effect="APPLY_TO_ITEMS", amount_limit=15_00)

    assert taken_off(effect, MUG_POSTER_SHIRT).item_discount_amounts == (10_00, 15_00, 15_00)


def test_the_odd_cent_of_capped_lines_does_not_depend_on_their_order() -> None:
    effect = PercentOff(percent_off=Decimal(50), effect="APPLY_TO_ITEMS", amount_limit=1)
    small, large = make_item("a", 1, 1), make_item("b", 1, 3)

    assert taken_off(effect, make_cart(small, large)).total_discount_amount == 2
    assert taken_off(effect, make_cart(large, small)).total_discount_amount == 2


def test_the_odd_cent_of_a_percentage_does_not_break_the_cap_of_a_line() -> None:
    effect = PercentOff(percent_off=Decimal(10), effect="APPLY_TO_ITEMS", amount_limit=2)
    cart = make_cart(make_item("a", 1, 19), *(make_item("b", 1, 1) for _ in range(6)))

    assert taken_off(effect, cart).item_discount_amounts == (2, 1, 0, 0, 0, 0, 0)


def test_a_percentage_is_taken_of_what_is_left_or_of_the_initial_amount_as_the_project_says() -> None:
    cart = make_cart(amount=100_00, discount_amount=50_00)
    effect = PercentOff(percent_off=Decimal(20))

    assert taken_off(effect, cart, mode="DISCOUNTED_AMOUNT").order_discount_amount == 10_00
    assert taken_off(effect, cart, mode="INITIAL_AMOUNT").order_discount_amount == 20_00


def test_a_percentage_of_the_initial_line_amount_stops_at_what_is_left_of_the_line() -> None:
    cart = make_cart(make_item("a", 1, 100_00, discount_amount=90_00), make_item("b", 1, 100_00))
    effect = PercentOff(percent_off=Decimal(20), effect="APPLY_TO_ITEMS")

    assert taken_off(effect, cart, mode="INITIAL_AMOUNT").item_discount_amounts == (10_00, 20_00)
    assert taken_off(effect, cart, mode="DISCOUNTED_AMOUNT").item_discount_amounts == (2_00, 20_00)


def test_lines_give_no_more_than_an_order_discount_left() -> None:
    cart = replace(MUG_POSTER_SHIRT, discount_amount=120_00)
    effect = PercentOff(percent_off=Decimal(50), effect="APPLY_TO_ITEMS")

    assert taken_off(effect, cart).total_discount_amount == 5_00
    assert taken_off(effect, cart).applied_to(cart).total_amount == 0


def test_a_fixed_price_sets_the_total_and_never_raises_it() -> None:
    effect = FixedPrice(fixed_amount=30_00)

    assert taken_off(effect, make_cart(amount=100_00)).order_discount_amount == 70_00
    assert taken_off(effect, make_cart(amount=20_00)).order_discount_amount == 0


def test_a_fixed_unit_price_lowers_dearer_lines_only() -> None:
    effect = FixedPrice(fixed_amount=12_00, effect="APPLY_TO_ITEMS")

    assert taken_off(effect, MUG_POSTER_SHIRT).item_discount_amounts == (0, 9_00, 24_00)


def test_a_fixed_unit_price_is_the_price_to_pay_after_an_earlier_discount_too() -> None:
    cart = make_cart(make_item("shirt", 3, 20_00, discount_amount=6_00))
    effect = FixedPrice(fixed_amount=12_00, effect="APPLY_TO_ITEMS")

    assert taken_off(effect, cart).applied_to(cart).items[0].subtotal_amount == 36_00


@pytest.mark.parametrize(
    "effect", [AmountOff(amount_off=5), PercentOff(percent_off=Decimal(5)), FixedPrice(fixed_amount=5)]
)
def test_without_an_order_there_is_nothing_to_take_off(effect: Effect) -> None:
    assert taken_off(effect, make_cart()) == NOTHING


def test_without_targets_no_line_is_discounted() -> None:
    effect = AmountOff(amount_off=5_00, effect="APPLY_TO_ITEMS")

    assert taken_off(effect, MUG_POSTER_SHIRT, applicability=None) == NOTHING


def test_a_line_that_was_lowered_after_its_discount_has_nothing_left_to_give() -> None:
    cart = make_cart(make_item("a", 1, 5_00, discount_amount=8_00), make_item("b", 1, 9_00))
    effect = AmountOff(amount_off=6_00, effect="APPLY_TO_ITEMS")

    assert taken_off(effect, cart).item_discount_amounts == (0, 6_00)


@given(carts(), discounts, discounts, modes)
def test_two_applications_add_up_line_by_line(
    cart: Cart, first: Effect, second: Effect, mode: DiscountCalculationMode
) -> None:
    one = first.application(EffectScope(cart, EVERYTHING, mode, "half_up"))
    other = second.application(EffectScope(one.applied_to(cart), EVERYTHING, mode, "half_up"))

    assert (one + other).applied_to(cart) == other.applied_to(one.applied_to(cart))


def test_units_given_free_of_charge_are_counted_on_their_line() -> None:
    application = Application(item_discount_amounts=(0, 15_00, 0), item_discount_quantities=(0, 1, 0))

    after = (application + application).applied_to(MUG_POSTER_SHIRT)

    assert [item.discount_quantity for item in after.items] == [0, 2, 0]
    assert after.items_discount_amount == 30_00


@given(discounts)
def test_a_discount_survives_being_stored_and_shown(effect: Effect) -> None:
    stored = effect.model_dump(mode="json", exclude_none=True)

    assert discount_adapter.validate_python(stored) == effect
    assert discount_adapter.validate_json(effect.model_dump_json()) == effect
    assert not any(name.endswith("_formula") for name in stored)


def test_a_discount_without_effect_applies_to_the_order() -> None:
    for definition in ({"type": "AMOUNT", "amount_off": 5}, {"type": "PERCENT", "percent_off": 5, "effect": None}):
        assert discount_adapter.validate_python(definition).effect == "APPLY_TO_ORDER"


def test_unknown_fields_and_nulls_of_a_discount_are_ignored() -> None:
    definition = {
        "type": "PERCENT",
        "percent_off": 10.0,
        "amount_limit": None,
        "is_dynamic": False,
        "percent_off_formula": "",
    }

    discount = discount_adapter.validate_python(definition)

    assert discount.model_dump(mode="json", exclude_none=True) == {
        "type": "PERCENT",
        "percent_off": 10,
        "effect": "APPLY_TO_ORDER",
    }


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        ({"type": "AMOUNT", "amount_off": 10.5}, "amount_off"),
        ({"type": "AMOUNT", "amount_off": -1}, "amount_off"),
        ({"type": "AMOUNT", "amount_off": 2**63}, "amount_off"),
        ({"type": "AMOUNT"}, "amount_off"),
        ({"type": "AMOUNT", "amount_off": None}, "amount_off"),
        ({"type": "AMOUNT", "amount_off": 5, "aggregated_amount_limit": 0}, "aggregated_amount_limit"),
        ({"type": "AMOUNT", "amount_off": 5, "amount_off_formula": "1 +"}, "amount_off_formula"),
        ({"type": "PERCENT", "percent_off": 33.333}, "percent_off"),
        ({"type": "PERCENT", "percent_off": 101}, "percent_off"),
        ({"type": "PERCENT", "percent_off": 5, "effect": "APPLY_TO_ITEMS_PROPORTIONALLY"}, "effect"),
        ({"type": "FIXED", "fixed_amount": 5, "effect": "APPLY_TO_ITEMS_BY_QUANTITY"}, "effect"),
        ({"type": "FIXED", "fixed_amount": 5, "fixed_amount_formula": "ORDER_ITEM_PRICE"}, "fixed_amount_formula"),
    ],
)
def test_a_bad_discount_is_refused_with_the_field_at_fault(definition: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        discount_adapter.validate_python(definition)

    assert [error["loc"][-1] for error in refusal.value.errors()] == [field]


@pytest.mark.parametrize(
    "definition", [{"type": "SHIPPING"}, {"type": "UNIT", "effect": "ADD_SOME_ITEMS"}, {"amount_off": 5}, {}, None]
)
def test_a_discount_of_an_unknown_type_is_refused(definition: Any) -> None:
    with pytest.raises(ValidationError):
        discount_adapter.validate_python(definition)


def test_the_published_schema_of_a_discount_shows_the_bounds_of_its_figures() -> None:
    definitions = discount_adapter.json_schema()["$defs"]

    assert definitions["AmountOff"]["properties"]["amount_off"] | {"title": ""} == {
        "title": "",
        "type": "integer",
        "minimum": 0,
        "maximum": 2**63 - 1,
    }
    assert definitions["PercentOff"]["properties"]["percent_off"]["maximum"] == 100
