"""What a formula says, as a tree, and how it is written down again."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """A number (never negative), a text, or TRUE or FALSE."""

    value: Decimal | str | bool


@dataclass(frozen=True, slots=True)
class Variable:
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function, or metadata looked up by its key."""

    name: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Switch:
    """The result of the first case whose value equals the subject, else the default."""

    subject: "Node"
    cases: tuple[tuple["Node", "Node"], ...]
    default: "Node"


@dataclass(frozen=True, slots=True)
class Negative:
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Sum:
    """Computed from the left; each further part has + or - before it."""

    first: "Node"
    rest: tuple[tuple[str, "Node"], ...]


@dataclass(frozen=True, slots=True)
class Product:
    """Computed from the left; each further part has *, / or % before it."""

    first: "Node"
    rest: tuple[tuple[str, "Node"], ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """Two or more values written out, right of IN_ARRAY."""

    entries: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    left: "Node"
    operator: str
    right: "Node"


@dataclass(frozen=True, slots=True)
class Every:
    """Two or more conditions joined by AND."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """Two or more conditions joined by OR."""

    parts: tuple["Node", ...]


Node: TypeAlias = Literal | Variable | Call | Switch | Negative | Sum | Product | Listing | Comparison | Every | Some

_BINDING: dict[type, int] = {Some: 0, Every: 1, Comparison: 2, Sum: 3, Product: 4, Negative: 5}


def print_formula(node: Node) -> str:
    """The text with the fewest brackets that parses to `node`."""
    if isinstance(node, Literal):
        return _literal(node.value)
    if isinstance(node, Variable):
        return node.name
    if isinstance(node, Call):
        return f"{node.name}({'; '.join(map(print_formula, node.arguments))})"
    if isinstance(node, Switch):
        cases = " ".join(
            f"SWITCH_CASE({print_formula(value)}; {print_formula(result)})" for value, result in node.cases
        )
        return f"SWITCH({print_formula(node.subject)}; {cases}; {print_formula(node.default)})"
    if isinstance(node, Negative):
        return f"-{_inside(node.operand, 5)}"
    if isinstance(node, Sum | Product):
        binding = _BINDING[type(node)] + 1
        return " ".join(
            [_inside(node.first, binding), *(f"{operator} {_inside(part, binding)}" for operator, part in node.rest)]
        )
    if isinstance(node, Listing):
        return f"({'; '.join(map(print_formula, node.entries))})"
    if isinstance(node, Comparison):
        return f"{_inside(node.left, 3)} {node.operator} {_inside(node.right, 3)}"
    word, binding = (" AND ", 2) if isinstance(node, Every) else (" OR ", 1)
    return word.join(_inside(part, binding) for part in node.parts)


def _inside(node: Node, least_binding: int) -> str:
    """`node` in brackets if it binds more loosely than its surroundings ask for."""
    text = print_formula(node)
    return f"({text})" if _BINDING.get(type(node), 6) < least_binding else text


def _literal(value: Decimal | str | bool) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
