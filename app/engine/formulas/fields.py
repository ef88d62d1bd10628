"""Formulas in stored shapes and on the wire: text that is checked where it comes in."""

from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.engine.formulas.errors import InvalidFormula
from app.engine.formulas.formula import LONGEST_FORMULA, Formula, parse_formula


def _read(value: Any) -> Formula | None:
    """The formula that a text says; a number says itself, and an empty text says nothing."""
    if value is None or isinstance(value, Formula):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value}"
    if not isinstance(value, str):
        raise PydanticCustomError("formula", "A formula is written as text.")
    if not value.strip():
        return None
    try:
        return parse_formula(value)
    except InvalidFormula as invalid:
        raise PydanticCustomError("formula", "{message}", {"message": invalid.message}) from None


def _written(formula: Formula | None) -> str | None:
    return None if formula is None else formula.text


FormulaField = Annotated[
    Formula | None,
    PlainValidator(_read),
    PlainSerializer(_written),
    WithJsonSchema({"type": "string", "maxLength": LONGEST_FORMULA, "examples": ["IF(ORDER_AMOUNT > 200; 10; 5)"]}),
]
"""A formula where one may be given; it is stored and shown as it was written."""
