"""Values on both sides of a condition: what the rule expects (parsed when it is saved) and what the request shows.

The two sides are not treated alike. A rule may write a number or a truth value as text ("10", "true"), because forms
and SDKs send it so; metadata that is the text "10" is never taken for a number, and text is never ordered against
numbers.
"""

import math
import re
from collections.abc import Hashable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from app.engine.postings import day_start

Num: TypeAlias = int | Decimal

LONGEST_TEXT = 1000
DEEPEST_VALUE = 8
GREATEST = 2**63 - 1
NUMERAL = re.compile(r"-?[0-9]{1,19}(?:\.[0-9]{1,10})?")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TRUTHS = {"true": True, "false": False}


class BadValue(ValueError):
    """One value of a condition is not what its operator needs. The text completes "<path> ..."."""


def number_of(value: Any) -> Num | None:
    """`value` as an exact number, None when it is not one. True and False are not numbers; nor are NaN and infinity.

    Equal numbers are equal and hash alike whether they were written 10, 10.0 or 1e1.
    """
    if value.__class__ is int:
        return int(value)
    if not isinstance(value, float) or not math.isfinite(value):
        return None
    return int(value) if value.is_integer() else Decimal(repr(value))


def parse_number(value: Any) -> Num:
    """A number of at most 64 bits, or the text of one."""
    number = number_of(value)
    if number is None and isinstance(value, str) and NUMERAL.fullmatch(value):
        decimal = Decimal(value)
        number = int(decimal) if decimal == decimal.to_integral_value() else decimal
    if number is None:
        raise BadValue("must be a number")
    if not -GREATEST <= number <= GREATEST:
        raise BadValue("must be a number of at most 64 bits")
    return number


def parse_whole(value: Any) -> int:
    number = parse_number(value)
    if not isinstance(number, int):
        raise BadValue("must be a whole number (amounts are in minor units)")
    return number


def parse_count(value: Any) -> int:
    number = parse_whole(value)
    if number < 0:
        raise BadValue("must not be negative")
    return number


def parse_days(value: Any) -> int:
    number = parse_count(value)
    if number > 100_000:
        raise BadValue("must be at most 100,000 days")
    return number


def parse_text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadValue("must be text")
    if not value or len(value) > LONGEST_TEXT:
        raise BadValue(f"must have 1 to {LONGEST_TEXT} characters")
    return value


def fold(text: str) -> str:
    """How places are compared: in any case, without blanks around."""
    return text.strip().casefold()


def parse_place(value: Any) -> str:
    return fold(parse_text(value))


def parse_bool(value: Any) -> bool:
    truth = TRUTHS.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(truth, bool):
        raise BadValue("must be true or false")
    return truth


def json_key(value: Any) -> Hashable:
    """Equal for equal JSON values of the same type, and only for them: 1 is 1.0 but neither "1" nor true."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return (value,)
    number = number_of(value)
    if number is not None:
        return number
    if isinstance(value, Mapping):
        return frozenset((key, json_key(inner)) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ("list", *map(json_key, value))
    return ("other", repr(value))


def parse_json(value: Any) -> frozenset[Hashable]:
    """The keys of everything that `value` may stand for: the text "10" also for 10, "true" also for true."""
    _check_json(value, 0)
    keys = {json_key(value)}
    if isinstance(value, str):
        if value.lower() in TRUTHS:
            keys.add((TRUTHS[value.lower()],))
        elif NUMERAL.fullmatch(value):
            keys.add(parse_number(value))
    return frozenset(keys)


def _check_json(value: Any, depth: int) -> None:
    if depth > DEEPEST_VALUE:
        raise BadValue(f"must not nest more than {DEEPEST_VALUE} deep")
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            raise BadValue(f"must have at most {LONGEST_TEXT} characters")
    elif isinstance(value, Mapping):
        for inner in value.values():
            _check_json(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check_json(inner, depth + 1)
    elif not isinstance(value, bool):
        if value is None:
            raise BadValue("must not be null; what is absent already differs from every value")
        parse_number(value)


def parse_moment(value: Any) -> date | datetime:
    """A calendar day (`2026-11-27`) or an instant (`2026-11-27T18:00:00Z`; without an offset it is local time)."""
    moment = moment_of(value)
    if moment is None:
        raise BadValue("must be a date (2026-11-27) or an ISO 8601 instant (2026-11-27T18:00:00Z)")
    return moment


def moment_of(value: Any) -> date | datetime | None:
    """The day or instant that a text names, None when it names none."""
    if not isinstance(value, str) or not DAY.match(value):
        return None
    try:
        return date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
    except ValueError:
        return None


def instant_of(moment: date | datetime, zone: Any) -> datetime:
    """The instant: a day begins at its midnight in `zone`, a local time is meant in `zone`."""
    if not isinstance(moment, datetime):
        return day_start(moment, zone)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def day_of(moment: date | datetime, zone: Any) -> date:
    """The calendar day in `zone`. Raises OverflowError at the very ends of the calendar."""
    if not isinstance(moment, datetime):
        return moment
    return moment.date() if moment.tzinfo is None else moment.astimezone(zone).date()
