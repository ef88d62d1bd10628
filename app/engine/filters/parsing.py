"""Reading a filter from the wire. Everything that can be wrong with one is found here, when it is saved.

{"junction": "and", "address.country": {"conditions": {"$is": "DE"}},
 "summary.orders.total_count": {"conditions": {"$more_than": [2]}}}
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.engine.cart import Cart
from app.engine.filters.errors import InvalidFilter
from app.engine.filters.kinds import Operators, Values
from app.engine.filters.vocabulary import Vocabulary
from app.engine.rules.conditions import Condition
from app.engine.rules.values import BadValue

MOST_CONDITIONS = 50
MOST_VALUES = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of one attribute; all of it must hold."""

    attribute: str
    conditions: tuple[Condition, ...]

    def holds(self, values: Values, cart: Cart) -> bool:
        value = values(self.attribute)
        return all(condition.accepts(value, cart) for condition in self.conditions)


@dataclass(frozen=True, slots=True, eq=False)
class Filter:
    """Conditions on attributes. All of them must hold, or with `matches_any` one."""

    asked: tuple[Asked, ...]
    matches_any: bool

    @property
    def attributes(self) -> frozenset[str]:
        return frozenset(each.attribute for each in self.asked)

    def accepts(self, values: Values, cart: Cart) -> bool:
        """Whether it holds for what has these values; `cart` says what time it is, and where."""
        enough = any if self.matches_any else all
        return enough(each.holds(values, cart) for each in self.asked)


def parse_filter(definition: Any, vocabulary: Vocabulary, path: str = "filter") -> Filter:
    """The filter that `definition` means: `{junction, <attribute>: {conditions: {<operator>: value or values}}}`.

    Raises InvalidFilter with the path of what is wrong.
    """
    if not isinstance(definition, Mapping):
        raise InvalidFilter(path, "must be an object of attributes with conditions")
    asked = tuple(
        Asked(name, _conditions(raw, f"{path}.{name}", vocabulary.operators_of(name, f"{path}.{name}")))
        for name, raw in definition.items()
        if name != "junction"
    )
    if not asked:
        raise InvalidFilter(path, "must ask for at least one attribute")
    if sum(len(each.conditions) for each in asked) > MOST_CONDITIONS:
        raise InvalidFilter(path, f"must not have more than {MOST_CONDITIONS} conditions")
    return Filter(asked, _matches_any(definition.get("junction"), f"{path}.junction"))


def _matches_any(junction: Any, path: str) -> bool:
    if junction is None:
        return False
    if not isinstance(junction, str) or junction.lower() not in ("and", "or"):
        raise InvalidFilter(path, "must be and or or")
    return junction.lower() == "or"


def _conditions(raw: Any, path: str, operators: Operators) -> tuple[Condition, ...]:
    conditions = raw.get("conditions") if isinstance(raw, Mapping) else None
    if not isinstance(conditions, Mapping) or not conditions:
        raise InvalidFilter(path, "must have conditions, an object of operators with their values")
    return tuple(_condition(name, value, f"{path}.conditions", operators) for name, value in conditions.items())


def _condition(name: str, value: Any, path: str, operators: Operators) -> Condition:
    operator = operators.get(name)
    if operator is None:
        raise InvalidFilter(f"{path}.{name}", f"is not an operator of this attribute; those are {', '.join(operators)}")
    path = f"{path}.{name}"
    expected = value if isinstance(value, list) else [value]
    needs_value = name not in ("$has_value", "$is_unknown", "$next_month")
    if needs_value and not 0 < len(expected) <= MOST_VALUES:
        raise InvalidFilter(path, f"must have 1 to {MOST_VALUES} values")
    if needs_value and operator.takes_one and len(expected) > 1:
        raise InvalidFilter(path, "takes one value")
    operands = []
    for index, each in enumerate(expected if needs_value else ()):
        try:
            operands.append(operator.parse(each))
        except BadValue as problem:
            raise InvalidFilter(f"{path}[{index}]" if isinstance(value, list) else path, str(problem)) from None
    return Condition(path, name, tuple(expected), tuple(operands), operator.build(operands), operator.negated)
