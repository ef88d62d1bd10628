"""What may be written, how it binds, and what is said about what may not be written."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.formulas import ORDER_VARIABLES, InvalidFormula, parse_formula, print_formula
from app.engine.formulas.nodes import (
    Call,
    Comparison,
    Every,
    Listing,
    Literal,
    Negative,
    Node,
    Product,
    Some,
    Sum,
    Switch,
    Variable,
)
from tests.engine.formulas.orders import parsed
from tests.engine.formulas.trees import formulas


def number(value: str) -> Literal:
    return Literal(Decimal(value))


ONE, TWO, THREE = number("1"), number("2"), number("3")
AMOUNT = Variable("ORDER_AMOUNT")


@given(formulas)
def test_printing_a_formula_and_parsing_it_again_changes_nothing(tree: Node) -> None:
    text = print_formula(tree)

    formula = parsed(text)
    if isinstance(formula, InvalidFormula):
        assert "must not" in formula.message  # be that large or that deep
        return

    assert formula.tree == tree
    assert str(formula) == text


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("1 + 2 * 3", Sum(ONE, (("+", Product(TWO, (("*", THREE),))),))),
        ("(1 + 2) * 3", Product(Sum(ONE, (("+", TWO),)), (("*", THREE),))),
        ("1 - 2 - 3", Sum(ONE, (("-", TWO), ("-", THREE)))),
        ("1 - (2 - 3)", Sum(ONE, (("-", Sum(TWO, (("-", THREE),))),))),
        ("1 / 2 * 3", Product(ONE, (("/", TWO), ("*", THREE)))),
        ("-1 * 2", Product(Negative(ONE), (("*", TWO),))),
        ("-(1 * 2)", Negative(Product(ONE, (("*", TWO),)))),
        ("1 - -2", Sum(ONE, (("-", Negative(TWO)),))),
        ("--1", Negative(Negative(ONE))),
        ("((1))", ONE),
        (".5 + 007.10", Sum(number("0.5"), (("+", number("7.10")),))),
        ("MAX(1;2; 3 )", Call("MAX", (ONE, TWO, THREE))),
        ('ORDER_METADATA("a \\"b\\" \\\\")', Call("ORDER_METADATA", (Literal('a "b" \\'),))),
        (
            'SWITCH(1;SWITCH_CASE(2;3) SWITCH_CASE(3;ORDER_METADATA("x"));1)',
            Switch(ONE, ((TWO, THREE), (THREE, Call("ORDER_METADATA", (Literal("x"),)))), ONE),
        ),
    ],
)
def test_a_formula_says(text: str, tree: Node) -> None:
    assert parse_formula(text).tree == tree


@pytest.mark.parametrize(
    ("condition", "tree"),
    [
        (
            "1 = 2 OR 1 < 2 AND 1 > 2",
            Some(
                (Comparison(ONE, "=", TWO), Every((Comparison(ONE, "<", TWO), Comparison(ONE, ">", TWO)))),
            ),
        ),
        (
            "(1 = 2 OR 1 < 2) AND TRUE",
            Every((Some((Comparison(ONE, "=", TWO), Comparison(ONE, "<", TWO))), Literal(True))),
        ),
        ("1 + 2 >= 3", Comparison(Sum(ONE, (("+", TWO),)), ">=", THREE)),
        ('"a" isNot "b"', Comparison(Literal("a"), "isNot", Literal("b"))),
        ("1 IN_ARRAY (2; 3)", Comparison(ONE, "IN_ARRAY", Listing((TWO, THREE)))),
        ("1 IN_ARRAY (2)", Comparison(ONE, "IN_ARRAY", TWO)),
    ],
)
def test_a_condition_says(condition: str, tree: Node) -> None:
    assert parse_formula(f"IF({condition}; 1; 2)").tree == Call("IF", (tree, ONE, TWO))


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("2 \N{MULTIPLICATION SIGN} 3 \N{DIVISION SIGN} 4", "2 * 3 / 4"),
        ("2 x 3", "2 * 3"),
        ("2 x(3)", "2 * 3"),
        ("\n MIN(1 ;\t2)", "MIN(1; 2)"),
        ("SWITCH(1; SWITCH_CASE(1;2); SWITCH_CASE(2;3); 4)", "SWITCH(1; SWITCH_CASE(1; 2) SWITCH_CASE(2; 3); 4)"),
        ("IF(true;1;2)", "IF(TRUE; 1; 2)"),
    ],
)
def test_other_ways_to_write_it_say_the_same(text: str, printed: str) -> None:
    assert str(parse_formula(text)) == printed
    assert parse_formula(text) == parse_formula(printed)


@pytest.mark.parametrize(
    ("text", "position", "sentence"),
    [
        ("", 0, "Character 1: expected a value or (, but the formula ends."),
        ("1 +", 3, "Character 4: expected a value or (, but the formula ends."),
        ("(1 + 2", 6, "Character 7: expected ), but the formula ends."),
        ("1 + * 2", 4, "Character 5: expected a value or (, but found '*'."),
        ("1 2", 2, "Character 3: expected an operator or the end, but found '2'."),
        ("2x3", 1, "found 'x3'."),
        ("MIN(1, 2)", 5, "Character 6: ',' cannot stand here. Arguments are separated by semicolons, decimals by a"),
        ("IF(1 == 2; 1; 2)", 6, "The comparisons are =, <, >, <=, >=, is and isNot."),
        ("IF(1 < 2 < 3; 1; 2)", 9, "found '<'."),
        ("IF(1 = 2 and 2 = 3; 1; 2)", 9, "found 'and'. Did you mean AND?"),
        ("IF(1 = 2 & 2 = 3; 1; 2)", 9, "Conditions are joined by AND."),
        ("\N{LEFT DOUBLE QUOTATION MARK}a", 0, "Texts stand in straight double quotes."),
        ('ORDER_METADATA("a)', 15, "Character 16: this text is not closed."),
        ('ORDER_METADATA("a\\b")', 17, "Character 18: a backslash in a text is written twice."),
        ('ORDER_METADATA("\\\\\\b")', 18, "Character 19: a backslash in a text is written twice."),
        ("1 +\n  FOO", 6, "Line 2, character 3: there is no variable FOO."),
        ("order_amount", 0, "there is no variable order_amount. Did you mean ORDER_AMOUNT?"),
        ("ORDER_TOTAL", 0, "Character 1: there is no variable ORDER_TOTAL."),
        ("gold", 0, "there is no variable gold. Texts stand in double quotes."),
        ("1 + min(2)", 4, "Character 5: there is no function min. Did you mean MIN?"),
        ("ORDER_AMOUNT(1)", 0, "ORDER_AMOUNT takes no arguments; leave out the brackets."),
        ("ORDER_METADATA", 0, 'ORDER_METADATA needs a key. Write ORDER_METADATA("key").'),
        ("ORDER_METADATA()", 0, 'ORDER_METADATA takes one text in double quotes. Write ORDER_METADATA("key").'),
        ("ORDER_METADATA(5)", 15, 'ORDER_METADATA takes one text in double quotes. Write ORDER_METADATA("key").'),
        ("ROUND", 0, "ROUND needs its arguments in brackets."),
        ("MIN()", 0, "MIN takes at least 1 argument, not 0. Arguments are separated by semicolons."),
        ("1 + POW(2)", 4, "POW takes 2 arguments, not 1."),
        ("YEAR(TODAY; NOW)", 0, "YEAR takes 1 argument, not 2."),
        ("ROUND(1; 2; 3)", 0, "ROUND takes 1 or 2 arguments, not 3."),
        ("POW(2; 101)", 7, "the argument number 2 of POW must be a number between -100 and 100."),
        ("POW(2; -100.5)", 7, "the argument number 2 of POW must be a number between -100 and 100."),
        ("ROUND(2; 0.5)", 9, "the argument number 2 of ROUND must be a whole number between -20 and 20."),
        ("FLOOR(2; -21)", 9, "the argument number 2 of FLOOR must be a whole number between -20 and 20."),
        ('1 + "1"', 4, "Character 5: + needs a number, and this is text."),
        ('"1" + 1', 0, "Character 1: + needs a number, and this is text."),
        ("2 * (1 = 1)", 5, "* needs a number, and this is a condition."),
        ("-TODAY", 1, "- needs a number, and this is a date."),
        ("IF(1; 2; 3)", 3, "IF needs a condition, and this is a number."),
        ("IF(1 = 1 AND 2; 3; 4)", 13, "AND needs a condition, and this is a number."),
        ('IF(1 = 1; "a"; 3)', 15, "IF gives one type of value, not both text and a number."),
        ('IF(ORDER_AMOUNT = "1"; 1; 2)', 16, "a number never equals text."),
        ('SWITCH(1; SWITCH_CASE("1"; 2); 3)', 22, "SWITCH compares one type of value, not both a number and text."),
        ('SWITCH(1; SWITCH_CASE(1; 2); "3")', 29, "SWITCH gives one type of value, not both a number and text."),
        ("SWITCH(1; 2)", 10, "expected SWITCH_CASE, but found '2'."),
        ("IF(1 contains 2; 1; 2)", 3, "contains needs text or a list, and this is a number."),
        ("IF(TODAY > NOW; 1; 2)", 3, "> needs a number, and this is a date."),
        ('DAYS_SINCE("2026-11-20")', 11, 'and this is text. Write a date as DATE("2026-11-27").'),
        ('DAYS_SINCE(DATE("20.11.2026"))', 16, 'DATE cannot read this. Write DATE("2026-11-27").'),
        ('DAYS_SINCE(DATE_TIME("2026-11-20"))', 21, 'Write DATE_TIME("2026-11-27T18:00:00Z").'),
        ("TODAY", 0, "a formula needs a number, and this is a date."),
        ('"5"', 0, "a formula needs a number, and this is text."),
        ("1 IN_ARRAY (1; 2)", 0, "a formula needs a number, and this is a condition."),
        ("(1; 2)", 2, "expected ), but found ';'."),
        ("1" * 31, 0, "a number must not have more than 30 digits."),
        ("1" + " " * 2000, 2000, "Character 2001: a formula must not have more than 2000 characters."),
        ("-" * 20 + "1", 0, "a formula must not be nested more than 20 deep."),
        ("1" + "+1" * 200, 0, "a formula must not have more than 200 parts."),
        (f'IF("{"a" * 1001}" is "a"; 1; 2)', 3, "a text must not have more than 1000 characters."),
    ],
)
def test_what_means_nothing_is_refused_with_the_place_and_a_sentence(text: str, position: int, sentence: str) -> None:
    with pytest.raises(InvalidFormula) as refusal:
        parse_formula(text)

    assert refusal.value.position == position
    assert sentence in refusal.value.message
    before = text[:position].split("\n")
    assert (refusal.value.line, refusal.value.column) == (len(before), len(before[-1]) + 1)


@given(formulas, st.data())
def test_the_position_of_a_foreign_character_is_where_it_stands(tree: Node, data: Any) -> None:
    text = print_formula(tree)
    position = data.draw(st.integers(0, len(text)))
    spoilt = f"{text[:position]}~{text[position:]}"
    if text[:position].count('"') % 2 or "\\" in text or len(spoilt) > 2000:
        return  # inside of a text it is not foreign

    with pytest.raises(InvalidFormula) as refusal:
        parse_formula(spoilt)

    # What stands before it may be wrong without the rest, such as a name that was cut in two.
    assert refusal.value.position <= position
    if refusal.value.position == position:
        assert "'~' cannot stand here" in refusal.value.message


def test_variables_that_make_no_sense_for_a_formula_are_refused_where_they_stand() -> None:
    with pytest.raises(InvalidFormula) as refusal:
        parse_formula("ORDER_AMOUNT + ORDER_ITEM_PRICE", variables=ORDER_VARIABLES)

    assert refusal.value.message == "Character 16: ORDER_ITEM_PRICE cannot be used in this formula."
    assert parse_formula("CHEAPEST_ORDER_ITEM_PRICE", variables=ORDER_VARIABLES)
    assert parse_formula("ORDER_AMOUNT + ORDER_ITEM_PRICE")


def test_a_formula_tells_what_it_asks_for() -> None:
    formula = parse_formula('IF(CUSTOMER_METADATA("tier") is "gold"; ORDER_AMOUNT * 0.1; MIN(5; ORDER_AMOUNT))')

    assert formula.uses == {"CUSTOMER_METADATA", "ORDER_AMOUNT"}
