"""From what the grammar recognises to something that can be computed, checking types and bounds on the way.

Expressions are built from the inside out while the text is read, so nothing here calls itself, however deeply a
formula is nested.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import chain
from typing import Any

from lark import Token, Transformer, v_args

from app.engine.formulas.calls import call, did_you_mean
from app.engine.formulas.errors import Flaw
from app.engine.formulas.expressions import Built, Use, common_type, constant, join, needed
from app.engine.formulas.functions import FUNCTIONS, MOMENTS
from app.engine.formulas.nodes import (
    Comparison,
    Every,
    Listing,
    Literal,
    Negative,
    Product,
    Some,
    Sum,
    Switch,
    Variable,
)
from app.engine.formulas.operators import OPERATORS
from app.engine.formulas.scope import FormulaScope
from app.engine.formulas.values import CONTEXT, Type, same
from app.engine.formulas.variables import METADATA, VARIABLES, Compute

MOST_DIGITS = 30
LONGEST_LITERAL = 1_000
TRUTHS = {"TRUE": True, "FALSE": False, "true": True, "false": False}


@v_args(inline=True)
class Builder(Transformer[Token, Built]):
    """Called by the parser for each rule of grammar.lark. Raises Flaw."""

    def number(self, token: Token) -> Built:
        if len(token) > MOST_DIGITS:
            raise Flaw(_start(token), f"a number must not have more than {MOST_DIGITS} digits")
        value = Decimal(token)
        return Built(Literal(value), Type.NUMBER, constant(value), _start(token))

    def text(self, token: Token) -> Built:
        value = _unescaped(token)
        if len(value) > LONGEST_LITERAL:
            raise Flaw(_start(token), f"a text must not have more than {LONGEST_LITERAL} characters")
        return Built(Literal(value), Type.TEXT, constant(value), _start(token))

    def name(self, token: Token) -> Built:
        name, position = str(token), _start(token)
        if name in VARIABLES:
            source = VARIABLES[name]
            return Built(Variable(name), source.type, source.read, position, uses=(Use(name, position),))
        if name in TRUTHS:
            return Built(Literal(TRUTHS[name]), Type.FLAG, constant(TRUTHS[name]), position)
        if name in METADATA:
            raise Flaw(position, f"{name} needs a key", f'Write {name}("key").')
        if name in FUNCTIONS or name in MOMENTS:
            raise Flaw(position, f"{name} needs its arguments in brackets")
        hint = did_you_mean(name, [*VARIABLES, *METADATA, *FUNCTIONS])
        raise Flaw(position, f"there is no variable {name[:60]}", hint or "Texts stand in double quotes.")

    def call(self, token: Token, *arguments: Built | None) -> Built:
        return call(str(token), _start(token), [argument for argument in arguments if argument is not None])

    def negative(self, minus: Token, operand: Built) -> Built:
        inner = needed(operand, Type.NUMBER, "-")
        return join(
            Negative(operand.node),
            Type.NUMBER,
            lambda scope: CONTEXT.minus(inner(scope)),
            _start(minus),
            [operand],
        )

    def product(self, *parts: Any) -> Built:
        return _arithmetic(Product, parts)

    def sum(self, *parts: Any) -> Built:
        return _arithmetic(Sum, parts)

    def listing(self, *entries: Built) -> Built:
        computes = [entry.compute for entry in entries]
        return join(
            Listing(tuple(entry.node for entry in entries)),
            Type.LIST,
            lambda scope: tuple([compute(scope) for compute in computes]),
            entries[0].position,
            entries,
        )

    def comparison(self, left: Built, token: Token | None = None, right: Built | None = None) -> Built:
        if token is None or right is None:
            return left
        operator = OPERATORS[token]
        if operator.is_equality and Type.ANY not in (left.type, right.type) and left.type is not right.type:
            raise Flaw(_start(token), f"{left.type.value} never equals {right.type.value}")
        compute = operator.build(needed(left, operator.left, token), needed(right, operator.right, token))
        return join(Comparison(left.node, str(token), right.node), Type.FLAG, compute, left.position, [left, right])

    def both(self, *parts: Any) -> Built:
        return _logic(Every, parts)

    def either(self, *parts: Any) -> Built:
        return _logic(Some, parts)

    def case(self, token: Token, value: Built, result: Built) -> tuple[Built, Built]:
        return value, result

    def first_case(self, case: tuple[Built, Built]) -> list[tuple[Built, Built]]:
        return [case]

    def further_case(self, cases: list[tuple[Built, Built]], case: tuple[Built, Built]) -> list[tuple[Built, Built]]:
        return [*cases, case]

    def switch(self, token: Token, subject: Built, cases: list[tuple[Built, Built]], default: Built) -> Built:
        common_type([subject, *(value for value, _ in cases)], "SWITCH compares")
        type_ = common_type([*(result for _, result in cases), default], "SWITCH gives")
        return join(
            Switch(subject.node, tuple((value.node, result.node) for value, result in cases), default.node),
            type_,
            _choosing(subject.compute, [(value.compute, result.compute) for value, result in cases], default.compute),
            _start(token),
            [subject, *chain.from_iterable(cases), default],
        )


ARITHMETIC: dict[str, tuple[str, Callable[[Decimal, Decimal], Decimal]]] = {
    "+": ("+", CONTEXT.add),
    "-": ("-", CONTEXT.subtract),
    "*": ("*", CONTEXT.multiply),
    "x": ("*", CONTEXT.multiply),
    "\N{MULTIPLICATION SIGN}": ("*", CONTEXT.multiply),
    "/": ("/", CONTEXT.divide),
    "\N{DIVISION SIGN}": ("/", CONTEXT.divide),
    "%": ("%", CONTEXT.remainder),
}
"""Every way to write an operator, the way it is printed, and what it does. A remainder has the sign of the dividend."""


def _arithmetic(kind: type[Sum] | type[Product], parts: Sequence[Any]) -> Built:
    if len(parts) == 1:
        return parts[0]  # type: ignore[no-any-return]
    operands: Sequence[Built] = parts[::2]
    operators = [ARITHMETIC[token] for token in parts[1::2]]
    first, *others = [
        needed(operand, Type.NUMBER, operators[max(0, index - 1)][0]) for index, operand in enumerate(operands)
    ]
    printed = [name for name, _ in operators]
    rest = tuple(zip(printed, [operand.node for operand in operands[1:]], strict=True))
    steps = list(zip([apply for _, apply in operators], others, strict=True))
    compute = _pair(first, *steps[0]) if len(steps) == 1 else _steps(first, steps)
    return join(kind(operands[0].node, rest), Type.NUMBER, compute, operands[0].position, operands)


def _pair(first: Compute, apply: Callable[[Decimal, Decimal], Decimal], second: Compute) -> Compute:
    return lambda scope: apply(first(scope), second(scope))


def _steps(first: Compute, steps: Sequence[tuple[Callable[[Decimal, Decimal], Decimal], Compute]]) -> Compute:
    def compute(scope: FormulaScope) -> Decimal:
        value: Decimal = first(scope)
        for apply, operand in steps:
            value = apply(value, operand(scope))
        return value

    return compute


def _logic(kind: type[Every] | type[Some], parts: Sequence[Any]) -> Built:
    """Conditions are asked from the left, and only until one decides."""
    if len(parts) == 1:
        return parts[0]  # type: ignore[no-any-return]
    operands: Sequence[Built] = parts[::2]
    computes = [needed(operand, Type.FLAG, parts[1]) for operand in operands]
    decide = all if kind is Every else any
    return join(
        kind(tuple(operand.node for operand in operands)),
        Type.FLAG,
        lambda scope: decide(compute(scope) for compute in computes),
        operands[0].position,
        operands,
    )


def _choosing(subject: Compute, cases: Sequence[tuple[Compute, Compute]], default: Compute) -> Compute:
    def compute(scope: FormulaScope) -> Any:
        chosen, zone = subject(scope), scope.cart.zone
        for value, result in cases:
            if same(chosen, value(scope), zone):
                return result(scope)
        return default(scope)

    return compute


def _unescaped(token: Token) -> str:
    """A text between its quotes, where only quotes and backslashes stand after a backslash."""
    pieces = token[1:-1].split("\\\\")
    for index, piece in enumerate(pieces):
        if "\\" in piece.replace('\\"', ""):
            before = sum(len(each) + 2 for each in pieces[:index])
            at = before + piece.replace('\\"', "__").index("\\")
            raise Flaw(_start(token) + 1 + at, "a backslash in a text is written twice")
    return "\\".join(piece.replace('\\"', '"') for piece in pieces)


def _start(token: Token) -> int:
    return token.start_pos or 0
