"""Discounts whose figures come from formulas, with every figure computed by hand."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from app.engine.applicability import Applicability, ApplicabilityDefinition, applicability_of
from app.engine.cart import Cart, Item, Product
from app.engine.effects import Discount, Effect, EffectScope
from app.engine.units import UnitSource
from tests.engine.carts import EVERYTHING, make_cart, make_item, reaching

discount_adapter: TypeAdapter[Effect] = TypeAdapter(Discount)
# 20.00 + 45.00 + 60.00 = 125.00
MUG_POSTER_SHIRT = make_cart(
    make_item("mug", 2, 10_00, metadata={"off": 1}),
    make_item("poster", 3, 15_00, metadata={"off": 2}),
    make_item("shirt", 3, 20_00),
    metadata={"rate": 0.1, "text": "10"},
)


def discount(type_: str, formula: str, fixed: int = 7, **fields: Any) -> Effect:
    """A discount with this formula, and a fixed figure for when it cannot be computed."""
    figure = {"AMOUNT": "amount_off", "PERCENT": "percent_off", "FIXED": "fixed_amount", "UNIT": "unit_off"}[type_]
    return discount_adapter.validate_python({"type": type_, figure: fixed, f"{figure}_formula": formula, **fields})


def given_to(
    effect: Effect, cart: Cart = MUG_POSTER_SHIRT, applicability: Applicability | None = EVERYTHING, **fields: Any
) -> tuple[int | list[int], Mapping[str, Any] | None]:
    """What is taken off the order or its lines, and the discount that is shown where a formula computed it."""
    application = effect.application(EffectScope(cart, applicability, **fields))
    computed = application.computed
    shown = None if computed is None else computed.model_dump(mode="json", exclude_none=True)
    return application.order_discount_amount or list(application.item_discount_amounts), shown


@pytest.mark.parametrize(
    ("type_", "formula", "amount", "figure"),
    [
        ("AMOUNT", "IF(ORDER_AMOUNT > 100; 10; 5)", 10_00, 10_00),
        ("AMOUNT", 'ORDER_AMOUNT * ORDER_METADATA("rate")', 12_50, 12_50),
        ("AMOUNT", "6.00 * 0.01 + 1", 1_06, 1_06),
        ("AMOUNT", "CHEAPEST_ORDER_ITEM_PRICE / 3", 3_33, 3_33),
        ("AMOUNT", "ORDER_AMOUNT * 2", 125_00, 250_00),
        ("PERCENT", "ORDER_UNITS_QUANTITY + 0.5", 10_63, 8.5),
        ("PERCENT", "MIN(ORDER_AMOUNT / 3; 20)", 25_00, 20),
        ("PERCENT", "200", 125_00, 100),
        ("FIXED", "100", 25_00, 100_00),
        ("FIXED", "ORDER_AMOUNT - 1000", 125_00, 0),
    ],
)
def test_a_formula_supplies_the_figure_of_a_discount_on_the_order(
    type_: str, formula: str, amount: int, figure: float
) -> None:
    taken, shown = given_to(discount(type_, formula))

    assert taken == amount
    assert shown is not None
    assert shown["is_dynamic"] is True
    assert figure in shown.values()
    assert formula in shown.values()


@pytest.mark.parametrize(
    ("type_", "amount"), [("AMOUNT", 7), ("PERCENT", 8_75), ("FIXED", 124_93)], ids=["amount", "percent", "fixed"]
)
@pytest.mark.parametrize("formula", ['ORDER_METADATA("absent")', 'ORDER_METADATA("text") * 2', "1 / 0"])
def test_the_fixed_figure_counts_where_the_formula_cannot_be_computed(type_: str, amount: int, formula: str) -> None:
    assert given_to(discount(type_, formula)) == (amount, None)


def test_less_than_nothing_off_is_nothing_off_and_not_the_fixed_figure() -> None:
    taken, shown = given_to(discount("AMOUNT", "ORDER_AMOUNT - 1000"))

    assert taken == []
    assert shown is not None
    assert shown["amount_off"] == 0


@pytest.mark.parametrize(
    ("type_", "effect", "formula", "amounts"),
    [
        # A tenth of each unit price, once per line or for each unit.
        ("AMOUNT", "APPLY_TO_ITEMS", "ORDER_ITEM_PRICE / 10", [1_00, 1_50, 2_00]),
        ("AMOUNT", "APPLY_TO_ITEMS_BY_QUANTITY", "ORDER_ITEM_PRICE / 10", [2_00, 4_50, 6_00]),
        # Shirts have no metadata: the fixed 7 cents.
        ("AMOUNT", "APPLY_TO_ITEMS", 'ORDER_ITEM_METADATA("off")', [1_00, 2_00, 7]),
        # 10 % of 20.00, 15 % of 45.00, 20 % of 60.00.
        ("PERCENT", "APPLY_TO_ITEMS", "ORDER_ITEM_PRICE", [2_00, 6_75, 12_00]),
        ("PERCENT", "APPLY_TO_ITEMS", "ORDER_ITEM_UNITS_QUANTITY * 10", [4_00, 13_50, 18_00]),
        ("FIXED", "APPLY_TO_ITEMS", "ORDER_ITEM_PRICE - 2", [4_00, 6_00, 6_00]),
        ("FIXED", "APPLY_TO_ITEMS", "CHEAPEST_ORDER_ITEM_PRICE", [0, 15_00, 30_00]),
        ("AMOUNT", "APPLY_TO_ITEMS_PROPORTIONALLY", "ORDER_AMOUNT * 0.1", [2_00, 4_50, 6_00]),
        ("AMOUNT", "APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY", "8", [2_00, 3_00, 3_00]),
    ],
)
def test_a_formula_about_lines_is_computed_for_each_line(
    type_: str, effect: str, formula: str, amounts: list[int]
) -> None:
    taken, shown = given_to(discount(type_, formula, effect=effect))

    assert taken == amounts
    assert shown is not None
    assert shown["is_dynamic"] is True


def test_a_figure_that_differs_from_line_to_line_is_not_shown_as_one() -> None:
    formula = "ORDER_ITEM_PRICE / 10"
    effect = discount("AMOUNT", formula, effect="APPLY_TO_ITEMS")

    _, different = given_to(effect)
    _, one = given_to(effect, applicability=reaching("mug"))

    assert different is not None
    assert one is not None
    assert (different["amount_off"], one["amount_off"]) == (7, 1_00)


def test_a_line_for_which_nothing_can_be_computed_makes_no_discount_dynamic() -> None:
    effect = discount("AMOUNT", 'ORDER_ITEM_METADATA("off")', effect="APPLY_TO_ITEMS")

    assert given_to(effect, applicability=reaching("shirt")) == ([0, 0, 7], None)


def test_a_formula_sees_what_is_known_of_the_redeemable() -> None:
    effect = discount("AMOUNT", 'REDEEMABLE_METADATA("a") + PUBLICATION_METADATA("b") + VOUCHER_REDEEMED_QUANTITY')
    known: dict[str, Any] = {
        "redeemable_metadata": {"a": 1},
        "publication_metadata": {"b": 2},
        "variables": {"VOUCHER_REDEEMED_QUANTITY": 3},
    }

    assert given_to(effect, **known)[0] == 6_00
    assert given_to(effect)[0] == 7


def test_a_computed_figure_counts_once_for_each_bundle_but_a_price_does_not() -> None:
    assert given_to(discount("AMOUNT", "2"), bundles_count=3)[0] == 6_00
    assert given_to(discount("FIXED", "100"), bundles_count=3)[0] == 25_00
    assert given_to(discount("FIXED", "100 / BUNDLE_QUANTITY"), bundles_count=2)[0] == 75_00


def test_a_formula_that_asks_for_the_number_of_bundles_is_not_multiplied_by_it() -> None:
    assert given_to(discount("AMOUNT", "2 + BUNDLE_QUANTITY"), bundles_count=3)[0] == 5_00


def test_a_target_sets_a_price_by_formula_and_keeps_its_own_where_that_cannot_be_computed() -> None:
    targets = applicability_of(
        ApplicabilityDefinition.model_validate(
            {
                "included": [
                    {"object": "product", "id": "mug", "price": 1_00, "price_formula": "ORDER_ITEM_PRICE * 0.9"},
                    {"object": "product", "id": "shirt", "price": 19_00, "price_formula": 'ORDER_METADATA("absent")'},
                    {"object": "product", "id": "poster", "price_formula": 14.5},
                ]
            }
        )
    )

    taken, _ = given_to(discount("FIXED", "1", effect="APPLY_TO_ITEMS"), applicability=targets)

    assert taken == [2_00, 1_50, 3_00]


GIFT = {"product_gift": UnitSource(Product(id="product_gift", price=4_00))}


@pytest.mark.parametrize(
    ("formula", "units"),
    [("ORDER_UNITS_QUANTITY / 3", 2), ("0.9", 0), ("-1", 0), ("1 / 0", 7), ("POW(10; 30)", 1_000_000)],
)
def test_a_formula_says_how_many_units_are_given(formula: str, units: int) -> None:
    effect = discount("UNIT", formula, effect="ADD_NEW_ITEMS", unit_type="product_gift")

    application = effect.application(EffectScope(MUG_POSTER_SHIRT, None, units=GIFT))
    after = application.applied_to(MUG_POSTER_SHIRT)

    assert [item.quantity for item in after.items[3:]] == ([units] if units else [])
    assert after.total_amount == MUG_POSTER_SHIRT.total_amount
    computed = application.computed
    assert (computed is None) == (formula == "1 / 0")
    if computed is not None:
        shown = computed.model_dump(mode="json", exclude_none=True)
        assert (shown["unit_off"], shown["is_dynamic"]) == (units, True)


def test_of_many_gifts_each_has_its_formula() -> None:
    effect = discount_adapter.validate_python(
        {
            "type": "UNIT",
            "effect": "ADD_MANY_ITEMS",
            "units": [
                {"unit_off": 1, "unit_off_formula": "0", "effect": "ADD_NEW_ITEMS", "unit_type": "mug"},
                {"unit_off": 1, "unit_off_formula": "2", "effect": "ADD_NEW_ITEMS", "unit_type": "product_gift"},
                {"unit_off": 3, "effect": "ADD_NEW_ITEMS", "unit_type": "poster"},
            ],
        }
    )

    application = effect.application(EffectScope(MUG_POSTER_SHIRT, None, units=GIFT))
    after = application.applied_to(MUG_POSTER_SHIRT)

    assert [item.quantity for item in after.items] == [2, 6, 3, 2]
    assert application.computed is not None
    shown = application.computed.model_dump(mode="json", exclude_none=True)
    assert [unit["unit_off"] for unit in shown["units"]] == [0, 2, 3]


def test_a_cart_without_an_amount_gets_nothing_from_a_formula() -> None:
    assert given_to(discount("AMOUNT", "5"), make_cart()) == ([], None)
    assert given_to(discount("UNIT", "5", effect="ADD_NEW_ITEMS", unit_type="product_gift"), make_cart()) == ([], None)


@pytest.mark.parametrize(
    "definition",
    [
        {"type": "AMOUNT", "amount_off": 5, "amount_off_formula": "ORDER_ITEM_PRICE"},
        {
            "type": "AMOUNT",
            "amount_off": 5,
            "amount_off_formula": "ORDER_ITEM_PRICE",
            "effect": "APPLY_TO_ITEMS_PROPORTIONALLY",
        },
        {"type": "PERCENT", "percent_off": 5, "percent_off_formula": "ORDER_ITEM_PRICE"},
        {"type": "FIXED", "fixed_amount": 5, "fixed_amount_formula": "ORDER_ITEM_PRICE"},
        {"type": "UNIT", "unit_off": 5, "unit_type": "prod_1", "unit_off_formula": "ORDER_ITEM_PRICE"},
    ],
)
def test_what_is_computed_once_may_not_ask_about_lines(definition: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refusal:
        discount_adapter.validate_python(definition)

    (error,) = refusal.value.errors()
    assert error["msg"] == "Character 1: ORDER_ITEM_PRICE cannot be used in this formula."
    assert str(error["loc"][-1]).endswith("_formula")


@pytest.mark.parametrize("type_", ["AMOUNT", "PERCENT", "FIXED"])
def test_a_dynamic_discount_is_stored_as_it_was_written_and_never_as_computed(type_: str) -> None:
    effect = discount(type_, "ORDER_ITEM_PRICE/2", effect="APPLY_TO_ITEMS", is_dynamic=True)

    stored = effect.model_dump(mode="json", exclude_none=True)

    assert "is_dynamic" not in stored
    assert "ORDER_ITEM_PRICE/2" in stored.values()
    assert discount_adapter.validate_python(stored) == effect


lines = st.lists(st.builds(make_item, st.sampled_from("abc"), st.integers(1, 20), st.integers(0, 100_00)), max_size=5)


@given(
    lines,
    st.sampled_from(["AMOUNT", "PERCENT", "FIXED"]),
    st.sampled_from(["ORDER_ITEM_PRICE / 7", "POW(ORDER_ITEM_PRICE; 2)", "-1", "POW(10; 40)", "ORDER_AMOUNT / 3"]),
    st.data(),
)
def test_any_figure_leaves_every_line_and_the_order_at_or_above_zero_however_lines_are_cut(
    items: list[Item], type_: str, formula: str, data: Any
) -> None:
    effect = discount(type_, formula, effect="APPLY_TO_ITEMS")
    cart = make_cart(*items)

    application = effect.application(EffectScope(cart, EVERYTHING))
    after = application.applied_to(cart)

    assert all(0 <= item.discount_amount <= item.amount for item in after.items)
    assert 0 <= after.total_amount <= (cart.amount or 0)
    whole = [item for item in items if item.quantity > 1]
    if type_ == "AMOUNT" or not whole:
        return  # an amount is taken off once for each line, so two lines get it twice
    cut = data.draw(st.sampled_from(whole))
    units = data.draw(st.integers(1, cut.quantity - 1))
    halves = (make_item(cut.product_id, units, cut.price), make_item(cut.product_id, cut.quantity - units, cut.price))
    split = make_cart(*(half for item in items for half in (halves if item is cut else (item,))))

    in_two = effect.application(EffectScope(split, EVERYTHING))

    assert in_two.total_discount_amount == application.total_discount_amount


def test_a_computed_percentage_is_not_rounded_before_the_amount() -> None:
    taken, shown = given_to(discount("PERCENT", "100 / 3"), make_cart(amount=1_000_000_00))

    assert taken == 333_333_33
    assert shown is not None
    assert Decimal(str(shown["percent_off"])) == Decimal("33.333333333333336")
