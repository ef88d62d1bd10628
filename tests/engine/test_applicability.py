from typing import Any

import pytest
from pydantic import ValidationError

from app.engine.applicability import (
    ApplicabilityDefinition,
    applicability_of,
    applicable_to,
    inapplicable_to,
    narrowed,
)
from app.engine.cart import Item, Product, Sku

from .carts import make_cart, make_item, reaching

SHIRT = make_item("prod_shirt", 1, 20_00)
RED_SHIRT = make_item("prod_shirt", 2, 22_00, sku_id="sku_red")
MUG = make_item("prod_mug", 1, 10_00)


def defined(**definition: Any) -> ApplicabilityDefinition:
    return ApplicabilityDefinition.model_validate(definition)


def product(product_id: str, **options: Any) -> dict[str, Any]:
    return {"object": "product", "id": product_id, **options}


def sku(sku_id: str, **options: Any) -> dict[str, Any]:
    return {"object": "sku", "id": sku_id, **options}


def covered(definition: ApplicabilityDefinition, *items: Item) -> list[bool]:
    applicability = applicability_of(definition)
    assert applicability is not None
    return [applicability.covers(item) for item in items]


def test_choosing_a_product_chooses_its_skus() -> None:
    assert covered(defined(included=[product("prod_shirt")]), SHIRT, RED_SHIRT, MUG) == [True, True, False]


def test_choosing_a_sku_does_not_choose_its_product() -> None:
    assert covered(defined(included=[sku("sku_red")]), SHIRT, RED_SHIRT, MUG) == [False, True, False]


def test_an_excluded_sku_is_out_although_its_product_is_in() -> None:
    definition = defined(included=[product("prod_shirt")], excluded=[sku("sku_red")])

    assert covered(definition, SHIRT, RED_SHIRT, MUG) == [True, False, False]


def test_all_are_in_but_the_excluded() -> None:
    for definition in (
        defined(included_all=True, excluded=[product("prod_shirt")]),
        defined(excluded=[product("prod_shirt")]),
    ):
        assert covered(definition, SHIRT, RED_SHIRT, MUG) == [False, False, True]


@pytest.mark.parametrize(
    "item",
    [
        Item(1, 100, source_id="S-1", related_object="product"),
        Item(1, 100, source_id="S-1"),
        Item(1, 100, product=Product(source_id="S-1")),
        Item(1, 100, product=Product(id="prod_1")),
        Item(1, 100, product_id="prod_1", sku_id="sku_9"),
        Item(1, 100, source_id="V-1", related_object="sku", product=Product(id="prod_1")),
    ],
)
def test_a_product_is_known_by_its_id_and_by_the_id_of_its_source(item: Item) -> None:
    assert covered(defined(included=[product("prod_1", source_id="S-1")]), item) == [True]


@pytest.mark.parametrize(
    "item",
    [
        Item(1, 100, source_id="V-1", related_object="sku"),
        Item(1, 100, sku=Sku(source_id="V-1")),
        Item(1, 100, sku=Sku(id="sku_1")),
        Item(1, 100, sku_id="sku_1"),
    ],
)
def test_a_sku_is_known_by_its_id_and_by_the_id_of_its_source(item: Item) -> None:
    assert covered(defined(included=[sku("sku_1", source_id="V-1")]), item) == [True]


def test_a_line_that_names_nothing_is_reached_only_where_everything_is() -> None:
    nameless = Item(1, 100)

    assert covered(defined(included=[product("prod_1")]), nameless) == [False]
    assert covered(defined(included_all=True), nameless) == [True]


def test_a_rule_that_names_no_target_has_no_applicability() -> None:
    assert applicability_of(None) is None
    assert applicability_of(defined()) is None
    assert applicability_of(defined(included=None, excluded=[], included_all=None)) is None


def test_the_rules_of_campaign_and_voucher_must_both_reach_a_line() -> None:
    both = narrowed([reaching("prod_shirt", "prod_mug"), None, reaching(excluding=("prod_mug",))])

    assert both is not None
    assert [both.covers(item) for item in (SHIRT, MUG)] == [True, False]
    assert narrowed([None, None]) is None


def test_entries_are_returned_whole_with_the_lines_they_reach() -> None:
    options = {
        "effect": "APPLY_TO_CHEAPEST",
        "skip_initially": 0,
        "repeat": 2,
        "target": "UNIT",
        "quantity_limit": 3,
        "price": 500,
    }
    applicability = applicability_of(
        defined(included=[product("prod_shirt", **options), product("prod_hat")], excluded=[sku("sku_red")])
    )
    cart = make_cart(MUG, SHIRT, RED_SHIRT)

    assert applicable_to(applicability, cart) == [
        {
            "object": "product",
            "id": "prod_shirt",
            **options,
            "order_item_indices": [1],
            "order_item_units": [{"index": 1, "units": [1]}],
        },
        {"object": "product", "id": "prod_hat", "effect": "APPLY_TO_EVERY"},
    ]
    assert inapplicable_to(applicability, cart) == [
        {"object": "sku", "id": "sku_red", "effect": "APPLY_TO_EVERY", "order_item_indices": [2]}
    ]


def test_where_everything_is_included_the_products_of_the_cart_are_named() -> None:
    cart = make_cart(MUG, SHIRT, RED_SHIRT, MUG, Item(1, 100, source_id="S-1", related_object="product"), Item(1, 5))

    assert applicable_to(reaching(excluding=("prod_shirt",)), cart) == [
        {"object": "product", "id": "prod_mug", "effect": "APPLY_TO_EVERY", "order_item_indices": [0, 3]},
        {
            "object": "product",
            "id": "S-1",
            "source_id": "S-1",
            "effect": "APPLY_TO_EVERY",
            "order_item_indices": [4],
        },
    ]
    assert applicable_to(None, cart) == inapplicable_to(None, cart) == []


@pytest.mark.parametrize(
    ("definition", "path"),
    [
        ({"included": [{"object": "product"}]}, ("included", 0, "id")),
        ({"included": [product("p"), {"id": "p"}]}, ("included", 1, "object")),
        ({"excluded": [{"object": "shop", "id": "p"}]}, ("excluded", 0, "object")),
        ({"included": [{"object": "products_collection"}]}, ("included", 0, "id")),
        ({"included": [product("p", effect="APPLY_TO_BEST")]}, ("included", 0, "effect")),
        ({"included": [product("p", quantity_limit=1.5)]}, ("included", 0, "quantity_limit")),
        ({"included": [product("p", repeat=-1)]}, ("included", 0, "repeat")),
        ({"included": product("p")}, ("included",)),
        ({"included_all": "perhaps"}, ("included_all",)),
    ],
)
def test_a_bad_entry_is_refused_with_its_path(definition: dict[str, Any], path: tuple[str | int, ...]) -> None:
    with pytest.raises(ValidationError) as refusal:
        defined(**definition)

    assert [error["loc"] for error in refusal.value.errors()] == [path]


def test_response_only_and_unknown_fields_of_an_entry_are_dropped() -> None:
    entry = product("p", order_item_indices=[1], order_item_units=[], colour="red", price=None, effect=None)

    (kept,) = defined(included=[entry]).included

    assert kept.model_dump(exclude_none=True) == {"object": "product", "id": "p", "effect": "APPLY_TO_EVERY"}
