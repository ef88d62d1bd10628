from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.commerce.orders.resolution import (
    Catalogue,
    KnownSku,
    catalogue_names,
    order_amount,
    resolve_items,
    stored_items,
)
from app.commerce.orders.schemas import OrderItemIn
from app.engine.cart import Item, Product, Sku
from app.engine.order_calculation import order_items_calculated
from app.kit.errors import InvalidPayload

SHIRT = Product("prod_1", "shirt", "Shirt", 1999, {"brand": "A", "kind": "top"})
LARGE = KnownSku(Sku("sku_1", "shirt-L", "L", 2199, {"size": "L"}), "prod_1")
NO_PRICE = KnownSku(Sku("sku_2", "shirt-M", "M"), "prod_1")
CATALOGUE = Catalogue.of([SHIRT], [LARGE, NO_PRICE])
EMPTY = Catalogue.of([], [])


def resolve(catalogue: Catalogue = CATALOGUE, **line: Any) -> Item:
    (item,) = resolve_items([OrderItemIn.model_validate(line)], catalogue)
    return item


@pytest.mark.parametrize(
    "named",
    [
        {"product_id": "prod_1"},
        {"product_id": "shirt"},
        {"source_id": "shirt", "related_object": "product"},
        {"source_id": "shirt"},
        {"product": {"id": "prod_1"}},
        {"product": {"source_id": "shirt"}},
    ],
)
def test_a_line_finds_its_product_by_any_of_its_names(named: dict[str, Any]) -> None:
    item = resolve(**named, quantity=3)

    assert (item.product_id, item.product, item.price, item.amount) == ("prod_1", SHIRT, 1999, 5997)


@pytest.mark.parametrize(
    "named",
    [
        {"sku_id": "sku_1"},
        {"source_id": "shirt-L", "related_object": "sku"},
        {"sku": {"id": "sku_1"}},
        {"sku": {"source_id": "shirt-L"}, "product_id": "prod_other"},
    ],
)
def test_a_sku_brings_its_product_and_its_own_price(named: dict[str, Any]) -> None:
    item = resolve(**named)

    assert (item.sku_id, item.product_id, item.product) == ("sku_1", "prod_1", SHIRT)
    assert (item.price, item.quantity, item.amount) == (2199, 1, 2199)


def test_a_sku_without_a_price_has_that_of_its_product() -> None:
    assert resolve(sku_id="sku_2").price == 1999


def test_a_source_id_of_a_product_does_not_name_a_sku() -> None:
    item = resolve(source_id="shirt", related_object="sku")

    assert (item.product, item.sku, item.source_id) == (None, None, "shirt")


def test_what_the_request_says_wins_over_the_catalogue() -> None:
    item = resolve(
        sku_id="sku_1",
        quantity=2,
        price=5,
        product={"name": "Blouse", "price": 7, "metadata": {"brand": "B"}},
        sku={"sku": "XL", "price": 6, "metadata": {"fit": "slim"}},
    )

    assert (item.price, item.amount) == (5, 10)
    assert item.product == Product("prod_1", "shirt", "Blouse", 7, {"brand": "B", "kind": "top"})
    assert item.sku == Sku("sku_1", "shirt-L", "XL", 6, {"size": "L", "fit": "slim"})


def test_unknown_things_are_taken_as_given() -> None:
    item = resolve(EMPTY, product_id="p", sku_id="s", quantity="2", price="150", product={"name": "Thing"})

    assert (item.product_id, item.sku_id, item.price, item.amount) == ("p", "s", 150, 300)
    assert item.product == Product(name="Thing")


def test_an_amount_alone_gives_the_price_where_it_divides_evenly() -> None:
    assert resolve(EMPTY, amount=300, quantity=3).price == 100
    assert resolve(EMPTY, amount=100, quantity=3).price == 0
    assert resolve(EMPTY, amount=100, quantity=0).price == 0


def test_a_given_amount_wins_over_price_times_quantity() -> None:
    assert resolve(price=100, quantity=2, amount=150).amount == 150


def test_a_cart_comes_without_discounts_and_an_order_keeps_them() -> None:
    line = OrderItemIn(price=100, quantity=2, discount_amount=50, discount_quantity=1)

    (in_cart,) = resolve_items([line], EMPTY)
    (kept,) = resolve_items([line], EMPTY, keep_discounts=True)

    assert (in_cart.discount_amount, in_cart.discount_quantity) == (0, 0)
    assert (kept.discount_amount, kept.discount_quantity, kept.subtotal_amount) == (50, 1, 150)


@pytest.mark.parametrize(
    ("lines", "path"),
    [
        ([{"price": 2**62, "quantity": 2}], "order.items[0]"),
        ([{"amount": 2**62}, {"amount": 2**62}], "order.items[1]"),
        ([{}, {"price": 1, "discount_amount": 2}], "order.items[1].discount_amount"),
        ([{"price": 1, "discount_quantity": 2}], "order.items[0].discount_quantity"),
    ],
)
def test_figures_that_cannot_be_are_refused_with_their_path(lines: list[dict[str, Any]], path: str) -> None:
    items = [OrderItemIn.model_validate(line) for line in lines]

    with pytest.raises(InvalidPayload) as refused:
        resolve_items(items, EMPTY, path="order.items", keep_discounts=True)

    assert refused.value.extra["errors"][0]["path"] == path


@pytest.mark.parametrize(
    ("given_amount", "amounts", "expected"),
    [(None, [], None), (5, [], 5), (5, [0, 0], 5), (None, [0], 0), (5, [3, 4], 7), (0, [], 0)],
)
def test_the_amount_of_an_order_is_its_lines_or_what_was_given(
    given_amount: int | None, amounts: list[int], expected: int | None
) -> None:
    assert order_amount(given_amount, [Item(1, amount) for amount in amounts]) == expected


def test_every_name_of_a_line_is_looked_up() -> None:
    line = {"product_id": "a", "sku_id": "b", "source_id": "c", "product": {"id": "d", "source_id": "e"}}

    names = catalogue_names([OrderItemIn.model_validate({**line, "sku": {"id": "f", "source_id": "a"}})])

    assert sorted(names) == ["a", "b", "c", "d", "e", "f"]


amounts = st.none() | st.integers(0, 10**12)
lines = st.fixed_dictionaries(
    {},
    optional={
        "product_id": st.sampled_from(["prod_1", "shirt", "prod_x"]),
        "sku_id": st.sampled_from(["sku_1", "sku_2", "sku_x"]),
        "source_id": st.sampled_from(["shirt", "shirt-L", "x"]),
        "related_object": st.sampled_from(["product", "sku"]),
        "quantity": st.none() | st.integers(0, 1000),
        "amount": amounts,
        "price": amounts,
        "product": st.fixed_dictionaries({}, optional={"id": st.just("prod_1"), "name": st.text(), "price": amounts}),
        "sku": st.fixed_dictionaries({}, optional={"source_id": st.just("shirt-M"), "price": amounts}),
        "metadata": st.dictionaries(st.text(), st.integers()),
    },
)


@given(st.lists(lines, max_size=5))
def test_kept_lines_come_back_as_they_were(given_lines: list[dict[str, Any]]) -> None:
    items = resolve_items([OrderItemIn.model_validate(line) for line in given_lines], CATALOGUE)

    kept = order_items_calculated(items)

    assert order_items_calculated(stored_items(kept)) == kept
    assert sum(item.amount for item in items) == sum(line["amount"] for line in kept)
