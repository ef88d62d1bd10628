"""The operators that compare. Each says what it compares when the formula is saved, and how when it is computed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from app.engine.formulas.errors import NotComputable
from app.engine.formulas.scope import FormulaScope
from app.engine.formulas.values import Type, Value, gap, same
from app.engine.formulas.variables import Compute
from app.engine.rules.values import day_of

Build: TypeAlias = Callable[[Compute, Compute], Compute]


@dataclass(frozen=True, slots=True)
class Operator:
    """`left` and `right` are the types it takes. The two sides of an equality must be able to be equal."""

    left: Type
    right: Type
    build: Build
    is_equality: bool = False


def _comparing(holds: Callable[[Any, Any], bool]) -> Build:
    return lambda left, right: lambda scope: holds(left(scope), right(scope))


def _is(wanted: bool) -> Build:
    """Values of different types are not equal, which is an answer."""

    def build(left: Compute, right: Compute) -> Compute:
        return lambda scope: same(left(scope), right(scope), scope.cart.zone) is wanted

    return build


def _contains(left: Compute, right: Compute) -> Compute:
    """A text contains a text; a list contains a value."""

    def compute(scope: FormulaScope) -> bool:
        whole, part = left(scope), right(scope)
        if isinstance(whole, tuple):
            return _is_member(part, whole, scope)
        if isinstance(whole, str) and isinstance(part, str):
            return part in whole
        raise NotComputable

    return compute


def _member(wanted: bool) -> Build:
    """Whether a value is in a list. What is no list is taken for a list of one."""

    def build(left: Compute, right: Compute) -> Compute:
        def compute(scope: FormulaScope) -> bool:
            value, among = left(scope), right(scope)
            if isinstance(value, tuple):
                raise NotComputable
            return _is_member(value, among if isinstance(among, tuple) else (among,), scope) is wanted

        return compute

    return build


def _is_member(value: Value, among: tuple[Any, ...], scope: FormulaScope) -> bool:
    zone = scope.cart.zone
    return any(same(value, entry, zone) for entry in among)


def _later(sign: int) -> Build:
    """After (1) or before (-1); where one side is only a day, days are compared."""
    return lambda left, right: lambda scope: gap(left(scope), right(scope), scope.cart.zone) * sign > 0


def _on_day(wanted: bool) -> Build:
    """Whether two dates fall on one day in the project's time zone."""

    def build(left: Compute, right: Compute) -> Compute:
        def compute(scope: FormulaScope) -> bool:
            zone = scope.cart.zone
            return (day_of(left(scope), zone) == day_of(right(scope), zone)) is wanted

        return compute

    return build


NUMBER, TEXT, MOMENT, ANY = Type.NUMBER, Type.TEXT, Type.MOMENT, Type.ANY

OPERATORS: dict[str, Operator] = {
    "=": Operator(ANY, ANY, _is(True), is_equality=True),
    "is": Operator(ANY, ANY, _is(True), is_equality=True),
    "isNot": Operator(ANY, ANY, _is(False), is_equality=True),
    ">": Operator(NUMBER, NUMBER, _comparing(lambda left, right: left > right)),
    "<": Operator(NUMBER, NUMBER, _comparing(lambda left, right: left < right)),
    ">=": Operator(NUMBER, NUMBER, _comparing(lambda left, right: left >= right)),
    "<=": Operator(NUMBER, NUMBER, _comparing(lambda left, right: left <= right)),
    "contains": Operator(Type.TEXT_OR_LIST, ANY, _contains),
    "startsWith": Operator(TEXT, TEXT, _comparing(str.startswith)),
    "endsWith": Operator(TEXT, TEXT, _comparing(str.endswith)),
    "IN_ARRAY": Operator(ANY, ANY, _member(True)),
    "NOT_IN_ARRAY": Operator(ANY, ANY, _member(False)),
    "IS_AFTER": Operator(MOMENT, MOMENT, _later(1)),
    "IS_BEFORE": Operator(MOMENT, MOMENT, _later(-1)),
    "DATE_IS": Operator(MOMENT, MOMENT, _on_day(True)),
    "DATE_IS_NOT": Operator(MOMENT, MOMENT, _on_day(False)),
}
