"""What formulas can ask for, compare and search, on the order of orders.py."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.engine.cart import Item
from app.engine.formulas import FormulaScope, parse_formula
from app.engine.formulas.variables import METADATA, VARIABLES
from tests.engine.formulas.orders import CART, EVERYTHING, MUG, POSTER, SCOPE, SHIRT, scope_of


def result(text: str, scope: FormulaScope = SCOPE) -> Decimal | None:
    return parse_formula(text, variables=EVERYTHING).value(scope)


def holds(condition: str, scope: FormulaScope = SCOPE) -> bool | None:
    """What a condition says, None when it cannot be computed."""
    value = result(f"IF({condition}; 1; 0)", scope)
    return None if value is None else bool(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ORDER_AMOUNT", "125.00"),
        ("ORDER_ITEMS_QUANTITY", "3"),
        ("ORDER_UNITS_QUANTITY", "8"),
        ("CHEAPEST_ORDER_ITEM_PRICE", "10"),
        ("CHEAPEST_ORDER_ITEM_AMOUNT", "20"),
        ("CHEAPEST_ORDER_ITEM_SUBTOTAL", "15"),
        ("CHEAPEST_ORDER_ITEM_UNITS_QUANTITY", "2"),
        ('CHEAPEST_ORDER_ITEM_PRODUCT_METADATA("weight")', "0.4"),
        ("MOST_EXPENSIVE_ORDER_ITEM_PRICE", "20"),
        ("MOST_EXPENSIVE_ORDER_ITEM_AMOUNT", "60"),
        ("MOST_EXPENSIVE_ORDER_ITEM_SUBTOTAL", "60"),
        ("MOST_EXPENSIVE_ORDER_ITEM_UNITS_QUANTITY", "3"),
        ('ORDER_METADATA("points") / 2', "25"),
        ('ORDER_METADATA("ratio") + 0.2', "0.3"),
        ('REDEMPTION_METADATA("till")', "3"),
        ('REDEEMABLE_METADATA("bonus")', "4"),
        ("VOUCHER_REDEMPTION_QUANTITY - VOUCHER_REDEEMED_QUANTITY", "3"),
        ("VOUCHER_PUBLISH_COUNT", "1"),
        ("BUNDLE_QUANTITY * 2", "6"),
        ("YEAR(VOUCHER_START_DATE)", "2026"),
    ],
)
def test_an_order_shows_to_formulas(text: str, expected: str) -> None:
    assert result(text) == Decimal(expected)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (MUG, ("10.00", "20.00", "15.00", "2", "0.4")),
        (POSTER, ("15.00", "45.00", "45.00", "3", None)),
        (SHIRT, ("20.00", "60.00", "60.00", "3", None)),
        (Item(quantity=3, amount=10_00), ("3.33", "10.00", "10.00", "3", None)),
    ],
)
def test_a_line_shows_to_formulas(item: Item, expected: tuple[str | None, ...]) -> None:
    asked = ("PRICE", "AMOUNT", "SUBTOTAL", "UNITS_QUANTITY", 'PRODUCT_METADATA("weight")')

    seen = tuple(result(f"ORDER_ITEM_{name}", SCOPE.at(item)) for name in asked)

    assert seen == tuple(None if value is None else Decimal(value) for value in expected)


def test_lines_of_equal_price_are_told_apart_by_their_subtotal_and_then_by_their_place() -> None:
    def line(source_id: str, discount_amount: int) -> Item:
        return Item(quantity=1, price=5_00, amount=5_00, discount_amount=discount_amount, metadata={"is": source_id})

    scope = scope_of(replace(CART, items=(line("a", 0), line("b", 1_00), line("c", 1_00))))

    for prefix in ("CHEAPEST", "MOST_EXPENSIVE"):
        assert holds(f'{prefix}_ORDER_ITEM_METADATA("is") is "b"', scope) is True


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_what_an_empty_order_leaves_open_cannot_be_computed(name: str) -> None:
    value_from = "DAYS_SINCE({})" if VARIABLES[name].type.name == "MOMENT" else "{}"

    computed = result(value_from.format(name), scope_of())

    known = {"ORDER_ITEMS_QUANTITY": 0, "ORDER_UNITS_QUANTITY": 0, "TODAY": 0, "NOW": 0}
    assert computed == (Decimal(known[name]) if name in known else None)


@pytest.mark.parametrize("name", sorted(METADATA))
def test_metadata_that_nobody_gave_cannot_be_computed_with(name: str) -> None:
    assert result(f'{name}("points")', scope_of()) is None
    assert result(f'{name}("points")', scope_of(item=Item(quantity=1, amount=1))) is None
    assert result(f'DEFAULT_TO({name}("points"); 7)', scope_of()) == 7


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        # Equality: different types are different; a date is equal to the text that names it.
        ('ORDER_METADATA("points") is 50', True),
        ('ORDER_METADATA("points") = 50.0', True),
        ('ORDER_METADATA("points") isNot 50', False),
        ('ORDER_METADATA("numeral") is 10', False),
        ('ORDER_METADATA("numeral") isNot 10', True),
        ('ORDER_METADATA("numeral") is "10"', True),
        ('ORDER_METADATA("vip") is TRUE', True),
        ('ORDER_METADATA("vip") is 1', False),
        ('ORDER_METADATA("vip")', True),
        ('ORDER_METADATA("channel") is "Web Shop"', False),
        ('ORDER_METADATA("due") is DATE("2026-12-24")', True),
        ('DATE("2026-12-24") = ORDER_METADATA("due")', True),
        ('ORDER_METADATA("channel") is DATE("2026-12-24")', False),
        ('ORDER_METADATA("points") is DATE("2026-12-24")', False),
        ('ORDER_METADATA("placed") is DATE("2026-11-21")', True),
        ('ORDER_METADATA("placed") is DATE_TIME("2026-11-21T23:59:59+01:00")', True),
        ('ORDER_METADATA("placed") is DATE_TIME("2026-11-21T23:59:59")', True),
        ('ORDER_METADATA("tags") is ORDER_METADATA("tags")', True),
        ('ORDER_METADATA("tags") is "new"', False),
        # Order: numbers only.
        ('ORDER_METADATA("points") > 49', True),
        ('ORDER_METADATA("points") < 50', False),
        ('ORDER_METADATA("numeral") > 5', None),
        ('ORDER_METADATA("vip") > 0', None),
        # Text.
        ('ORDER_METADATA("channel") contains "b s"', True),
        ('ORDER_METADATA("channel") startsWith "web"', True),
        ('ORDER_METADATA("channel") endsWith "web"', False),
        ('"web shop" startsWith ORDER_METADATA("channel")', True),
        ('ORDER_METADATA("channel") contains 5', None),
        ('ORDER_METADATA("points") contains "5"', None),
        ('ORDER_METADATA("points") startsWith "5"', None),
        # Lists, written out or in metadata.
        ('ORDER_METADATA("tags") contains "new"', True),
        ('ORDER_METADATA("tags") contains 7', True),
        ('ORDER_METADATA("tags") contains "7"', False),
        ('ORDER_METADATA("tags") contains 0', False),
        ('ORDER_METADATA("tags") contains FALSE', True),
        ('"new" IN_ARRAY ORDER_METADATA("tags")', True),
        ('"old" IN_ARRAY ORDER_METADATA("tags")', False),
        ('"old" NOT_IN_ARRAY ORDER_METADATA("tags")', True),
        ('CUSTOMER_METADATA("tier") IN_ARRAY ("silver"; "gold")', True),
        ('CUSTOMER_METADATA("tier") IN_ARRAY ("gold")', True),
        ('CUSTOMER_METADATA("tier") NOT_IN_ARRAY ("silver"; 5)', True),
        ('ORDER_METADATA("tags") IN_ARRAY ("new"; "old")', None),
        # What is missing or an object is nothing, equal to nothing.
        ('ORDER_METADATA("nothing") is "x"', None),
        ('ORDER_METADATA("absent") isNot "x"', None),
        ('ORDER_METADATA("object") isNot "x"', None),
        ('DEFAULT_TO(ORDER_METADATA("absent"); "x") is "x"', True),
        # Conditions are asked from the left, until one decides.
        ('1 = 1 OR ORDER_METADATA("absent")', True),
        ('ORDER_METADATA("absent") OR 1 = 1', None),
        ('1 = 2 AND ORDER_METADATA("absent")', False),
        ('ORDER_METADATA("points") AND 1 = 1', None),
        ('SWITCH(ORDER_METADATA("channel"); SWITCH_CASE("web shop"; TRUE); FALSE)', True),
        ('SWITCH(ORDER_METADATA("absent"); SWITCH_CASE("web shop"; TRUE); FALSE)', None),
        ('PUBLICATION_METADATA("campaign") is "spring"', True),
        ('CHEAPEST_ORDER_ITEM_METADATA("gift")', True),
        ('MOST_EXPENSIVE_ORDER_ITEM_METADATA("size") is "M"', True),
    ],
)
def test_a_condition_on_values(condition: str, expected: bool | None) -> None:
    assert holds(condition) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('TODAY DATE_IS DATE("2026-11-22")', True),
        ('NOW DATE_IS DATE("2026-11-22")', True),
        ('NOW DATE_IS_NOT DATE("2026-11-21")', True),
        ('NOW DATE_IS DATE_TIME("2026-11-22T22:59:59Z")', True),
        ('NOW DATE_IS DATE_TIME("2026-11-22T23:00:00Z")', False),
        # Where one side is only a day, no hour of that day is after it.
        ('NOW IS_AFTER DATE("2026-11-22")', False),
        ('NOW IS_BEFORE DATE("2026-11-22")', False),
        ('NOW IS_AFTER DATE("2026-11-21")', True),
        ('NOW IS_AFTER DATE_TIME("2026-11-21T23:29:59Z")', True),
        ('NOW IS_AFTER DATE_TIME("2026-11-22T00:30:00")', False),
        ('NOW IS_BEFORE DATE_TIME("2026-11-22T00:30:01")', True),
        ('TODAY IS_BEFORE ORDER_METADATA("due")', True),
        ('ORDER_METADATA("channel") IS_BEFORE TODAY', None),
        ('ORDER_METADATA("points") IS_BEFORE TODAY', None),
        ('VOUCHER_EXPIRATION_DATE DATE_IS DATE("2027-01-01")', True),
        ("CUSTOMER_BIRTHDATE IS_BEFORE VOUCHER_START_DATE", True),
        ("MONTH(CUSTOMER_BIRTHDATE) = MONTH(TODAY)", False),
        ("PROMOTION_TIER_START_DATE IS_AFTER TODAY", None),
        ("PROMOTION_TIER_EXPIRATION_DATE IS_AFTER TODAY", None),
        ('DATE("0001-01-01") IS_BEFORE DATE_TIME("9999-12-31T23:59:59Z")', None),
    ],
)
def test_a_condition_on_dates(condition: str, expected: bool | None) -> None:
    assert holds(condition) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DAY_OF_MONTH(NOW)", 22),
        ("MONTH(TODAY)", 11),
        ("YEAR(CUSTOMER_BIRTHDATE)", 2000),
        ("DAY_OF_MONTH(VOUCHER_EXPIRATION_DATE)", 1),
        ("DAYS_SINCE(TODAY)", 0),
        ("DAYS_SINCE(NOW)", 0),
        ('DAYS_SINCE(DATE_TIME("2026-11-21T22:59:59Z"))', 1),
        ('DAYS_UNTIL(ORDER_METADATA("due"))', 32),
        ('DAYS_SINCE(ORDER_METADATA("due"))', -32),
        ("YEARS_SINCE(CUSTOMER_BIRTHDATE)", 26),
        ("MONTHS_SINCE(CUSTOMER_BIRTHDATE)", 320),
        ('MONTHS_UNTIL(DATE("2027-01-21"))', 1),
        ('MONTHS_UNTIL(DATE("2027-01-22"))', 2),
        ('MONTHS_SINCE(DATE("2027-01-22"))', -2),
        ('YEARS_UNTIL(DATE("2028-11-21"))', 1),
        ('YEARS_SINCE(DATE("2025-11-23"))', 0),
        ('YEARS_SINCE(DATE("2025-11-22"))', 1),
    ],
)
def test_a_figure_from_a_date(text: str, expected: int) -> None:
    assert result(text) == expected


@pytest.mark.parametrize(
    ("born", "today", "age"),
    [
        (date(2000, 2, 29), datetime(2026, 2, 27, 12, tzinfo=UTC), 25),
        (date(2000, 2, 29), datetime(2026, 2, 28, 12, tzinfo=UTC), 26),
        (date(2000, 2, 29), datetime(2028, 2, 28, 12, tzinfo=UTC), 27),
        (date(2000, 1, 31), datetime(2026, 1, 30, 23, 30, tzinfo=UTC), 26),
    ],
)
def test_a_year_is_over_on_the_same_day_or_at_the_end_of_a_shorter_month(born: date, today: datetime, age: int) -> None:
    customer = CART.customer
    assert customer is not None
    scope = scope_of(replace(CART, now=today, customer=replace(customer, birthdate=born)))

    assert result("YEARS_SINCE(CUSTOMER_BIRTHDATE)", scope) == age


@pytest.mark.parametrize(
    "value", ["x" * 10_001, ["x"] * 201, float("nan"), float("inf"), 10**100, {"a": 1}, b"x", object(), Decimal("NaN")]
)
def test_values_past_their_bounds_cannot_be_computed_with(value: Any) -> None:
    scope = scope_of(replace(CART, metadata={"v": value}))

    assert holds('ORDER_METADATA("v") isNot "y"', scope) is None


def test_figures_of_the_order_are_looked_up_once_for_all_lines() -> None:
    at_mug, at_shirt = SCOPE.at(MUG), SCOPE.at(SHIRT)

    assert result("CHEAPEST_ORDER_ITEM_PRICE + ORDER_ITEM_PRICE", at_mug) == 20
    assert result("CHEAPEST_ORDER_ITEM_PRICE + ORDER_ITEM_PRICE", at_shirt) == 30
    assert at_mug.figures is at_shirt.figures
