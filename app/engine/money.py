"""Whole minor units and their currencies: how they are rounded, and how they are read from the wire. No float takes
part in any sum."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.engine.currencies import CODES

Rounding = Literal["half_up", "half_even", "down"]
"""What happens to a part of a minor unit: halves away from zero, halves to the even neighbour, or cut off."""

LARGEST_INTEGER = 2**63 - 1
"""What a Postgres bigint holds; nothing larger is accepted, so a sum of line amounts fits after one check."""


def divide_rounded(numerator: int, denominator: int, rounding: Rounding = "half_up") -> int:
    """The whole number nearest to `numerator / denominator` (`denominator` above zero)."""
    quotient, remainder = divmod(abs(numerator), denominator)
    if rounding != "down":
        twice = 2 * remainder
        if twice > denominator or (twice == denominator and (rounding == "half_up" or quotient % 2 == 1)):
            quotient += 1
    return quotient if numerator >= 0 else -quotient


def round_minor(value: Decimal, rounding: Rounding = "half_up") -> int:
    """`value` in whole minor units. Exact at any size: Decimal contexts, which lose digits, are not used."""
    numerator, denominator = value.as_integer_ratio()
    return divide_rounded(numerator, denominator, rounding)


def percent_of(base_amount: int, percent: Decimal, rounding: Rounding = "half_up") -> int:
    """`percent` percent of `base_amount`, rounded once. Exact: 25 % of 1999 is 499.75, hence 500."""
    numerator, denominator = percent.as_integer_ratio()
    return divide_rounded(base_amount * numerator, 100 * denominator, rounding)


def whole_number(value: Any) -> Any:
    """Read 100, 100.0 and "100" as the integer 100; refuse fractions, NaN, infinities and booleans with a sentence.

    What is no number at all is passed on, for the type to refuse.
    """
    if type(value) is int:
        return value
    if isinstance(value, bool):
        raise PydanticCustomError("whole_number", "This is a yes or no; a whole number is needed.")
    try:
        exact = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation:
        return value
    if not exact.is_finite() or exact.adjusted() > 18 or exact != exact.to_integral_value():
        raise PydanticCustomError(
            "whole_number",
            "{value} is not a whole number of at most 19 digits; money is given in minor units, such as cents.",
            {"value": str(value)[:40]},
        )
    return int(exact)


def exact_percent(value: Any) -> Any:
    """Read 12.5 as the decimal 12.5, not as the binary fraction next to it; refuse booleans."""
    if isinstance(value, bool):
        raise PydanticCustomError("percent", "This is a yes or no; a number is needed.")
    return Decimal(repr(value)) if isinstance(value, float) else value


def json_number(value: Decimal) -> int | float:
    """The JSON number for a percentage: `20` rather than `20.0`, `12.5` as it is. Two decimals survive the float."""
    return int(value) if value == value.to_integral_value() else float(value)


READ_WHOLE = BeforeValidator(whole_number)
# Bounds stand before the reader, so that they belong to the integer and are shown as its minimum and maximum.
Amount = Annotated[int, Field(ge=0, le=LARGEST_INTEGER), READ_WHOLE]
"""Money in minor units, zero allowed."""
AmountLimit = Annotated[int, Field(gt=0, le=LARGEST_INTEGER), READ_WHOLE]
"""The most that may be taken off, in minor units."""
Count = Annotated[int, Field(ge=0, le=LARGEST_INTEGER), READ_WHOLE]
"""A number of units, lines or repetitions."""
Percent = Annotated[
    Decimal,
    Field(gt=0, le=100, decimal_places=2),
    BeforeValidator(exact_percent),
    PlainSerializer(json_number),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 100, "examples": [12.5]}),
]
"""A percentage above 0, at most 100, with at most two decimals."""


def _known_code(value: str) -> str:
    code = value.upper()
    if code not in CODES:
        raise PydanticCustomError("currency", "This is not a currency of ISO 4217, such as EUR.")
    return code


Currency = Annotated[str, Field(pattern=r"^[A-Za-z]{3}$", examples=["EUR"]), AfterValidator(_known_code)]
"""A code of ISO 4217, given in any case and kept in capitals."""
