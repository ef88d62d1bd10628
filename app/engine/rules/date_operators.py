"""Operators of dates in metadata: `2026-11-27` is a day, `2026-11-27T18:00:00Z` an instant, in the project's zone."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from app.engine.cart import Cart
from app.engine.postings import day_start
from app.engine.rules import values
from app.engine.rules.predicates import OpensAt, Operator, Predicate
from app.engine.rules.values import BadValue
from app.engine.validity import Timeframe, parse_clock, parse_duration, sunday_first


def dates() -> dict[str, Operator]:
    """Date operators. "Ago" and "future" count calendar days in the project's zone: yesterday 23:59 is one day ago."""
    return {
        "$after": Operator(values.parse_moment, _side(1), takes_one=True),
        "$before": Operator(values.parse_moment, _side(-1), takes_one=True),
        "$is_days_ago": _days(-1, lambda days, wanted: days == wanted, opens_after=0),
        "$more_than_ago": _days(-1, lambda days, wanted: days > wanted, opens_after=1),
        "$less_than_ago": _days(-1, lambda days, wanted: 0 <= days < wanted, opens_after=None),
        "$is_days_in_future": _days(1, lambda days, wanted: days == wanted, opens_after=0),
        "$more_than_future": _days(1, lambda days, wanted: days > wanted, opens_after=None),
        "$less_than_future": _days(1, lambda days, wanted: 0 <= days < wanted, opens_after=1),
        "$timeframe": Operator(_parse_timeframe, _any_moment(_in_timeframe)),
        "$timeframe_absolute": Operator(_parse_span, _any_moment(_in_span)),
        "$timeframe_daily_hours": Operator(_parse_daily, _any_moment(_in_daily)),
        "$dow": Operator(_parse_dow, _any_moment(lambda at, day, wanted, cart: sunday_first(day) == wanted)),
    }


def _side(sign: int) -> Callable[[Sequence[Any]], Predicate]:
    """After (1) or before (-1). Days are compared when either side is only a day: all of that day is not after it."""

    def build(operands: Sequence[date | datetime]) -> Predicate:
        bound = operands[0]

        def holds(value: Any, cart: Cart) -> bool:
            moment = values.moment_of(value)
            if moment is None:
                return False
            try:
                if isinstance(moment, datetime) and isinstance(bound, datetime):
                    gap = (values.instant_of(moment, cart.zone) - values.instant_of(bound, cart.zone)).total_seconds()
                    return gap * sign > 0
                return (values.day_of(moment, cart.zone) - values.day_of(bound, cart.zone)).days * sign > 0
            except OverflowError:
                return False

        return holds

    return build


def _days(sign: int, compare: Callable[[int, int], bool], *, opens_after: int | None) -> Operator:
    def distance(value: Any, cart: Cart) -> int | None:
        """Calendar days from today to the value, times `sign`."""
        moment = values.moment_of(value)
        if moment is None:
            return None
        try:
            return (values.day_of(moment, cart.zone) - cart.now.astimezone(cart.zone).date()).days * sign
        except OverflowError:
            return None

    def build(operands: Sequence[int]) -> Predicate:
        def holds(value: Any, cart: Cart) -> bool:
            days = distance(value, cart)
            return days is not None and compare(days, operands[0])

        return holds

    def opens_at(operands: Sequence[int]) -> OpensAt:
        def opening(value: Any, cart: Cart) -> datetime | None:
            days = distance(value, cart)
            if days is None or opens_after is None:
                return None
            # Every day that passes adds one to "ago" and takes one from "in future".
            wait = (operands[0] + opens_after - days) if sign < 0 else (days - operands[0] + opens_after)
            if wait <= 0:
                return None
            try:
                return day_start(cart.now.astimezone(cart.zone).date() + timedelta(days=wait), cart.zone)
            except OverflowError:
                return None

        return opening

    return Operator(values.parse_days, build, takes_one=True, opens_at=opens_at)


def _any_moment(check: Callable[[datetime, date, Any, Cart], bool]) -> Callable[[Sequence[Any]], Predicate]:
    """Hold when the value is a moment that passes `check` (instant, its day, operand, cart) for one of the operands."""

    def build(operands: Sequence[Any]) -> Predicate:
        def holds(value: Any, cart: Cart) -> bool:
            moment = values.moment_of(value)
            if moment is None:
                return False
            try:
                at = values.instant_of(moment, cart.zone).astimezone(cart.zone)
                return any(check(at, at.date(), operand, cart) for operand in operands)
            except OverflowError:
                return False

        return holds

    return build


def _parts(value: Any, least: int, most: int, form: str) -> list[str]:
    parts = [part.strip() for part in values.parse_text(value).split(";")]
    if not least <= len(parts) <= most:
        raise BadValue(f'must be written "{form}"')
    return parts


def _parse_timeframe(value: Any) -> tuple[date | datetime, Timeframe]:
    start, interval, duration = _parts(value, 3, 3, "start;interval;duration")
    try:
        return values.parse_moment(start), Timeframe(parse_duration(interval), parse_duration(duration))
    except BadValue:
        raise
    except ValueError as problem:
        raise BadValue(str(problem)) from None


def _in_timeframe(at: datetime, day: date, operand: tuple[date | datetime, Timeframe], cart: Cart) -> bool:
    start, timeframe = operand
    return timeframe.is_open(values.instant_of(start, cart.zone), at, cart.zone)


def _parse_span(value: Any) -> tuple[date | datetime, date | datetime]:
    start, end = (values.parse_moment(part) for part in _parts(value, 2, 2, "from;to"))
    return start, end


def _in_span(at: datetime, day: date, operand: tuple[date | datetime, date | datetime], cart: Cart) -> bool:
    """Half-open between instants. A last day without a time counts whole, or "until the 6th" would end on the 5th."""
    start, end = operand
    if at < values.instant_of(start, cart.zone):
        return False
    return at < values.instant_of(end, cart.zone) if isinstance(end, datetime) else day <= end


def _parse_daily(value: Any) -> tuple[int, int, frozenset[int]]:
    start, end, *days = _parts(value, 2, 3, "18:00;20:01;2,3")
    try:
        minutes = parse_clock(start), parse_clock(end) or 1440
    except ValueError as problem:
        raise BadValue(str(problem)) from None
    if minutes[1] <= minutes[0]:
        raise BadValue("must end after it starts; write a night as two values")
    named = days[0].split(",") if days else ["0", "1", "2", "3", "4", "5", "6"]
    return *minutes, frozenset(_parse_dow(day.strip()) for day in named)


def _in_daily(at: datetime, day: date, operand: tuple[int, int, frozenset[int]], cart: Cart) -> bool:
    start_minute, end_minute, days = operand
    return start_minute <= at.hour * 60 + at.minute < end_minute and sunday_first(day) in days


def _parse_dow(value: Any) -> int:
    day = values.parse_whole(value)
    if not 0 <= day <= 6:
        raise BadValue("must be a day of the week, 0 (Sunday) to 6 (Saturday)")
    return day
