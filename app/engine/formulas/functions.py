"""The functions of formulas. A new one is an entry in `FUNCTIONS`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import TypeAlias

from app.engine.formulas.errors import CANNOT, NotComputable
from app.engine.formulas.scope import FormulaScope
from app.engine.formulas.values import CONTEXT, Type
from app.engine.formulas.variables import Compute
from app.engine.rules.values import day_of, moment_of

Build: TypeAlias = Callable[[Sequence[Compute]], Compute]


@dataclass(frozen=True, slots=True)
class Bound:
    """What an argument may be: a number from -`most` to `most`, whole if it must be."""

    argument: int
    most: int
    is_whole: bool

    def __str__(self) -> str:
        return f"a {'whole ' if self.is_whole else ''}number between -{self.most} and {self.most}"

    def allows(self, value: Decimal) -> bool:
        return -self.most <= value <= self.most and (not self.is_whole or value == value.to_integral_value())


EXPONENT = Bound(1, 100, is_whole=False)
PRECISION = Bound(1, 20, is_whole=True)


@dataclass(frozen=True, slots=True)
class Function:
    """How a function is called and how it is computed.

    `parameters` are the types of its arguments; those after `least` may be left out, and where `repeats` is set there
    may be any number of the last. `returns` ANY means the type that the arguments for ANY have in common. An argument
    with a `bound` is checked when the formula is saved, if it is written out, and when it is computed.
    """

    parameters: tuple[Type, ...]
    returns: Type
    build: Build
    least: int
    repeats: bool = False
    bound: Bound | None = None

    def parameter(self, index: int) -> Type:
        return self.parameters[min(index, len(self.parameters) - 1)]


def _if(arguments: Sequence[Compute]) -> Compute:
    """The second where the first holds, else the third; the other one is not computed."""
    holds, then, otherwise = arguments
    return lambda scope: then(scope) if holds(scope) else otherwise(scope)


def _default_to(arguments: Sequence[Compute]) -> Compute:
    """The first, or the second where the first cannot be computed."""
    wanted, otherwise = arguments

    def compute(scope: FormulaScope) -> object:
        try:
            return wanted(scope)
        except CANNOT:
            return otherwise(scope)

    return compute


def _min(arguments: Sequence[Compute]) -> Compute:
    return lambda scope: min([argument(scope) for argument in arguments])


def _max(arguments: Sequence[Compute]) -> Compute:
    return lambda scope: max([argument(scope) for argument in arguments])


def _pow(arguments: Sequence[Compute]) -> Compute:
    """The first raised to the second; 0 only to positive powers, a negative number only to whole ones."""
    base, exponent = arguments

    def compute(scope: FormulaScope) -> Decimal:
        power = exponent(scope)
        if not EXPONENT.allows(power):
            raise NotComputable
        result = CONTEXT.power(base(scope), power)
        # 0 to a negative power is infinite to Decimal, and no error.
        if not result.is_finite():
            raise NotComputable
        return result

    return compute


def _to_precision(rounding: str) -> Build:
    """Round to so many digits after the point; -1 rounds to tens, -2 to hundreds."""

    def build(arguments: Sequence[Compute]) -> Compute:
        def compute(scope: FormulaScope) -> Decimal:
            number: Decimal = arguments[0](scope)
            precision = arguments[1](scope) if len(arguments) == 2 else Decimal(0)
            if not PRECISION.allows(precision):
                raise NotComputable
            step = Decimal((0, (1,), -int(precision)))
            exponent = number.as_tuple().exponent
            # More digits than a number has cannot be asked of it, and the context would refuse to append them.
            if isinstance(exponent, int) and exponent >= -precision:
                return number
            return number.quantize(step, rounding, CONTEXT)

        return compute

    return build


def _of_day(part: Callable[[date], int]) -> Build:
    """A part of a date, in the project's time zone."""

    def build(arguments: Sequence[Compute]) -> Compute:
        (moment,) = arguments
        return lambda scope: Decimal(part(day_of(moment(scope), scope.cart.zone)))

    return build


