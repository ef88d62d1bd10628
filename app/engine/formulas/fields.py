"""Formulas in stored shapes and on the wire: text that is checked where it comes in."""

from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.engine.formulas.errors import InvalidFormula
from app.engine.formulas.formula import LONGEST_FORMULA, Formula, parse_formula
from app.engine.formulas.variables import ALL_VARIABLES, EARNING_VARIABLES, ORDER_VARIABLES
from app.engine.money import json_number


def _read(variables: frozenset[str]) -> PlainValidator:
    def read(value: Any) -> Formula | None:
        """The formula that a text says; a number says itself, and an empty text says nothing."""
        if isinstance(value, Formula):
            value = value.text
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = f"{value}"
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        if not isinstance(value, str):
            raise PydanticCustomError("formula", "A formula is written as text.")
        return checked_formula(value, variables)

    return PlainValidator(read)


def checked_formula(text: str, variables: frozenset[str]) -> Formula:
    """The formula, for a validator of a model: raises PydanticCustomError with the place and the sentence."""
    try:
        return parse_formula(text, variables=variables)
    except InvalidFormula as invalid:
        raise PydanticCustomError("formula", "{message}", {"message": invalid.message}) from None


def _written(formula: Formula | None) -> str | None:
    return None if formula is None else formula.text


def _number_or_text(formula: Formula | None) -> str | int | float | None:
    if formula is None:
        return None
    return formula.text if formula.number is None else json_number(formula.number)


_TEXT = {
    "type": "string",
    "maxLength": LONGEST_FORMULA,
    "description": "Computes the figure for each order. Amounts are in major units (6.00), arguments are separated by "
    "semicolons. The fixed figure counts where the formula cannot be computed, for instance for want of metadata.",
    "examples": ["IF(ORDER_AMOUNT > 200; 10; 5)"],
}

LineFormula = Annotated[Formula | None, _read(ALL_VARIABLES), PlainSerializer(_written), WithJsonSchema(_TEXT)]
"""A formula, where one may be given, that may be about single lines; it is stored and shown as it was written."""

OrderFormula = Annotated[Formula | None, _read(ORDER_VARIABLES), PlainSerializer(_written), WithJsonSchema(_TEXT)]
"""The same about the order only."""

EarningFormula = Annotated[
    Formula | None,
    _read(EARNING_VARIABLES),
    PlainSerializer(_written),
    WithJsonSchema(
        _TEXT
        | {
            "description": "Computes the points, rounded down, from the order, the customer and the event. Amounts are "
            "in major units (6.00), arguments are separated by semicolons. The fixed points count where the formula "
            "cannot be computed, for instance for want of metadata.",
            "examples": ["IF(ORDER_AMOUNT > 200; 10; 5)", 'CUSTOM_EVENT_METADATA("stars") * 2'],
        }
    ),
]
"""A formula of an earning rule: about the order, the customer and the event."""

PriceFormula = Annotated[
    Formula | None,
    _read(ALL_VARIABLES),
    # The contract's own clients know this field as a number, so one that is a number is shown as one.
    PlainSerializer(_number_or_text),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "number"}]}),
]
"""A formula for the price of a line; a plain number is one, too."""
