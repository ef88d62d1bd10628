"""Figures: computed by hand, by Python's fractions, and by Decimal."""

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.formulas import parse_formula, print_formula
from app.engine.formulas.nodes import Negative, Node, Product, Sum
from tests.engine.formulas.orders import SCOPE
from tests.engine.formulas.trees import chains, decimals, number_literals


def result(text: str) -> Decimal | None:
    return parse_formula(text).value(SCOPE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6.00 * 0.01 + 1", "1.06"),
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("10 - 4 - 3", "3"),
        ("100 / 10 / 5", "2"),
        ("100 / 10 * 5", "50"),
        ("1 - -2", "3"),
        ("-2 * 3", "-6"),
        ("7 % 3", "1"),
        ("-7 % 3", "-1"),
        ("7.5 % 2", "1.5"),
        ("10 % 4 * 3", "6"),
        ("0.1 + 0.2", "0.3"),
        ("1 / 3 * 3", "0.9999999999999999999999999999999999"),
        ("MIN(3; 1; 2)", "1"),
        ("MAX(3; 1; 2)", "3"),
        ("MIN(5)", "5"),
        ("POW(2; 10)", "1024"),
        ("POW(4; 0.5)", "2"),
        ("POW(2; -2)", "0.25"),
        ("POW(-2; 3)", "-8"),
        ("ROUND(2.5)", "3"),
        ("ROUND(-2.5)", "-3"),
        ("ROUND(2.345; 2)", "2.35"),
        ("ROUND(1250; -2)", "1300"),
        ("ROUND(2.5; 5)", "2.5"),
        ("ROUND(POW(10; 33) + 1; 20)", "1000000000000000000000000000000001"),
        ("FLOOR(2.9)", "2"),
        ("FLOOR(-2.1)", "-3"),
        ("FLOOR(1299; -2)", "1200"),
        ("FLOOR(1.239; 2)", "1.23"),
        ("CEIL(2.1)", "3"),
        ("CEIL(-2.9)", "-2"),
        ("CEIL(1201; -2)", "1300"),
        ("CEIL(5; -1)", "10"),
        ("IF(1 < 2; 3; 4)", "3"),
        ("IF(1 > 2; 3; 4)", "4"),
        ("IF(2 >= 2 AND 2 <= 2; 3; 4)", "3"),
        ("IF(1 = 2 OR 1 = 1 AND 2 = 3; 3; 4)", "4"),
        ("IF((1 = 1 OR 1 = 2) AND 2 = 2; 3; 4)", "3"),
        ("IF(1.0 = 1; 3; 4)", "3"),
        ("IF(FALSE; 3; 4)", "4"),
        ("IF(1 = 1; 3; 1 / 0)", "3"),
        ("SWITCH(2; SWITCH_CASE(1; 10) SWITCH_CASE(2; 20) SWITCH_CASE(2; 30); 40)", "20"),
        ("SWITCH(3; SWITCH_CASE(1; 10) SWITCH_CASE(2; 20); 40)", "40"),
        ("SWITCH(1; SWITCH_CASE(1; 10) SWITCH_CASE(1 / 0; 20); 1 / 0)", "10"),
        ("DEFAULT_TO(1; 2)", "1"),
        ("DEFAULT_TO(1 / 0; 2)", "2"),
        ("1 + DEFAULT_TO(DEFAULT_TO(1 / 0; 1 % 0); 5)", "6"),
        ("POW(10; 99)", "1E+99"),
    ],
)
def test_a_formula_gives(text: str, expected: str) -> None:
    assert result(text) == Decimal(expected)


@pytest.mark.parametrize(
    "text",
    [
        "1 / 0",
        "0 / 0",
        "1 % 0",
        "POW(10; 100)",
        "POW(0; 0)",
        "POW(0; -1)",
        "POW(-2; 0.5)",
        "POW(2; 50 + 51)",
        "ROUND(2; 10 / 4)",
        "ROUND(2; 10 * 3)",
        "POW(10; 90) % 7",
        "MIN(1; 1 / 0)",
        "IF(1 / 0 > 1; 2; 3)",
        "DEFAULT_TO(1 / 0; 1 / 0)",
        "-(1 / 0)",
    ],
)
def test_what_has_no_result_cannot_be_computed(text: str) -> None:
    assert result(text) is None


def exact(node: Node) -> Fraction:
    """What a tree of literals, sums, products and negatives is. Raises ZeroDivisionError."""
    if isinstance(node, Negative):
        return -exact(node.operand)
    if not isinstance(node, Sum | Product):
        return Fraction(node.value)  # type: ignore[union-attr]
    value = exact(node.first)
    for operator, part in node.rest:
        operand = exact(part)
        if operator == "%":
            value = value - operand * math.trunc(value / operand)
        else:
            value = {
                "+": Fraction.__add__,
                "-": Fraction.__sub__,
                "*": Fraction.__mul__,
                "/": Fraction.__truediv__,
            }[operator](value, operand)
    return value


def arithmetic(operators: tuple[str, str]) -> st.SearchStrategy[Node]:
    sums, products = operators
    return st.recursive(
        number_literals,
        lambda inner: inner.map(Negative) | chains(Sum, sums, inner) | chains(Product, products, inner),
        max_leaves=5,
    )


@given(arithmetic(("+-", "*")))
def test_sums_and_products_are_exact(tree: Node) -> None:
    assert Fraction(result(print_formula(tree)) or 0) == exact(tree)


@given(number_literals, number_literals, number_literals)
def test_quotients_are_right_to_the_last_of_34_digits(a: Node, b: Node, c: Node) -> None:
    tree = Product(a, (("/", b), ("/", c)))
    text = print_formula(tree)

    try:
        expected = exact(tree)
    except ZeroDivisionError:
        assert result(text) is None
        return
    computed = result(text)

    assert computed is not None
    assert abs(Fraction(computed) - expected) <= abs(expected) / 10**33


@given(number_literals, number_literals, st.booleans())
def test_a_remainder_has_the_sign_of_the_dividend_and_is_exact(a: Node, b: Node, is_negative: bool) -> None:
    tree = Product(Negative(a) if is_negative else a, (("%", b),))
    computed = result(print_formula(tree))

    if exact(b) == 0:
        assert computed is None
    else:
        assert computed is not None
        assert Fraction(computed) == exact(tree)


@given(decimals, st.integers(-6, 4))
def test_rounding_goes_to_the_nearest_step_below_or_above(value: Decimal, precision: int) -> None:
    step = Fraction(10) ** -precision
    below, nearest, above = (result(f"{name}({value}; {precision})") for name in ("FLOOR", "ROUND", "CEIL"))

    assert below == math.floor(Fraction(value) / step) * step
    assert above == math.ceil(Fraction(value) / step) * step
    assert nearest == math.floor(Fraction(value) / step + Fraction(1, 2)) * step


@given(decimals, st.integers(0, 10))
def test_whole_powers_are_products(value: Decimal, power: int) -> None:
    computed = result(f"POW({value}; {power})")

    if value == 0 and power == 0:
        assert computed is None
    else:
        assert computed is not None
        assert abs(Fraction(computed) - Fraction(value) ** power) <= Fraction(value) ** power / 10**33