def _distance(sign: int, count: Callable[[date, date], int]) -> Build:
    """From a date to today (1) or from today to a date (-1), in the project's time zone; negative the other way."""

    def build(arguments: Sequence[Compute]) -> Compute:
        (moment,) = arguments

        def compute(scope: FormulaScope) -> Decimal:
            zone = scope.cart.zone
            return Decimal(count(day_of(moment(scope), zone), day_of(scope.cart.now, zone)) * sign)

        return compute

    return build


def days_between(first: date, second: date) -> int:
    return (second - first).days


def months_between(first: date, second: date) -> int:
    """Whole months from `first` to `second`, negative when it lies before.

    A month is over on the same day of the next one, or on its last day where it is shorter: 31 January to 28 February
    is a month, and who was born on 29 February is a year older on 28 February.
    """
    if second < first:
        return -months_between(second, first)
    months = (second.year - first.year) * 12 + second.month - first.month
    return months if second.day >= first.day or _is_last_of_month(second) else months - 1


def years_between(first: date, second: date) -> int:
    """Whole years, as `months_between` counts them."""
    months = months_between(first, second)
    return months // 12 if months >= 0 else -(-months // 12)


def _is_last_of_month(day: date) -> bool:
    return day == date.max or date.fromordinal(day.toordinal() + 1).day == 1


NUMBER, ANY, FLAG, MOMENT = Type.NUMBER, Type.ANY, Type.FLAG, Type.MOMENT

FUNCTIONS: dict[str, Function] = {
    "IF": Function((FLAG, ANY, ANY), ANY, _if, 3),
    "DEFAULT_TO": Function((ANY, ANY), ANY, _default_to, 2),
    "MIN": Function((NUMBER,), NUMBER, _min, 1, repeats=True),
    "MAX": Function((NUMBER,), NUMBER, _max, 1, repeats=True),
    "POW": Function((NUMBER, NUMBER), NUMBER, _pow, 2, bound=EXPONENT),
    "ROUND": Function((NUMBER, NUMBER), NUMBER, _to_precision(ROUND_HALF_UP), 1, bound=PRECISION),
    "FLOOR": Function((NUMBER, NUMBER), NUMBER, _to_precision(ROUND_FLOOR), 1, bound=PRECISION),
    "CEIL": Function((NUMBER, NUMBER), NUMBER, _to_precision(ROUND_CEILING), 1, bound=PRECISION),
    "DAY_OF_MONTH": Function((MOMENT,), NUMBER, _of_day(lambda day: day.day), 1),
    "MONTH": Function((MOMENT,), NUMBER, _of_day(lambda day: day.month), 1),
    "YEAR": Function((MOMENT,), NUMBER, _of_day(lambda day: day.year), 1),
    "DAYS_SINCE": Function((MOMENT,), NUMBER, _distance(1, days_between), 1),
    "MONTHS_SINCE": Function((MOMENT,), NUMBER, _distance(1, months_between), 1),
    "YEARS_SINCE": Function((MOMENT,), NUMBER, _distance(1, years_between), 1),
    "DAYS_UNTIL": Function((MOMENT,), NUMBER, _distance(-1, days_between), 1),
    "MONTHS_UNTIL": Function((MOMENT,), NUMBER, _distance(-1, months_between), 1),
    "YEARS_UNTIL": Function((MOMENT,), NUMBER, _distance(-1, years_between), 1),
}


def written_day(text: str) -> date:
    """The day that DATE("2026-11-27") names. Raises ValueError."""
    moment = moment_of(text)
    if moment is None or isinstance(moment, datetime):
        raise ValueError(text)
    return moment


def written_instant(text: str) -> datetime:
    """The instant that DATE_TIME("2026-11-27T18:00:00Z") names; local time if it has no offset. Raises ValueError."""
    moment = moment_of(text)
    if not isinstance(moment, datetime):
        raise ValueError(text)
    return moment


MOMENTS: dict[str, tuple[Callable[[str], date], str]] = {
    "DATE": (written_day, "2026-11-27"),
    "DATE_TIME": (written_instant, "2026-11-27T18:00:00Z"),
}
"""Dates written out: how each is read, and an example of it."""
