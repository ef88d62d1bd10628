"""Units that are given: added, made free, exchanged. Figures are those of the contract, surface.md section 5 and 6."""

from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter

from app.engine.application import NOTHING, Application
from app.engine.cart import Cart, Product, Sku
from app.engine.effects import Discount, Effect, EffectScope
from app.engine.effects.unit_effect import SHIPPING_ID
from app.engine.money import LARGEST_INTEGER
from app.engine.order_calculation import order_calculated
from app.engine.units import UnitSource

from .carts import make_cart, make_item, reaching

HAT = UnitSource(Product("hat", "HAT", "Hat", 15_00))
discount_adapter: TypeAdapter[Effect] = TypeAdapter(Discount)


def giving(effect: str, unit_off: int = 1, unit_type: str = "hat", **members: Any) -> Effect:
    return discount_adapter.validate_python(
        {"type": "UNIT", "effect": effect, "unit_off": unit_off, "unit_type": unit_type, **members}
    )


def given(effect: Effect, cart: Cart, **scope: Any) -> Application:
    return effect.application(EffectScope(cart, **{"units": {"hat": HAT}, **scope}))


def figures(application: Application, cart: Cart) -> list[tuple[int, int, int]]:
    """Quantity, units free of charge and amount left of each line afterwards."""
    return [
        (item.quantity, item.discount_quantity, item.subtotal_amount) for item in application.applied_to(cart).items
    ]


def test_only_missing_units_are_added_and_all_of_them_are_free() -> None:
    effect = giving("ADD_MISSING_ITEMS", 3)
    expected = {0: [(3, 3, 0)], 1: [(3, 3, 0)], 3: [(3, 3, 0)], 5: [(5, 3, 30_00)]}

    for quantity, lines in expected.items():
        cart = make_cart(make_item("hat", quantity, 15_00)) if quantity else make_cart(amount=0)
        assert figures(given(effect, cart), cart) == lines


def test_new_units_are_added_to_the_line_that_has_them() -> None:
    cart = make_cart(make_item("hat", 2, 14_00), make_item("mug", 1, 10_00))

    assert figures(given(giving("ADD_NEW_ITEMS"), cart), cart) == [(3, 1, 28_00), (1, 0, 10_00)]


def test_an_order_with_units_added_reports_what_it_was_and_what_it_is() -> None:
    cart = make_cart(make_item("mug", 1, 10_00, initial_quantity=1, initial_amount=10_00))
    application = given(giving("ADD_NEW_ITEMS", 2), cart)

    order = order_calculated(application.applied_to(cart), application)

    assert {name: order[name] for name in ("initial_amount", "amount", "total_discount_amount", "total_amount")} == {
        "initial_amount": 10_00,
        "amount": 40_00,
        "total_discount_amount": 30_00,
        "total_amount": 10_00,
    }
    assert order["items"][1]["initial_quantity"] == order["items"][1]["initial_amount"] == 0
    assert (order["items"][1]["applied_quantity"], order["items"][1]["applied_quantity_amount"]) == (2, 30_00)


def test_what_a_rule_calls_the_initial_amount_is_that_without_the_added_units() -> None:
    cart = make_cart(make_item("mug", 1, 10_00))

    once = given(giving("ADD_NEW_ITEMS"), cart).applied_to(cart)
    twice = given(giving("ADD_NEW_ITEMS"), once).applied_to(once)

    assert (once.initial_amount, twice.initial_amount, twice.amount) == (10_00, 10_00, 40_00)


def test_of_several_lines_the_cheapest_is_made_free_wherever_it_stands() -> None:
    dear, cheap = make_item("hat", 1, 20_00), make_item("hat", 1, 9_00)
    effect = giving("ADD_MISSING_ITEMS")

    for items in ((dear, cheap), (cheap, dear)):
        assert given(effect, make_cart(*items)).total_discount_amount == 9_00


def test_units_free_already_are_not_made_free_again() -> None:
    cart = make_cart(make_item("hat", 3, 10_00))
    effect = giving("ADD_MISSING_ITEMS", 2)
    once = given(effect, cart).applied_to(cart)

    assert figures(given(effect, once), once) == [(3, 3, 0)]


