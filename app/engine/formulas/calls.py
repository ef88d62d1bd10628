"""Metadata, dates that are written out, and functions: everything with arguments in brackets."""

from collections.abc import Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from app.engine.formulas.errors import Flaw
from app.engine.formulas.expressions import Built, Use, common_type, constant, join, needed
from app.engine.formulas.functions import FUNCTIONS, MOMENTS, Function
from app.engine.formulas.nodes import Call, Literal, Negative, Node
from app.engine.formulas.scope import FormulaScope
from app.engine.formulas.values import Type, value_of
from app.engine.formulas.variables import METADATA, VARIABLES


def call(name: str, position: int, arguments: Sequence[Built]) -> Built:
    """What `name(...)` means. Raises Flaw."""
    if name in METADATA:
        return _metadata(name, position, arguments)
    if name in MOMENTS:
        return _written_moment(name, position, arguments)
    if name in FUNCTIONS:
        return _function(name, position, arguments)
    if name in VARIABLES:
        raise Flaw(position, f"{name} takes no arguments; leave out the brackets")
    hint = did_you_mean(name, [*FUNCTIONS, *MOMENTS, *METADATA])
    raise Flaw(position, f"there is no function {name[:60]}", hint)


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """A hint with the names that come closest."""
    by_case = {each.upper(): each for each in known}
    close = get_close_matches(name.upper(), by_case, n=1, cutoff=0.7)
    return f"Did you mean {by_case[close[0]]}?" if close else ""


def _metadata(name: str, position: int, arguments: Sequence[Built]) -> Built:
    key = _only_text(name, position, arguments, "key")
    read = METADATA[name].read

    def compute(scope: FormulaScope) -> Any:
        return value_of(read(scope).get(key))

    return Built(Call(name, (Literal(key),)), Type.ANY, compute, position, 2, 2, (Use(name, position),))


def _written_moment(name: str, position: int, arguments: Sequence[Built]) -> Built:
    read, example = MOMENTS[name]
    text = _only_text(name, position, arguments, example)
    try:
        moment = read(text)
    except ValueError:
        raise Flaw(arguments[0].position, f"{name} cannot read this", f'Write {name}("{example}").') from None
    return Built(Call(name, (Literal(text),)), Type.MOMENT, constant(moment), position, 2, 2)


def _only_text(name: str, position: int, arguments: Sequence[Built], example: str) -> str:
    if len(arguments) == 1:
        node = arguments[0].node
        if isinstance(node, Literal) and isinstance(node.value, str):
            return node.value
        position = arguments[0].position
    raise Flaw(position, f"{name} takes one text in double quotes", f'Write {name}("{example}").')


def _function(name: str, position: int, arguments: Sequence[Built]) -> Built:
    function = FUNCTIONS[name]
    _check_count(name, function, position, arguments)
    computes = [needed(argument, function.parameter(index), name) for index, argument in enumerate(arguments)]
    _check_bound(name, function, arguments)
    type_ = function.returns
    if type_ is Type.ANY:
        chosen = [argument for index, argument in enumerate(arguments) if function.parameter(index) is Type.ANY]
        type_ = common_type(chosen, f"{name} gives")
    nodes = tuple(argument.node for argument in arguments)
    return join(Call(name, nodes), type_, function.build(computes), position, arguments)


def _check_count(name: str, function: Function, position: int, arguments: Sequence[Built]) -> None:
    least, most, count = function.least, len(function.parameters), len(arguments)
    if count < least or (count > most and not function.repeats):
        takes = f"at least {least}" if function.repeats else f"{least}" if least == most else f"{least} or {most}"
        plural = "" if takes.endswith(" 1") or takes == "1" else "s"
        raise Flaw(
            position, f"{name} takes {takes} argument{plural}, not {count}", "Arguments are separated by semicolons."
        )


def _check_bound(name: str, function: Function, arguments: Sequence[Built]) -> None:
    bound = function.bound
    if bound is None or len(arguments) <= bound.argument:
        return
    argument = arguments[bound.argument]
    value = _written_number(argument.node)
    if value is not None and not bound.allows(value):
        raise Flaw(argument.position, f"the argument number {bound.argument + 1} of {name} must be {bound}")


def _written_number(node: Node) -> Decimal | None:
    if isinstance(node, Negative):
        inner = _written_number(node.operand)
        return None if inner is None else -inner
    return node.value if isinstance(node, Literal) and isinstance(node.value, Decimal) else None
