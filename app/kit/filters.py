"""Filters of lists: what can be asked of an attribute, as SQL conditions on its column.

A kind of attribute is a table from operator to condition; `text(Voucher.code)` is one. A feature may extend a table:
`{**text(Voucher.code), "$mine": ...}`. A condition raises ValueError with a sentence when its values mean nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Numeric, Text, and_, case, cast, extract, false, func, literal, or_, true
from sqlalchemy.dialects.postgresql import ARRAY

from app.kit.wire import format_instant, within_calendar

Column: TypeAlias = Any
"""A column, or any SQL expression of its type."""


@dataclass(frozen=True, slots=True)
class When:
    """The instant and the zone in which relative dates and days are meant."""

    now: datetime
    zone: ZoneInfo

    def localise(self, instant: datetime) -> datetime:
        """An instant without offset is meant in the zone."""
        return instant if instant.tzinfo is not None else instant.replace(tzinfo=self.zone)

    def midnight(self, days_from_today: int) -> datetime:
        today = self.now.astimezone(self.zone).date()
        return datetime.combine(today + timedelta(days=days_from_today), datetime.min.time(), self.zone)


Condition: TypeAlias = Callable[[Sequence[str], When], ColumnElement[bool]]
Filter: TypeAlias = Mapping[str, Condition]

_MOST_DAYS = 36_500
_MOST_DIGITS = 30


def text(column: Column, choices: Sequence[str] = ()) -> dict[str, Condition]:
    """Strings; with `choices` no other value may be asked for."""

    def known(values: Sequence[str]) -> Sequence[str]:
        unknown = next((value for value in values if choices and value not in choices), None)
        if unknown is not None:
            raise ValueError(f"{unknown} is not one of {', '.join(choices)}.")
        return values

    return {
        **_membership(column, known),
        **_presence(column),
        "$starts_with": lambda values, _: or_(*(column.startswith(value, autoescape=True) for value in values)),
        "$ends_with": lambda values, _: or_(*(column.endswith(value, autoescape=True) for value in values)),
        "$contains": lambda values, _: or_(*(column.contains(value, autoescape=True) for value in values)),
        "$not_contain": lambda values, _: or_(
            column.is_(None), and_(*(~column.contains(value, autoescape=True) for value in values))
        ),
    }


def moment(column: Column) -> dict[str, Condition]:
    """Instants. A day or a time without offset is meant in the project's zone."""
    return {
        **_presence(column),
        "$after": lambda values, when: column > _instant(values, when),
        "$before": lambda values, when: column < _instant(values, when),
        "$more_than": lambda values, when: column < when.now - _days(values),
        "$less_than": lambda values, when: column.between(when.now - _days(values), when.now),
        "$more_than_ago": lambda values, when: column < when.now - _days(values),
        "$less_than_ago": lambda values, when: column.between(when.now - _days(values), when.now),
        "$more_than_future": lambda values, when: column > when.now + _days(values),
        "$less_than_future": lambda values, when: column.between(when.now, when.now + _days(values)),
        "$is_days_ago": lambda values, when: _on_day(column, when, -_days(values).days),
        "$is_days_in_future": lambda values, when: _on_day(column, when, _days(values).days),
    }


def day(column: Column) -> dict[str, Condition]:
    """Dates without a time, such as birthdays; `$next_month` looks at the month and not at the year."""

    def today(when: When) -> date:
        return when.now.astimezone(when.zone).date()

    return {
        **_presence(column),
        "$after": lambda values, when: column > _instant(values, when).astimezone(when.zone).date(),
        "$before": lambda values, when: column < _instant(values, when).astimezone(when.zone).date(),
        "$more_than_ago": lambda values, when: column < today(when) - _days(values),
        "$less_than_ago": lambda values, when: column.between(today(when) - _days(values), today(when)),
        "$more_than_future": lambda values, when: column > today(when) + _days(values),
        "$less_than_future": lambda values, when: column.between(today(when), today(when) + _days(values)),
        "$is_days_ago": lambda values, when: column == today(when) - _days(values),
        "$is_days_in_future": lambda values, when: column == today(when) + _days(values),
        "$next_month": lambda _, when: extract("month", column) == today(when).month % 12 + 1,
    }


def number(column: Column) -> dict[str, Condition]:
    """Numbers, integer or not."""

    def numbers(values: Sequence[str]) -> list[ColumnElement[Decimal]]:
        return [literal(_number(value), Numeric()) for value in values]

    def least(values: Sequence[str]) -> ColumnElement[Decimal]:
        return literal(_number(_one(values)), Numeric())

    return {
        **_membership(column, numbers),
        **_presence(column),
        "$more_than": lambda values, _: column > least(values),
        "$less_than": lambda values, _: column < least(values),
        "$more_than_equal": lambda values, _: column >= least(values),
        "$less_than_equal": lambda values, _: column <= least(values),
    }


