"""Operators, family by family. An operator parses its values when the rule is saved and gives back a predicate.

A predicate gets what the fact answered (never None) and the cart, whose clock and zone the date operators read.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from app.engine.cart import Cart, Item
from app.engine.postings import day_start
from app.engine.rules import values
from app.engine.rules.values import BadValue
from app.engine.validity import Timeframe, parse_clock, parse_duration, spoken, sunday_first

Predicate = Callable[[Any, Cart], bool]
OpensAt = Callable[[Any, Cart], "datetime | None"]


@dataclass(frozen=True, slots=True)
class Operator:
    """What `$name [values]` means for one type of fact.

    `parse` reads one value, `build` makes the predicate from all of them; `takes_one` operators refuse a second value.
    `negated` ones say what a value is not: they hold when there is no value, and for many lines they must hold for all.
    `opens_at` tells when a condition that fails now will come true by itself.
    """

    parse: Callable[[Any], Any]
    build: Callable[[Sequence[Any]], Predicate]
    takes_one: bool = False
    negated: bool = False
    opens_at: Callable[[Sequence[Any]], OpensAt] | None = None


# Equality and order of numbers, texts and truth values.


def _is_in(operands: Sequence[Any]) -> Predicate:
    if len(operands) == 1:
        (only,) = operands
        return lambda value, cart: bool(value == only)
    allowed = frozenset(operands)
    return lambda value, cart: value in allowed


def _is_not_in(operands: Sequence[Any]) -> Predicate:
    forbidden = frozenset(operands)
    return lambda value, cart: value not in forbidden


def _less(operands: Sequence[Any]) -> Predicate:
    bound = operands[0]
    return lambda value, cart: bool(value < bound)


def _less_or_equal(operands: Sequence[Any]) -> Predicate:
    bound = operands[0]
    return lambda value, cart: bool(value <= bound)


def _more(operands: Sequence[Any]) -> Predicate:
    bound = operands[0]
    return lambda value, cart: bool(value > bound)


def _more_or_equal(operands: Sequence[Any]) -> Predicate:
    bound = operands[0]
    return lambda value, cart: bool(value >= bound)


def _equality(parse: Callable[[Any], Any]) -> dict[str, Operator]:
    return {
        "$is": Operator(parse, _is_in),
        "$in": Operator(parse, _is_in),
        "$is_not": Operator(parse, _is_not_in, negated=True),
        "$not_in": Operator(parse, _is_not_in, negated=True),
    }


ORDERINGS: Mapping[str, Callable[[Sequence[Any]], Predicate]] = {
    "$less_than": _less,
    "$less_than_or_equal": _less_or_equal,
    "$more_than": _more,
    "$more_than_or_equal": _more_or_equal,
    "$greater_than": _more,
    "$greater_than_or_equal": _more_or_equal,
}


def numbers(parse: Callable[[Any], Any]) -> dict[str, Operator]:
    """Operators of a whole number; several values of `$is` mean any of them."""
    return _equality(parse) | {name: Operator(parse, build, takes_one=True) for name, build in ORDERINGS.items()}


# Text.


def _starts_with(operands: Sequence[str]) -> Predicate:
    prefixes = tuple(operands)
    return lambda value, cart: isinstance(value, str) and value.startswith(prefixes)


def _ends_with(operands: Sequence[str]) -> Predicate:
    suffixes = tuple(operands)
    return lambda value, cart: isinstance(value, str) and value.endswith(suffixes)


def _contains(operands: Sequence[str]) -> Predicate:
    parts = tuple(operands)

    def contains(value: Any, cart: Cart) -> bool:
        """A text contains a part of itself, a list one of its elements."""
        return isinstance(value, str | list | tuple) and any(part in value for part in parts)

    return contains


def _affixes(parse: Callable[[Any], str]) -> dict[str, Operator]:
    return {
        "$starts_with": Operator(parse, _starts_with),
        "$ends_with": Operator(parse, _ends_with),
        "$contains": Operator(parse, _contains),
    }


def texts(parse: Callable[[Any], str]) -> dict[str, Operator]:
    return _equality(parse) | _affixes(parse)


def truths() -> dict[str, Operator]:
    equality = _equality(values.parse_bool)
    return {"$is": equality["$is"], "$is_not": equality["$is_not"]}


def _parse_true(value: Any) -> bool:
    if not values.parse_bool(value):
        raise BadValue("must be true; to allow everybody, leave the rule out")
    return True


def only_true() -> dict[str, Operator]:
    """For facts that switch a restriction on: asking for their opposite is a misunderstanding."""
    return {"$is": Operator(_parse_true, _is_in, takes_one=True)}


# Sets of ids.


def id_sets() -> dict[str, Operator]:
    """Operators of a set of ids. `$is` and `$in` ask for at least one of the values, their opposites for none."""

    def meets(operands: Sequence[str]) -> Predicate:
        wanted = frozenset(operands)
        return lambda value, cart: not wanted.isdisjoint(value)

    def avoids(operands: Sequence[str]) -> Predicate:
        unwanted = frozenset(operands)
        return lambda value, cart: unwanted.isdisjoint(value)

    def equals(operands: Sequence[str]) -> Predicate:
        wanted = frozenset(operands)
        return lambda value, cart: wanted == frozenset(value)

    parse = values.parse_text
    return {
        "$is": Operator(parse, meets),
        "$in": Operator(parse, meets),
        "$is_not": Operator(parse, avoids, negated=True),
        "$not_in": Operator(parse, avoids, negated=True),
        "$not_intersect": Operator(parse, avoids, negated=True),
        "$not_differ": Operator(parse, equals),
        **_counts(),
    }


def _counts() -> dict[str, Operator]:
    def count(compare: Callable[[Sequence[Any]], Predicate]) -> Callable[[Sequence[int]], Predicate]:
        def build(operands: Sequence[int]) -> Predicate:
            holds = compare(operands)
            return lambda value, cart: isinstance(value, list | tuple | frozenset) and holds(len(value), cart)

        return build

    return {
        "$count": Operator(values.parse_count, count(_is_in)),
        "$count_more": Operator(values.parse_count, count(_more), takes_one=True),
        "$count_less": Operator(values.parse_count, count(_less), takes_one=True),
    }


# Metadata: any JSON value.


def json_values() -> dict[str, Operator]:
    """Operators of a metadata value. A value of another type than the operator needs does not hold, whatever it is.

    A list counts as its elements: `$is` and `$in` hold when one of them is among the values, `$is_not`, `$not_in` and
    `$not_intersect` when none is, `$not_differ` when both sides have the same elements whatever their order.
    """

    def keys_of(value: Any) -> set[Hashable]:
        return set(map(values.json_key, value)) if isinstance(value, list | tuple) else {values.json_key(value)}

    def meets(operands: Sequence[frozenset[Hashable]]) -> Predicate:
        wanted = frozenset[Hashable]().union(*operands)

        def holds(value: Any, cart: Cart) -> bool:
            if value.__class__ is str:  # the common case, without making keys
                return value in wanted
            return values.json_key(value) in wanted or not wanted.isdisjoint(keys_of(value))

        return holds

    def avoids(operands: Sequence[frozenset[Hashable]]) -> Predicate:
        meet = meets(operands)
        return lambda value, cart: not meet(value, cart)

    def equals(operands: Sequence[frozenset[Hashable]]) -> Predicate:
        wanted = frozenset[Hashable]().union(*operands)

        def holds(value: Any, cart: Cart) -> bool:
            seen = keys_of(value)
            return seen <= wanted and all(not seen.isdisjoint(operand) for operand in operands)

        return holds

    def ordered(compare: Callable[[Sequence[Any]], Predicate]) -> Callable[[Sequence[Any]], Predicate]:
        def build(operands: Sequence[Any]) -> Predicate:
            holds_for = compare(operands)

            def holds(value: Any, cart: Cart) -> bool:
                number = values.number_of(value)
                return number is not None and holds_for(number, cart)

            return holds

        return build

    return {
        "$is": Operator(values.parse_json, meets),
        "$in": Operator(values.parse_json, meets),
        "$is_not": Operator(values.parse_json, avoids, negated=True),
        "$not_in": Operator(values.parse_json, avoids, negated=True),
        "$not_intersect": Operator(values.parse_json, avoids, negated=True),
        "$not_differ": Operator(values.parse_json, equals),
        **{
            name: Operator(values.parse_number, ordered(compare), takes_one=True) for name, compare in ORDERINGS.items()
        },
        **_affixes(values.parse_text),
        **_counts(),
        **_dates(),
    }


# Dates in metadata: `2026-11-27` is a day, `2026-11-27T18:00:00Z` an instant, both read in the project's zone.


def _dates() -> dict[str, Operator]:
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


# Lines of the order: is it this product or SKU?


@dataclass(frozen=True, slots=True)
class LineName:
    """One product or SKU that a rule names. `kind` is empty when the rule gave only a text: then it may be either."""

    kind: str
    id: str | None
    source_id: str | None


def _parse_line(kinds: tuple[str, ...]) -> Callable[[Any], LineName]:
    def parse(value: Any) -> LineName:
        if isinstance(value, str):
            name = values.parse_text(value)
            return LineName(kinds[0] if len(kinds) == 1 else "", name, name)
        if not isinstance(value, Mapping):
            raise BadValue("must be an id or an object with id or source_id, and object")
        kind = value.get("object", kinds[0] if len(kinds) == 1 else "product_or_sku")
        if kind == "products_collection":
            raise BadValue("names a product collection; collections are not available yet")
        if kind != "product_or_sku" and kind not in kinds:
            raise BadValue(f"must have as its object {' or '.join(kinds)}")
        ids = [value.get("id"), value.get("source_id")]
        if not any(ids) or any(name is not None and not isinstance(name, str) for name in ids):
            raise BadValue("must have an id or a source_id, as text")
        if kind == "product_or_sku":
            kind = kinds[0] if len(kinds) == 1 else ""
        return LineName(kind, ids[0], ids[1])

    return parse


def is_line(names: Sequence[LineName]) -> Callable[[Item], bool]:
    """Whether a line is one of the products or SKUs named, by our id or by the shop's."""
    product_ids = {name.id for name in names if name.kind != "sku"} - {None}
    product_sources = {name.source_id for name in names if name.kind != "sku"} - {None}
    sku_ids = {name.id for name in names if name.kind != "product"} - {None}
    sku_sources = {name.source_id for name in names if name.kind != "product"} - {None}

    def holds(line: Item) -> bool:
        if line.product_id in product_ids or line.sku_id in sku_ids:
            return True
        product, sku, source_id = line.product, line.sku, line.source_id
        if product is not None and (product.id in product_ids or product.source_id in product_sources):
            return True
        if sku is not None and (sku.id in sku_ids or sku.source_id in sku_sources):
            return True
        if source_id is None:
            return False
        return source_id in (sku_sources if line.related_object == "sku" else product_sources)

    return holds


def line_names(*kinds: str) -> dict[str, Operator]:
    """Operators of a line of the order, asked what it is."""

    def among(operands: Sequence[LineName]) -> Predicate:
        holds = is_line(operands)
        return lambda value, cart: holds(value)

    def not_among(operands: Sequence[LineName]) -> Predicate:
        holds = is_line(operands)
        return lambda value, cart: not holds(value)

    parse = _parse_line(kinds)
    return {
        "$is": Operator(parse, among),
        "$in": Operator(parse, among),
        "$is_not": Operator(parse, not_among, negated=True),
        "$not_in": Operator(parse, not_among, negated=True),
    }


def waiting(opens_at: datetime | None, cart: Cart) -> str | None:
    """The sentence for a condition that time alone will fulfil."""
    return None if opens_at is None else f"From {spoken(opens_at, cart.zone)}."