def test_a_unit_of_a_discounted_line_is_worth_what_is_left_to_pay_for_it() -> None:
    cart = make_cart(make_item("hat", 3, 10_00, discount_amount=4_00))

    assert given(giving("ADD_MISSING_ITEMS"), cart).item_discount_amounts == (8_67,)


def test_a_skus_unit_is_not_a_unit_of_another_sku_but_of_its_product() -> None:
    red = UnitSource(Product("shirt", price=20_00), Sku("sku_red", price=22_00))
    cart = make_cart(make_item("shirt", 1, 21_00, sku_id="sku_blue"))

    sku = given(giving("ADD_MISSING_ITEMS", unit_type="sku_red"), cart, units={"sku_red": red})
    product = given(giving("ADD_MISSING_ITEMS", unit_type="shirt"), cart, units={})

    assert figures(sku, cart) == [(1, 0, 21_00), (1, 1, 0)]
    assert sku.added_items[0].price == 22_00
    assert figures(product, cart) == [(1, 1, 0)]


def test_a_sku_without_a_price_has_that_of_its_product() -> None:
    assert UnitSource(Product("shirt", price=20_00), Sku("sku_red")).price == 20_00
    assert UnitSource(Product("shirt"), Sku("sku_red")).price is None


def test_what_the_catalogue_lost_is_not_given() -> None:
    cart = make_cart(make_item("mug", 1, 10_00))

    assert given(giving("ADD_NEW_ITEMS", unit_type="gone"), cart) == NOTHING


def test_without_an_order_no_unit_is_given() -> None:
    for name in ("ADD_MISSING_ITEMS", "ADD_NEW_ITEMS", "ADD_SAME_ITEMS", "REPLACE_ITEMS"):
        assert given(giving(name), make_cart(), applicability=reaching()) == NOTHING


def test_shipping_is_bought_once_so_it_is_made_free_rather_than_added_again() -> None:
    cart = make_cart(make_item("mug", 1, 10_00), make_item(SHIPPING_ID, 1, 4_99))

    for name in ("ADD_NEW_ITEMS", "ADD_MISSING_ITEMS"):
        assert figures(given(giving(name, unit_type=SHIPPING_ID), cart), cart) == [(1, 0, 10_00), (1, 1, 0)]


def test_the_shop_may_keep_shipping_as_a_product_with_a_price() -> None:
    cart = make_cart(make_item("mug", 1, 10_00))
    kept = {SHIPPING_ID: UnitSource(Product("prod_1", SHIPPING_ID, "Parcel", 4_99))}

    application = given(giving("ADD_NEW_ITEMS", unit_type=SHIPPING_ID), cart, units=kept)

    assert application.item_amounts == (0, 4_99)
    assert application.applied_to(cart).total_amount == 10_00


def test_several_things_are_given_one_after_the_other() -> None:
    effect = giving(
        "ADD_MANY_ITEMS",
        units=[
            {"unit_off": 1, "unit_type": "hat", "effect": "ADD_NEW_ITEMS"},
            {"unit_off": 3, "unit_type": "hat", "effect": "ADD_MISSING_ITEMS"},
            {"unit_off": 1, "unit_type": "mug", "effect": "ADD_MISSING_ITEMS"},
        ],
    )
    cart = make_cart(make_item("mug", 2, 10_00))

    assert figures(given(effect, cart), cart) == [(2, 1, 10_00), (3, 3, 0)]


def test_the_same_item_is_what_the_customer_buys_and_the_cheapest_of_it() -> None:
    cart = make_cart(
        make_item("shirt", 1, 20_00, collection_ids=frozenset({"pc_summer"})),
        make_item("mug", 2, 10_00, collection_ids=frozenset({"pc_summer"})),
        make_item("sock", 1, 3_00),
    )

    collected = given(giving("ADD_SAME_ITEMS", unit_type="pc_summer"), cart)
    narrowed = given(giving("ADD_SAME_ITEMS", unit_type="pc_summer"), cart, applicability=reaching("shirt"))

    assert figures(collected, cart) == [(1, 0, 20_00), (3, 1, 20_00), (1, 0, 3_00)]
    assert figures(narrowed, cart) == [(2, 1, 20_00), (2, 0, 20_00), (1, 0, 3_00)]
    assert given(giving("ADD_SAME_ITEMS", unit_type="hat"), cart) == NOTHING


