"""The list of facts: every question a rule can ask, by name.

A fact has a type, and operators belong to the type, so a new fact gets all of them. There are four kinds: about the
request as a whole (`fact`), about one line (`line_fact`), about a group of lines (`lines_fact`), and limits, which
count redemptions (`limit`). A metadata fact returns the whole map; the rule's `property` picks the key.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from app.engine.cart import Item
from app.engine.postings import Counted
from app.engine.rules import operators, values
from app.engine.rules.line_operators import line_names
from app.engine.rules.predicates import Operator
from app.engine.rules.subject import RuleSubject, Scope


class Place:
    """Text compared in any case."""


class Ids:
    """A set of ids."""


class Json:
    """A map of metadata of which the rule asks for one property, any JSON value."""


class Flag:
    """A restriction that is switched on by asking for true."""


class Line:
    """A line of the order, asked which product or SKU it is."""


class ProductLine:
    """A line of the order, asked which product it is."""


class SkuLine:
    """A line of the order, asked which SKU it is."""


OPERATORS: Mapping[type, Mapping[str, Operator]] = {
    int: operators.numbers(values.parse_whole),
    bool: operators.truths(),
    str: operators.texts(values.parse_text),
    Place: operators.texts(values.parse_place),
    Ids: operators.id_sets(),
    Json: operators.json_values(),
    Flag: operators.only_true(),
    Line: line_names("product", "sku"),
    ProductLine: line_names("product"),
    SkuLine: line_names("sku"),
}

MINOR_UNITS = " (minor units)"
LOYALTY_TIER = "customer.loyalty_tier"
Mode = Literal["some", "any", "every", "none", "cheapest", "most_expensive"]


@dataclass(frozen=True, slots=True)
class Fact:
    """A question about the request as a whole. `label` and `unit` are words for sentences."""

    name: str
    type: type
    ask: Callable[[RuleSubject], Any]
    label: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class LineFact:
    """A question about one line.

    Under a rule that picks lines, a `some` fact is asked about the line at hand. Anywhere else its `mode` says of which
    lines of the order it must be true: of one (`some`, `any`), of every one, of none, of the cheapest, of the most
    expensive. `some` differs from `any` in that $is_not and $not_in must be true of every line.
    """

    name: str
    type: type
    ask: Callable[[Item, Scope], Any]
    mode: Mode = "some"
    label: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class LinesFact:
    """A question about the lines that the enclosing rule picked; about all lines where there is none."""

    name: str
    type: type
    ask: Callable[[Scope], Any]
    label: str = ""
    unit: str = ""
    only_under: str = ""


@dataclass(frozen=True, slots=True)
class LimitFact:
    """How much of an account is used, this redemption included."""

    name: str
    type: type
    counted: Counted
    unit: str = ""


AnyFact: TypeAlias = Fact | LineFact | LinesFact | LimitFact
FACTS: dict[str, AnyFact] = {}
NOT_YET: Mapping[str, str] = {
    "product.discount_applicable": "says where the discount goes, which rules cannot say; use applicable_to",
    "product.metadata.discount_applicable": "says where the discount goes, which rules cannot say; use applicable_to",
    "sku.discount_applicable": "says where the discount goes, which rules cannot say; use applicable_to",
}


CartAsk = Callable[[RuleSubject], Any]
LineAsk = Callable[[Item, Scope], Any]
LinesAsk = Callable[[Scope], Any]


def fact(name: str, kind: type, *, label: str = "", unit: str = "") -> Callable[[CartAsk], CartAsk]:
    """List the function as the answer to `name`. It returns a value, None (there is none) or a Missing."""

    def listed(ask: CartAsk) -> CartAsk:
        FACTS[name] = Fact(name, kind, ask, label or name, unit)
        return ask

    return listed


def line_fact(
    name: str, kind: type, mode: Mode = "some", *, label: str = "", unit: str = ""
) -> Callable[[LineAsk], LineAsk]:
    """List the function as the answer to `name` for one line. It may be listed under several names."""

    def listed(ask: LineAsk) -> LineAsk:
        FACTS[name] = LineFact(name, kind, ask, mode, label or name, unit)
        return ask

    return listed


def lines_fact(
    name: str, kind: type, *, label: str = "", unit: str = "", only_under: str = ""
) -> Callable[[LinesAsk], LinesAsk]:
    """List the function as the answer to `name` for a group of lines (`scope.lines`)."""

    def listed(ask: LinesAsk) -> LinesAsk:
        FACTS[name] = LinesFact(name, kind, ask, label or name, unit, only_under)
        return ask

    return listed


def limit(name: str, counted: Counted) -> None:
    """List `name` as a limit on what is counted."""
    FACTS[name] = LimitFact(name, int, counted, "" if counted.measure == "uses" else MINOR_UNITS)
