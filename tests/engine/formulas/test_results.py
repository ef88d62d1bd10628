"""From what a formula gives to amounts, percentages and numbers of units, and formulas in stored shapes."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from app.engine.formulas import (
    Formula,
    LineFormula,
    OrderFormula,
    PriceFormula,
    amount_of,
    parse_formula,
    percent_of_formula,
    whole_of,
)
from app.engine.formulas.values import major_of, minor_of
from app.engine.money import LARGEST_INTEGER, Rounding
from app.engine.stored import Stored
from tests.engine.formulas.orders import SCOPE


class Shape(Stored):
    amount_off_formula: LineFormula = None
    unit_off_formula: OrderFormula = None
    price_formula: PriceFormula = None


@pytest.mark.parametrize(
    ("text", "rounding", "amount"),
    [
        ("6.00 * 0.01 + 1", "half_up", 106),
        ("IF(ORDER_AMOUNT > 100; 10; 5)", "half_up", 10_00),
        ("ORDER_AMOUNT * 0.1", "half_up", 12_50),
        ("0.125", "half_up", 13),
        ("0.125", "half_even", 12),
        ("0.125", "down", 12),
        ("10 / 3", "half_up", 3_33),
        ("0", "half_up", 0),
        ("ORDER_AMOUNT - 200", "half_up", 0),
        ("POW(10; 90)", "half_up", LARGEST_INTEGER),
        ("POW(10; -90)", "half_up", 0),
    ],
)
def test_an_amount_comes_in_minor_units_within_bounds(text: str, rounding: Rounding, amount: int) -> None:
    assert amount_of(parse_formula(text), SCOPE, rounding) == amount


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("12.5", "12.5"),
        ("100 / 3", "33.33333333333333333333333333333333"),
        ("-1", "0"),
        ("101", "100"),
        ("POW(10; 90)", "100"),
    ],
)
def test_a_percentage_keeps_its_digits_within_0_and_100(text: str, percent: str) -> None:
    assert percent_of_formula(parse_formula(text), SCOPE) == Decimal(percent)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("3", 3),
        ("ORDER_UNITS_QUANTITY / 3", 2),
        ("2.999", 2),
        ("0.5", 0),
        ("-0.5", 0),
        ("-3", 0),
        ("ROUND(1234; -2)", 1200),
        ("POW(10; 90)", LARGEST_INTEGER),
        ("0.0000000000000000000000001 + 100000", 100_000),
    ],
)
def test_a_part_of_a_unit_is_none(text: str, whole: int) -> None:
    assert whole_of(parse_formula(text), SCOPE) == whole


def test_what_cannot_be_computed_leaves_the_fixed_figure() -> None:
    formula = parse_formula('ORDER_METADATA("absent") * 2')

    assert (amount_of(formula, SCOPE), percent_of_formula(formula, SCOPE), whole_of(formula, SCOPE)) == (None,) * 3


@given(st.integers(0, LARGEST_INTEGER))
def test_an_amount_survives_the_way_into_a_formula_and_back(amount: int) -> None:
    assert minor_of(major_of(amount)) == amount


@given(st.decimals(-(10**20), 10**20, allow_nan=False))
def test_every_result_becomes_an_amount_that_can_be_stored(value: Decimal) -> None:
    assert 0 <= minor_of(value) <= LARGEST_INTEGER


@pytest.mark.parametrize("text", ["IF(ORDER_AMOUNT > 200;10;5)", "1 +\n 2"])
def test_a_formula_is_stored_and_shown_as_it_was_written(text: str) -> None:
    shape = Shape.model_validate({"amount_off_formula": text})

    assert shape.amount_off_formula == parse_formula(text)
    dumped = shape.model_dump(exclude_none=True)
    assert dumped == shape.model_dump(mode="json", exclude_none=True) == {"amount_off_formula": text}
    assert Shape.model_validate(shape.model_dump()) == shape


@pytest.mark.parametrize("text", [None, "", "  "])
def test_an_empty_formula_is_none(text: str | None) -> None:
    shape = Shape.model_validate({"amount_off_formula": text})

    assert shape.amount_off_formula is None
    assert shape.model_dump(exclude_none=True) == {}


@pytest.mark.parametrize(("number", "written"), [(5, "5"), (2.5, "2.5")])
def test_a_number_is_a_formula_and_a_price_is_shown_as_one(number: float, written: str) -> None:
    shape = Shape.model_validate({"amount_off_formula": number, "price_formula": number})

    assert shape.model_dump(exclude_none=True) == {"amount_off_formula": written, "price_formula": number}
    assert Shape(price_formula="ORDER_ITEM_PRICE / 2").model_dump(exclude_none=True) == {
        "price_formula": "ORDER_ITEM_PRICE / 2"
    }


def test_a_formula_about_the_order_does_not_ask_about_a_line() -> None:
    with pytest.raises(ValidationError, match="Character 5: ORDER_ITEM_PRICE cannot be used in this formula"):
        Shape.model_validate({"unit_off_formula": "1 + ORDER_ITEM_PRICE"})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("1 +", "Character 4: expected a value or (, but the formula ends."),
        ("{x}", "Character 1: '{' cannot stand here."),
        (True, "A formula is written as text."),
        (["1"], "A formula is written as text."),
        (float("nan"), "there is no variable nan"),
        (1e300, "found 'e'"),
    ],
)
def test_a_bad_formula_is_refused_where_it_comes_in(value: object, message: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Shape.model_validate({"amount_off_formula": value})

    assert message in refusal.value.errors()[0]["msg"]


def test_the_document_describes_a_formula_as_text() -> None:
    schema = TypeAdapter(Shape).json_schema()["properties"]["amount_off_formula"]

    assert schema["type"] == "string"


def test_equal_formulas_are_equal_however_they_are_written() -> None:
    first, second = parse_formula("1+2"), parse_formula("1 + 2")

    assert isinstance(first, Formula)
    assert first == second
    assert hash(first) == hash(second)
    assert first != parse_formula("1 + 3")
