import json
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from voucherify.models.order_calculated import OrderCalculated
from voucherify.models.order_calculated_item import OrderCalculatedItem

from app.engine.application import Application
from app.engine.cart import Cart, Item, Product, Sku
from app.engine.effects import AmountOff, Effect, EffectScope, PercentOff
from app.engine.order_calculation import order_calculated

from .carts import EVERYTHING, carts, discounts, make_cart, make_item


def applied(effect: Effect, cart: Cart) -> tuple[Cart, Application]:
    application = effect.application(EffectScope(cart, EVERYTHING, "DISCOUNTED_AMOUNT", "half_up"))
    return application.applied_to(cart), application


def test_each_redeemable_of_a_stack_sees_and_shows_a_running_order() -> None:
    cart = make_cart(amount=200_000)

    after_first, first = applied(AmountOff(amount_off=100), cart)
    after_second, second = applied(PercentOff(percent_off=Decimal(20)), after_first)
    after_third, third = applied(AmountOff(amount_off=8_000), after_second)

    assert order_calculated(after_first, first)["total_amount"] == 199_900
    assert order_calculated(after_second, second) == {
        "object": "order",
        "amount": 200_000,
        "initial_amount": 200_000,
        "discount_amount": 40_080,
        "total_discount_amount": 40_080,
        "total_amount": 159_920,
        "applied_discount_amount": 39_980,
        "total_applied_discount_amount": 39_980,
    }
    assert order_calculated(after_third, first + second + third) == {
        "object": "order",
        "amount": 200_000,
        "initial_amount": 200_000,
        "discount_amount": 48_080,
        "total_discount_amount": 48_080,
        "total_amount": 151_920,
        "applied_discount_amount": 48_080,
        "total_applied_discount_amount": 48_080,
    }


def test_discounts_on_order_and_on_lines_are_told_apart_and_summed() -> None:
    cart = make_cart(make_item("mug", 2, 10_00), make_item("shirt", 1, 20_00))
    after_lines, _ = applied(AmountOff(amount_off=1_00, effect="APPLY_TO_ITEMS_BY_QUANTITY"), cart)
    after_order, application = applied(AmountOff(amount_off=7_00), after_lines)

    assert order_calculated(after_order, application) == {
        "object": "order",
        "amount": 40_00,
        "initial_amount": 40_00,
        "discount_amount": 7_00,
        "items_discount_amount": 3_00,
        "total_discount_amount": 10_00,
        "total_amount": 30_00,
        "applied_discount_amount": 7_00,
        "total_applied_discount_amount": 7_00,
        "items": [
            {
                "object": "order_item",
                "product_id": "mug",
                "quantity": 2,
                "amount": 20_00,
                "price": 10_00,
                "discount_amount": 2_00,
                "subtotal_amount": 18_00,
            },
            {
                "object": "order_item",
                "product_id": "shirt",
                "quantity": 1,
                "amount": 20_00,
                "price": 20_00,
                "discount_amount": 1_00,
                "subtotal_amount": 19_00,
            },
        ],
    }


def test_what_a_line_lost_to_this_redeemable_is_on_the_line() -> None:
    cart = make_cart(make_item("mug", 2, 10_00), make_item("free", 1, 0))

    order = order_calculated(*applied(PercentOff(percent_off=Decimal(10), effect="APPLY_TO_ITEMS"), cart))

    assert order["items_applied_discount_amount"] == order["total_applied_discount_amount"] == 2_00
    assert "applied_discount_amount" not in order
    assert order["items"][0]["applied_discount_amount"] == 2_00
    assert "applied_discount_amount" not in order["items"][1]


def test_units_given_free_of_charge_are_on_their_line() -> None:
    cart = make_cart(make_item("mug", 3, 10_00), make_item("shirt", 1, 20_00))
    application = Application(item_discount_amounts=(10_00, 0), item_discount_quantities=(1, 0))

    mug, shirt = order_calculated(application.applied_to(cart), application)["items"]

    assert (mug["discount_quantity"], mug["applied_discount_quantity"]) == (1, 1)
    assert "discount_quantity" not in shirt
    assert "applied_discount_quantity" not in shirt


def test_an_order_with_nothing_to_report_says_nothing() -> None:
    assert order_calculated(make_cart()) == {"object": "order"}
    assert order_calculated(make_cart(amount=0)) == {
        "object": "order",
        "amount": 0,
        "initial_amount": 0,
        "total_amount": 0,
    }


def test_a_line_keeps_everything_the_shop_said_about_it() -> None:
    item = Item(
        quantity=2,
        amount=40_00,
        price=20_00,
        id="ordli_1",
        product_id="prod_1",
        sku_id="sku_1",
        source_id="V-1",
        related_object="sku",
        initial_quantity=1,
        initial_amount=20_00,
        product=Product(id="prod_1", source_id="S-1", name="Shirt", price=20_00, metadata={"colour": "red"}),
        sku=Sku(id="sku_1", source_id="V-1", sku="Red", price=20_00, metadata={"size": "L"}),
        metadata={"gift": True},
    )

    order = order_calculated(make_cart(item, metadata={"channel": "app"}, initial_amount=20_00))

    assert order["metadata"] == {"channel": "app"}
    assert order["initial_amount"] == 20_00
    assert order["items"] == [
        {
            "object": "order_item",
            "id": "ordli_1",
            "product_id": "prod_1",
            "sku_id": "sku_1",
            "source_id": "V-1",
            "related_object": "sku",
            "quantity": 2,
            "initial_quantity": 1,
            "amount": 40_00,
            "initial_amount": 20_00,
            "price": 20_00,
            "subtotal_amount": 40_00,
            "product": {
                "id": "prod_1",
                "source_id": "S-1",
                "name": "Shirt",
                "price": 20_00,
                "metadata": {"colour": "red"},
            },
            "sku": {"id": "sku_1", "source_id": "V-1", "sku": "Red", "price": 20_00, "metadata": {"size": "L"}},
            "metadata": {"gift": True},
        }
    ]


def check_figures(order: dict[str, Any]) -> None:
    """The equations of the contract's section on order calculation."""
    items = order.get("items", [])
    total_discount_amount = order.get("total_discount_amount", 0)
    assert order.get("items_discount_amount", 0) == sum(item.get("discount_amount", 0) for item in items)
    assert total_discount_amount == order.get("discount_amount", 0) + order.get("items_discount_amount", 0)
    assert order["total_amount"] == order["amount"] - total_discount_amount >= 0
    assert order.get("items_applied_discount_amount", 0) == sum(
        item.get("applied_discount_amount", 0) for item in items
    )
    assert order.get("total_applied_discount_amount", 0) == order.get("applied_discount_amount", 0) + order.get(
        "items_applied_discount_amount", 0
    )
    for item in items:
        assert item["subtotal_amount"] == item["amount"] - item.get("discount_amount", 0) >= 0


@given(carts().filter(lambda cart: cart.amount is not None), st.lists(discounts, max_size=4))
def test_every_calculated_order_adds_up_and_is_read_by_the_official_client(cart: Cart, effects: list[Effect]) -> None:
    running = cart
    for effect in effects:
        running, application = applied(effect, running)
        order = json.loads(json.dumps(order_calculated(running, application)))

        check_figures(order)
        OrderCalculated.model_validate(order)
        for item in order.get("items", []):
            OrderCalculatedItem.model_validate(item)
