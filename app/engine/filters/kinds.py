"""Kinds of attributes: for each the table of its operators. They are the operators of rules, under a filter's names.

What is absent differs from everything and equals nothing, as in rules. Days "ago" and "in future" are calendar days
in the project's zone.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from app.engine.cart import Cart
from app.engine.rules import operators, values
from app.engine.rules.date_operators import dates
from app.engine.rules.predicates import Operator, Predicate

Operators: TypeAlias = Mapping[str, Operator]

Values: TypeAlias = Callable[[str], Any]
"""The value of each attribute of something; None when it has none."""

_OTHER_NAMES = {
    "$more_than_equal": "$more_than_or_equal",
    "$less_than_equal": "$less_than_or_equal",
}


def _never(operands: Sequence[Any]) -> Predicate:
    return lambda value, cart: False


def _is_there(operands: Sequence[Any]) -> Predicate:
    return lambda value, cart: value != () and value != []


def _is_empty(operands: Sequence[Any]) -> Predicate:
    return lambda value, cart: value == () or value == []


def _negation_of(operator: Operator) -> Operator:
    def build(operands: Sequence[Any]) -> Predicate:
        holds = operator.build(operands)
        return lambda value, cart: not holds(value, cart)

    return Operator(operator.parse, build, operator.takes_one, negated=True)


def _asked_of_each(operator: Operator) -> Operator:
    """The operator for a list: one element has to fulfil it, or all of them if it says what a value is not."""

    def build(operands: Sequence[Any]) -> Predicate:
        holds = operator.build(operands)
        enough = all if operator.negated else any

        def of_each(value: Any, cart: Cart) -> bool:
            return enough(holds(element, cart) for element in value)

        return of_each

    return Operator(operator.parse, build, operator.takes_one, operator.negated)


def _anything(value: Any) -> Any:
    """The value of an operator that needs none; clients send true, or an empty text."""
    return value


_PRESENCE: Operators = {
    "$has_value": Operator(_anything, _is_there),
    "$is_unknown": Operator(_anything, _is_empty, negated=True),
}


def _filter_names(known: Operators) -> dict[str, Operator]:
    """The operators with the names that only filters use."""
    named = {**known, **_PRESENCE}
    named |= {other: known[name] for other, name in _OTHER_NAMES.items() if name in known}
    if "$contains" in known:
        named["$not_contain"] = _negation_of(known["$contains"])
    return named


def _day_operators() -> dict[str, Operator]:
    return {name: operator for name, operator in dates().items() if not name.startswith(("$timeframe", "$dow"))}


def _is_next_month(operands: Sequence[Any]) -> Predicate:
    def holds(value: Any, cart: Cart) -> bool:
        day = values.moment_of(value)
        return day is not None and day.month == cart.now.astimezone(cart.zone).month % 12 + 1

    return holds


TEXT: Operators = _filter_names(operators.texts(values.parse_text))
"""A text, compared letter by letter."""

PLACE: Operators = _filter_names(operators.texts(values.parse_place))
"""A text that is the same in any case, with or without blanks around: the value has to be folded (`values.fold`)."""

NUMBER: Operators = _filter_names(operators.numbers(values.parse_whole))
"""A whole number: amounts in minor units, counts."""

JSON: Operators = _filter_names(operators.json_values())
"""A metadata value of any type."""

TEXTS: Operators = _filter_names(
    {name: _asked_of_each(operator) for name, operator in operators.texts(values.parse_text).items()}
) | {name: operator for name, operator in operators.id_sets().items() if name.startswith("$count")}
"""A tuple of texts: one of them has to be what is asked for, none of them what is asked against."""

MOMENT: Operators = _filter_names(_day_operators()) | {
    "$more_than": dates()["$more_than_ago"],
    "$less_than": dates()["$less_than_ago"],
}
"""An instant as ISO 8601 text. `$more_than` and `$less_than` count days ago."""

DAY: Operators = {**MOMENT, "$next_month": Operator(_anything, _is_next_month)}
"""A calendar day as ISO 8601 text. `$next_month` looks at the month and not at the year."""