def flag(column: Column) -> dict[str, Condition]:
    """Truth values, written TRUE and FALSE in any case."""
    return {
        "$is": lambda values, _: column.is_(_truth(_one(values))),
        "$is_not": lambda values, _: column.is_not(_truth(_one(values))),
        **_presence(column),
    }


def array(column: Column) -> dict[str, Condition]:
    """Lists of strings, stored as jsonb arrays: what they hold, and how many."""

    def holds_any(values: Sequence[str]) -> ColumnElement[bool]:
        found: ColumnElement[bool] = column.op("?|", is_comparison=True)(literal(list(values), ARRAY(Text())))
        return found

    length = func.jsonb_array_length(column)
    return {
        "$is": lambda values, _: holds_any(values),
        "$in": lambda values, _: holds_any(values),
        "$contains": lambda values, _: holds_any(values),
        "$is_not": lambda values, _: or_(column.is_(None), ~holds_any(values)),
        "$not_in": lambda values, _: or_(column.is_(None), ~holds_any(values)),
        "$not_contain": lambda values, _: or_(column.is_(None), ~holds_any(values)),
        "$count": lambda values, _: length == literal(_number(_one(values)), Numeric()),
        "$count_less": lambda values, _: length < literal(_number(_one(values)), Numeric()),
        "$count_more": lambda values, _: length > literal(_number(_one(values)), Numeric()),
        "$has_value": lambda *_: and_(column.is_not(None), length > 0),
        "$is_unknown": lambda *_: or_(column.is_(None), length == 0),
    }


def metadata(column: Column, key: str) -> dict[str, Condition]:
    """One key of a jsonb object: its text, its number if it is one, its date as ISO 8601 text in UTC."""
    value = column[key].astext.collate("C")
    kind = func.jsonb_typeof(column[key])
    as_number = case((kind == "number", cast(column[key].astext, Numeric())))
    compared = number(as_number)
    return {
        **text(value),
        **{name: compared[name] for name in ("$more_than", "$less_than", "$more_than_equal", "$less_than_equal")},
        "$after": lambda values, when: value > _iso(values, when),
        "$before": lambda values, when: value < _iso(values, when),
    }


def _membership(column: Column, read: Callable[[Sequence[str]], Sequence[Any]]) -> dict[str, Condition]:
    """Equality. A row without a value is not any value, so it is found by `$is_not` and `$not_in`."""
    return {
        "$is": lambda values, _: column.in_(read(values)),
        "$in": lambda values, _: column.in_(read(values)),
        "$is_not": lambda values, _: or_(column.is_(None), column.not_in(read(values))),
        "$not_in": lambda values, _: or_(column.is_(None), column.not_in(read(values))),
    }


def _presence(column: Column) -> dict[str, Condition]:
    return {
        "$has_value": lambda *_: column.is_not(None),
        "$is_unknown": lambda *_: column.is_(None),
    }


def _one(values: Sequence[str]) -> str:
    if len(values) != 1:
        raise ValueError("Takes one value.")
    return values[0]


def _number(value: str) -> Decimal:
    try:
        parsed = Decimal(value)
    except InvalidOperation:
        parsed = Decimal("NaN")
    if not parsed.is_finite() or parsed.adjusted() > _MOST_DIGITS or parsed.adjusted() < -_MOST_DIGITS:
        raise ValueError(f"{value} is not a number of up to {_MOST_DIGITS} digits.")
    return parsed


def _truth(value: str) -> ColumnElement[bool]:
    if value.upper() not in ("TRUE", "FALSE"):
        raise ValueError(f"{value} is neither TRUE nor FALSE.")
    return true() if value.upper() == "TRUE" else false()


def _days(values: Sequence[str]) -> timedelta:
    value = _one(values)
    if not (value.isascii() and value.isdigit() and len(value) <= 5 and int(value) <= _MOST_DAYS):
        raise ValueError(f"{value} is not a number of days from 0 to {_MOST_DAYS}.")
    return timedelta(days=int(value))


def _instant(values: Sequence[str], when: When) -> datetime:
    value = _one(values)
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value} is not an ISO 8601 date or time.") from None
    return when.localise(within_calendar(parsed))


def _on_day(column: Column, when: When, days_from_today: int) -> ColumnElement[bool]:
    return and_(column >= when.midnight(days_from_today), column < when.midnight(days_from_today + 1))


def _iso(values: Sequence[str], when: When) -> str:
    """A day stays a day, so that it compares with days; an instant becomes the text that we would write for it."""
    instant = _instant(values, when)
    return values[0] if len(values[0]) == len("2026-01-01") else format_instant(instant)
