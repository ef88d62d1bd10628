"""What formulas compute with: exact numbers, text, truth values, days and instants, and lists of metadata.

Metadata that is the text "10" is text and not the number 10; where a date is needed, text that names a day or an
instant is one, because JSON has no dates.
"""

import enum
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from app.engine.formulas.errors import NotComputable
from app.engine.money import LARGEST_INTEGER, Rounding, round_minor
from app.engine.rules.values import day_of, instant_of, moment_of, number_of

Value: TypeAlias = Decimal | str | bool | date | datetime | tuple[Any, ...]

LONGEST_TEXT = 10_000
LONGEST_LIST = 200
MINOR_UNIT_DIGITS = 2
"""How many digits of an amount are minor units: formulas speak of 6.00 where the wire says 600."""

CONTEXT = Context(prec=34, Emin=-99, Emax=99, clamp=0, traps=[InvalidOperation, DivisionByZero, Overflow])
"""The arithmetic of formulas: 34 digits, no infinity and no NaN; what has no result raises an ArithmeticError."""

ZERO = Decimal(0)


class Type(enum.Enum):
    """What an expression gives, as far as it can be told when it is saved; the value is how messages call it."""

    NUMBER = "a number"
    TEXT = "text"
    FLAG = "a condition"
    MOMENT = "a date"
    LIST = "a list"
    TEXT_OR_LIST = "text or a list"
    ANY = "a value that is only known at checkout"


def major_of(minor_amount: int, digits: int = MINOR_UNIT_DIGITS) -> Decimal:
    """An amount in minor units as formulas see it: 600 is 6.00."""
    return CONTEXT.scaleb(Decimal(minor_amount), -digits)


def minor_of(major_amount: Decimal, rounding: Rounding = "half_up", digits: int = MINOR_UNIT_DIGITS) -> int:
    """What a formula computed, in whole minor units; below zero it is zero, and it is at most a 64-bit number."""
    if major_amount <= 0:
        return 0
    minor_amount = CONTEXT.scaleb(major_amount, digits)
    return LARGEST_INTEGER if minor_amount >= LARGEST_INTEGER else round_minor(minor_amount, rounding)


def value_of(raw: Any) -> Value:
    """Something that was sent or stored, as a formula sees it; entries of a list that are no values are left out.

    Raises NotComputable for what is absent, for objects, and for text and lists past their bounds.
    """
    kind = raw.__class__
    if kind is bool or kind is datetime or kind is date:
        return raw  # type: ignore[no-any-return]
    if kind is str:
        if len(raw) > LONGEST_TEXT:
            raise NotComputable
        return raw  # type: ignore[no-any-return]
    if kind is int:
        return CONTEXT.create_decimal(raw)
    if isinstance(raw, Sequence) and not isinstance(raw, str | bytes):
        if len(raw) > LONGEST_LIST:
            raise NotComputable
        return tuple([value_of(entry) for entry in raw if entry.__class__ in (str, int, float, bool)])
    number = raw if isinstance(raw, Decimal) else number_of(raw)
    if number is None or (isinstance(number, Decimal) and not number.is_finite()):
        raise NotComputable
    return CONTEXT.create_decimal(number)


def as_moment(value: Value) -> date | datetime:
    """The day or instant that `value` is, or names. Raises NotComputable."""
    if isinstance(value, date):
        return value
    moment = moment_of(value)
    if moment is None:
        raise NotComputable
    return moment


def gap(left: date | datetime, right: date | datetime, zone: ZoneInfo) -> float:
    """Above zero when `left` is later. Days are compared when either is only a day: no hour of a day is after it."""
    if isinstance(left, datetime) and isinstance(right, datetime):
        return (instant_of(left, zone) - instant_of(right, zone)).total_seconds()
    return (day_of(left, zone) - day_of(right, zone)).days


def same(left: Value, right: Value, zone: ZoneInfo) -> bool:
    """Whether two values are equal; values of different types never are, except a date and the text that names it."""
    if left.__class__ is right.__class__ and not isinstance(left, date):
        return left == right
    if not isinstance(left, date) and not isinstance(right, date):
        return False
    try:
        return gap(as_moment(left), as_moment(right), zone) == 0
    except NotComputable:
        return False
