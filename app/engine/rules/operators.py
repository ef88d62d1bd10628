"""Operators by family: numbers, texts, truth values, sets of ids, and metadata of any JSON type.

An operator parses its values when the rule is saved and makes a predicate from them.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from app.engine.cart import Cart
from app.engine.rules import values
from app.engine.rules.date_operators import dates
from app.engine.rules.predicates import Operator, Predicate
from app.engine.rules.values import BadValue

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
        **dates(),
    }
