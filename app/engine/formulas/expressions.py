"""Expressions under construction: what they say, what they give, how they are computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from typing import Any, NamedTuple

from app.engine.formulas.errors import Flaw, NotComputable
from app.engine.formulas.nodes import Node
from app.engine.formulas.scope import FormulaScope
from app.engine.formulas.values import Type, as_moment
from app.engine.formulas.variables import Compute

MOST_NODES = 200
DEEPEST = 20


class Use(NamedTuple):
    """A variable or kind of metadata, and where the formula asks for it."""

    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Built:
    """An expression: what it says, what it gives, and how it is computed.

    `position` is where it begins, for messages. `depth` and `size` count the nodes below each other and in all.
    """

    node: Node
    type: Type
    compute: Compute
    position: int
    depth: int = 1
    size: int = 1
    uses: tuple[Use, ...] = ()


def join(node: Node, type_: Type, compute: Compute, position: int, parts: Sequence[Built]) -> Built:
    """An expression made of `parts`. Raises Flaw when it has become too large to be evaluated for every order."""
    depth = 1 + max((part.depth for part in parts), default=0)
    size = 1 + sum(part.size for part in parts)
    if depth > DEEPEST:
        raise Flaw(position, f"a formula must not be nested more than {DEEPEST} deep")
    if size > MOST_NODES:
        raise Flaw(position, f"a formula must not have more than {MOST_NODES} parts")
    return Built(node, type_, compute, position, depth, size, tuple(chain.from_iterable(part.uses for part in parts)))


def constant(value: Any) -> Compute:
    """The same for every order."""
    return lambda scope: value


def needed(part: Built, wanted: Type, by: str) -> Compute:
    """How `part` is computed where `by` needs a value of this type: checked now if possible, else when computed."""
    if part.type is Type.ANY:
        return _checked(part.compute, wanted)
    if wanted is not part.type and wanted is not Type.ANY:
        if wanted is Type.TEXT_OR_LIST and part.type is Type.TEXT:
            return part.compute
        hint = 'Write a date as DATE("2026-11-27").' if (wanted, part.type) == (Type.MOMENT, Type.TEXT) else ""
        raise Flaw(part.position, f"{by} needs {wanted.value}, and this is {part.type.value}", hint)
    return part.compute


def common_type(parts: Sequence[Built], by: str) -> Type:
    """The type of whichever of `parts` is chosen. Raises Flaw when they differ."""
    known = [part for part in parts if part.type is not Type.ANY]
    for part in known[1:]:
        if part.type is not known[0].type:
            raise Flaw(part.position, f"{by} one type of value, not both {known[0].type.value} and {part.type.value}")
    return known[0].type if known and len(known) == len(parts) else Type.ANY


_CLASSES: dict[Type, type] = {Type.NUMBER: Decimal, Type.TEXT: str, Type.FLAG: bool}


def _checked(compute: Compute, wanted: Type) -> Compute:
    """`compute`, refusing at checkout what is not of the type that is wanted."""
    if wanted is Type.MOMENT:
        return lambda scope: as_moment(compute(scope))
    expected = _CLASSES.get(wanted)
    if expected is None:
        return compute

    def check(scope: FormulaScope) -> Any:
        value = compute(scope)
        if value.__class__ is not expected:
            raise NotComputable
        return value

    return check