def test_an_upgrade_costs_what_it_replaces() -> None:
    cart = make_cart(make_item("cap", 3, 10_00))

    application = given(giving("REPLACE_ITEMS", 2), cart, applicability=reaching("cap"))
    after = application.applied_to(cart)

    assert figures(application, cart) == [(1, 0, 10_00), (2, 0, 20_00)]
    assert (after.initial_amount, after.amount, after.total_amount) == (30_00, 40_00, 30_00)
    assert application.item_quantities == (-2, 2)
    assert application.total_discount_amount == 10_00


def test_a_replacement_that_costs_less_lowers_the_price() -> None:
    cart = make_cart(make_item("gown", 1, 99_00))

    application = given(giving("REPLACE_ITEMS"), cart, applicability=reaching("gown"))

    assert application.total_discount_amount == 0
    assert application.applied_to(cart).total_amount == 15_00


def test_units_of_the_upgrade_itself_are_not_replaced() -> None:
    cart = make_cart(make_item("hat", 2, 15_00), make_item("cap", 1, 10_00))

    application = given(giving("REPLACE_ITEMS", 5), cart, applicability=reaching())

    assert figures(application, cart) == [(3, 0, 40_00), (0, 0, 0)]


def test_a_line_keeps_as_many_units_as_its_discounts_need() -> None:
    cart = make_cart(make_item("cap", 3, 10_00, discount_amount=12_00))

    application = given(giving("REPLACE_ITEMS", 3), cart, applicability=reaching("cap"))

    assert figures(application, cart) == [(2, 0, 8_00), (1, 0, 10_00)]


def test_a_cheaper_replacement_never_takes_an_order_below_zero() -> None:
    cart = replace(make_cart(make_item("gown", 2, 99_00)), discount_amount=100_00)

    application = given(giving("REPLACE_ITEMS", 2), cart, applicability=reaching("gown"))

    assert [item.quantity for item in application.applied_to(cart).items] == [1, 1]
    assert application.applied_to(cart).total_amount == 14_00


def test_units_without_targets_are_not_replaced() -> None:
    assert given(giving("REPLACE_ITEMS"), make_cart(make_item("cap", 1, 10_00))) == NOTHING


def test_an_order_at_the_end_of_64_bits_is_given_what_fits() -> None:
    cart = make_cart(make_item("gold", 1, LARGEST_INTEGER - 20_00))

    application = given(giving("ADD_NEW_ITEMS", 5), cart)

    assert application.item_quantities == (0, 1)


def test_units_are_given_once_for_each_complete_bundle() -> None:
    many = giving("ADD_MANY_ITEMS", units=[{"unit_off": 2, "unit_type": "hat", "effect": "ADD_NEW_ITEMS"}])
    cart = make_cart(make_item("mug", 1, 10_00))
    scope = EffectScope(cart, units={"hat": HAT}, bundles_count=3)

    for effect in (giving("ADD_NEW_ITEMS", 2), many):
        assert effect.for_order(scope).application(scope).item_quantities == (0, 6)


def test_a_missing_effect_means_missing_units() -> None:
    for effect in ({}, {"effect": None}):
        parsed = discount_adapter.validate_python({"type": "UNIT", "unit_off": 1, "unit_type": "hat", **effect})
        assert parsed.model_dump(exclude_none=True)["effect"] == "ADD_MISSING_ITEMS"


def test_units_added_by_two_redeemables_add_up_line_by_line() -> None:
    cart = make_cart(make_item("mug", 1, 10_00))
    first = given(giving("ADD_NEW_ITEMS"), cart)
    second = given(giving("ADD_MISSING_ITEMS", unit_type="mug"), first.applied_to(cart))

    assert (first + second).applied_to(cart) == second.applied_to(first.applied_to(cart))
