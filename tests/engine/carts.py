"""Carts for the engine's tests, and what Hypothesis may make of them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from app.engine.applicability import Applicability, ApplicabilityDefinition, applicability_of
from app.engine.cart import Cart, Customer, Item, Product
from app.engine.effects import (
    AddManyItems,
    AddMissingItems,
    AddNewItems,
    AddSameItems,
    AmountOff,
    Effect,
    FixedPrice,
    PercentOff,
    ReplaceItems,
)
from app.engine.effects.add_many_items import OneOfMany
from app.engine.effects.base import MoneyOff
from app.engine.effects.unit_effect import SHIPPING_ID
from app.engine.money import LARGEST_INTEGER
from app.engine.targets import TargetEffect
from app.engine.units import UnitSource

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def make_item(product_id: str, quantity: int, price: int, **fields: Any) -> Item:
    return Item(quantity=quantity, price=price, amount=quantity * price, product_id=product_id, **fields)


def make_cart(*items: Item, **fields: Any) -> Cart:
    """A cart of these lines, or of `amount` alone, on a Saturday noon."""
    fields.setdefault("amount", sum(item.amount for item in items) if items else None)
    return Cart(now=NOW, zone=BERLIN, items=items, **fields)


def reaching(*product_ids: str, excluding: tuple[str, ...] = ()) -> Applicability:
    """Reaches these products, or all of them when none is named."""
    applicability = applicability_of(
        ApplicabilityDefinition.model_validate(
            {
                "included": [{"object": "product", "id": product_id} for product_id in product_ids],
                "excluded": [{"object": "product", "id": product_id} for product_id in excluding],
                "included_all": not product_ids,
            }
        )
    )
    assert applicability is not None
    return applicability


EVERYTHING = reaching()
BUYER = Customer(id="cust_1")

percents = st.integers(1, 10_000).map(lambda hundredths: Decimal(hundredths).scaleb(-2))
amounts = st.integers(0, 1_000_000) | st.integers(0, LARGEST_INTEGER)
limits = st.none() | st.integers(1, 5) | st.integers(1, 100_000)
line_effects = st.sampled_from(
    [
        "APPLY_TO_ORDER",
        "APPLY_TO_ITEMS",
        "APPLY_TO_ITEMS_BY_QUANTITY",
        "APPLY_TO_ITEMS_PROPORTIONALLY",
        "APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY",
    ]
)
order_or_items = st.sampled_from(["APPLY_TO_ORDER", "APPLY_TO_ITEMS"])
discounts: st.SearchStrategy[MoneyOff] = st.one_of(
    st.builds(AmountOff, amount_off=amounts, effect=line_effects, aggregated_amount_limit=limits),
    st.builds(
        PercentOff, percent_off=percents, effect=order_or_items, amount_limit=limits, aggregated_amount_limit=limits
    ),
    st.builds(FixedPrice, fixed_amount=amounts, effect=order_or_items),
)
units = st.integers(1, 4) | st.integers(1, 60)
unit_types = st.sampled_from(["a", "b", "gift", "unknown", SHIPPING_ID])
unit_effects: st.SearchStrategy[Effect] = st.one_of(
    st.builds(AddMissingItems, unit_off=units, unit_type=unit_types),
    st.builds(AddNewItems, unit_off=units, unit_type=unit_types),
    st.builds(AddSameItems, unit_off=units, unit_type=unit_types, effect=st.just("ADD_SAME_ITEMS")),
    st.builds(ReplaceItems, unit_off=units, unit_type=unit_types, effect=st.just("REPLACE_ITEMS")),
    st.builds(
        AddManyItems,
        effect=st.just("ADD_MANY_ITEMS"),
        units=st.lists(
            st.builds(
                OneOfMany,
                unit_off=units,
                unit_type=unit_types,
                effect=st.sampled_from(["ADD_NEW_ITEMS", "ADD_MISSING_ITEMS"]),
            ),
            min_size=1,
            max_size=3,
        ).map(tuple),
    ),
)
effects: st.SearchStrategy[Effect] = discounts | unit_effects
SOURCES = {"gift": UnitSource(Product("gift", name="Gift", price=1299)), "a": UnitSource(Product("a", price=500))}
"""What the catalogue has of the things that `unit_effects` give."""

modes = st.sampled_from(["DISCOUNTED_AMOUNT", "INITIAL_AMOUNT"])
roundings = st.sampled_from(["half_up", "half_even", "down"])
applicabilities = st.none() | st.sampled_from(
    [EVERYTHING, reaching("a"), reaching("a", "b"), reaching(excluding=("c",))]
)


@st.composite
def narrow_applicabilities(draw: st.DrawFn) -> Applicability:
    """Targets with options: the cheapest, every n-th, single units, within limits, at prices of their own."""
    some = st.none() | st.integers(0, 4)
    entries = [
        {
            "object": "product",
            "id": product_id,
            "effect": draw(st.sampled_from(get_args(TargetEffect))),
            "target": draw(st.sampled_from(["ITEM", "UNIT"])),
            "skip_initially": draw(some),
            "repeat": draw(some),
            "quantity_limit": draw(st.none() | st.integers(0, 9)),
            "aggregated_quantity_limit": draw(st.none() | st.integers(0, 20)),
            "amount_limit": draw(limits),
            "aggregated_amount_limit": draw(limits),
            "price": draw(st.none() | st.integers(0, 2_000)),
        }
        for product_id in draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=3))
    ]
    applicability = applicability_of(ApplicabilityDefinition.model_validate({"included": entries}))
    assert applicability is not None
    return applicability


@st.composite
def summed_carts(draw: st.DrawFn) -> Cart:
    """Carts whose amount is the sum of their lines, none of them discounted yet."""
    return make_cart(
        *(
            make_item(draw(st.sampled_from("abc")), draw(st.integers(1, 12)), draw(st.integers(0, 5_000)))
            for _ in range(draw(st.integers(1, 6)))
        )
    )


@st.composite
def carts(draw: st.DrawFn) -> Cart:
    """Carts of up to eight lines, some free, some already discounted, some with an amount that is not their sum."""
    items = tuple(
        make_item(draw(st.sampled_from("abc")), draw(st.integers(0, 50)), draw(st.integers(0, 100_000)))
        for _ in range(draw(st.integers(0, 8)))
    )
    amount = draw(st.none() | st.just(sum(item.amount for item in items)) | st.integers(0, 10_000_000))
    discount_amount = draw(st.just(0) | st.integers(0, amount or 0))
    return make_cart(*items, amount=amount, discount_amount=discount_amount)
