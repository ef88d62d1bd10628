"""What a discount cannot do without: read from its rules, its time limits and its targets, before there is a cart.

A need is necessary, not sufficient. Where a rule says something that is not understood here, nothing is needed, and the
discount is a candidate for every cart.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from app.engine.applicability import Applicability
from app.engine.cart import Cart, Item
from app.engine.effects import Effect
from app.engine.effects.base import MoneyOff
from app.engine.rules import Missing, RuleSet, RuleSubject
from app.engine.rules.line_operators import COLLECTION, LineName
from app.engine.rules.logic import Every, Logic, Number
from app.engine.rules.registry import FACTS, OPERATORS, AnyFact, Fact, Ids, Json, Line, LineFact, ProductLine, SkuLine
from app.engine.rules.rule_set import WrittenRule, WrittenRules
from app.engine.rules.subject import Scope
from app.engine.rules.values import json_key
from app.engine.targets import product_names, sku_names
from app.engine.validity import Validity, sunday_first

MOST_NEEDS = 8
"""More needs than this are not kept for one discount: the rarest one does nearly all the work."""
MOST_TOKENS = 10_000

EQUALITIES = ("$is", "$in", "$from")
CART_FACTS = frozenset(
    {
        "customer.segment",
        "customer.metadata",
        "customer.address.country",
        "customer.address.state",
        "customer.address.city",
        "customer.address.postal_code",
        "order.metadata",
        "redemption.metadata",
        "redemption.api_key",
        "redemption.user.login",
    }
)
"""Facts whose answer depends on the cart alone, not on the redeemable or on what others take off before it."""
LINE_FACTS = frozenset(
    {"order.items.metadata", "order.items.metadata_any", "order.items.metadata_each", "product.metadata"}
)
LINE_KINDS = (Line, ProductLine, SkuLine)


class Probe(NamedTuple):
    """A question to a cart: a fact (with the property it asks for), or which products its lines are."""

    fact: str
    property: str = ""


PRODUCT, SKU, IN_COLLECTION, WEEKDAY = Probe("product"), Probe("sku"), Probe("collection"), Probe("weekday")

Token: TypeAlias = tuple[Probe, Hashable]
"""An answer to a probe."""


@dataclass(frozen=True, slots=True)
class Needs:
    """Of each set in `one_of` a cart must give at least one answer; an empty set is a need that no cart meets.

    What is left to pay must lie within `least_amount` and `most_amount`, ends included, in minor units; without bounds
    there may be no amount at all.
    """

    one_of: tuple[frozenset[Token], ...] = ()
    least_amount: int | None = None
    most_amount: int | None = None

    @property
    def has_bounds(self) -> bool:
        return self.least_amount is not None or self.most_amount is not None

    def and_also(self, other: "Needs") -> "Needs":
        """Both must be met."""
        if other is ANYTHING:
            return self
        if self is ANYTHING:
            return other
        one_of = sorted({*self.one_of, *other.one_of}, key=len)
        return Needs(
            tuple(one_of[:MOST_NEEDS]),
            _strictest(max, self.least_amount, other.least_amount),
            _strictest(min, self.most_amount, other.most_amount),
        )

    def or_else(self, other: "Needs") -> "Needs":
        """One of them must be met: only what both ask for is left, in its weakest form."""
        one_of: tuple[frozenset[Token], ...] = ()
        if self.one_of and other.one_of:
            one_of = (min(self.one_of, key=len) | min(other.one_of, key=len),)
        both = self.has_bounds and other.has_bounds
        return Needs(
            tuple(tokens for tokens in one_of if len(tokens) <= MOST_TOKENS),
            _weakest(min, self.least_amount, other.least_amount) if both else None,
            _weakest(max, self.most_amount, other.most_amount) if both else None,
        )

    def allow_amount(self, amount: int | None) -> bool:
        """Whether the bounds let this amount pass; None is an order without an amount."""
        if amount is None:
            return not self.has_bounds
        if self.least_amount is not None and amount < self.least_amount:
            return False
        return self.most_amount is None or amount <= self.most_amount


ANYTHING = Needs()


def needs_of(
    effect: Effect,
    applicability: Applicability | None,
    rules: Iterable[RuleSet],
    validities: Iterable[Validity],
    *,
    with_effect: bool = True,
) -> Needs:
    """What a discount needs in order to apply: all its rules, an open day and, to have an effect, a line to touch."""
    needs = _of_reach(effect, applicability) if with_effect else ANYTHING
    for rule_set in rules:
        needs = needs.and_also(_of_rules(rule_set.written))
    for validity in validities:
        needs = needs.and_also(_of_days(validity))
    return needs


def answers(probe: Probe, cart: Cart) -> set[Hashable]:
    """What the cart answers; nothing where it cannot answer."""
    reader = _READERS.get(probe)
    if reader is not None:
        return reader(cart)
    fact, subject = FACTS[probe.fact], RuleSubject(cart)
    if isinstance(fact, Fact):
        return _values_of(fact.ask(subject), fact, probe.property)
    assert isinstance(fact, LineFact)  # only these are ever made into probes
    scope = Scope(subject, cart.items)
    return set().union(*(_values_of(fact.ask(line, scope), fact, probe.property) for line in cart.items))


def _strictest(choose: Callable[[int, int], int], first: int | None, second: int | None) -> int | None:
    return choose(first, second) if first is not None and second is not None else second if first is None else first


def _weakest(choose: Callable[[int, int], int], first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else choose(first, second)


def _of_reach(effect: Effect, applicability: Applicability | None) -> Needs:
    """A discount on lines needs a line that its targets include."""
    if not isinstance(effect, MoneyOff) or effect.effect == "APPLY_TO_ORDER":
        return ANYTHING
    if applicability is None:
        return Needs((frozenset(),))
    needs = ANYTHING
    step: Applicability | None = applicability
    while step is not None:
        if not step.included_all:
            included = step.included
            tokens = _tokens(PRODUCT, included.product_names) | _tokens(SKU, included.sku_names)
            needs = needs.and_also(Needs((tokens | _tokens(IN_COLLECTION, included.collection_ids),)))
        step = step.narrowed_by
    return needs


def _of_days(validity: Validity) -> Needs:
    """A discount of certain days of the week needs one of them."""
    days = validity.days_of_week or frozenset().union(*(hours.days_of_week for hours in validity.hours))
    return Needs((_tokens(WEEKDAY, days),)) if days else ANYTHING


def _of_rules(written: WrittenRules) -> Needs:
    return _of_logic(written.logic, {number: _of_rule(rule) for number, rule in written.rules.items()})


def _of_logic(tree: Logic, needs: Mapping[str, Needs]) -> Needs:
    if isinstance(tree, Number):
        return needs[tree.name]
    parts = [_of_logic(part, needs) for part in tree.parts]
    total = ANYTHING if isinstance(tree, Every) else parts[0]
    for part in parts:
        total = total.and_also(part) if isinstance(tree, Every) else total.or_else(part)
    return total


def _of_rule(rule: WrittenRule) -> Needs:
    """What the rule's own conditions need; its sub-rules, which only ask for more, are left aside."""
    fact, needs = FACTS[rule.name], ANYTHING
    for operator, expected in rule.conditions.items():
        operands = [OPERATORS[fact.type][operator].parse(value) for value in expected]
        needs = needs.and_also(_of_condition(fact, rule.property or "", operator, operands))
    return needs


def _of_condition(fact: AnyFact, key: str, operator: str, operands: Sequence[Any]) -> Needs:
    if fact.name == "order.amount":
        return _of_amount(operator, operands)
    if operator not in EQUALITIES:
        return ANYTHING
    if isinstance(fact, LineFact):
        if fact.mode == "none":
            return ANYTHING
        if fact.type in LINE_KINDS:
            return _needing(frozenset().union(*map(_tokens_of_name, operands)))
        if fact.name not in LINE_FACTS:
            return ANYTHING
    elif fact.name not in CART_FACTS:
        return ANYTHING
    probe = Probe(fact.name, key)
    values = frozenset().union(*operands) if fact.type is Json else frozenset(operands)
    return _needing(_tokens(probe, values))


def _needing(tokens: frozenset[Token]) -> Needs:
    return Needs((tokens,)) if len(tokens) <= MOST_TOKENS else ANYTHING


def _of_amount(operator: str, operands: Sequence[int]) -> Needs:
    bound = operands[0]
    if operator in ("$is", "$in"):
        return Needs(least_amount=min(operands), most_amount=max(operands))
    if operator in ("$more_than", "$greater_than"):
        return Needs(least_amount=bound + 1)
    if operator in ("$more_than_or_equal", "$greater_than_or_equal"):
        return Needs(least_amount=bound)
    if operator == "$less_than":
        return Needs(most_amount=bound - 1)
    return Needs(most_amount=bound) if operator == "$less_than_or_equal" else ANYTHING


def _tokens(probe: Probe, values: Iterable[Hashable]) -> frozenset[Token]:
    return frozenset((probe, value) for value in values)


def _tokens_of_name(name: LineName) -> frozenset[Token]:
    """Ids and source ids are not told apart here: that lets a few lines more through, and none less."""
    if name.kind == COLLECTION:
        return _tokens(IN_COLLECTION, (name.id,))
    names = [each for each in (name.id, name.source_id) if each]
    tokens = _tokens(PRODUCT, names) if name.kind != "sku" else frozenset()
    return tokens | _tokens(SKU, names) if name.kind != "product" else tokens


def _values_of(answer: Any, fact: AnyFact, key: str) -> set[Hashable]:
    if answer is None or isinstance(answer, Missing):
        return set()
    if fact.type is Ids:
        return set(answer)
    if fact.type is not Json:
        return {answer}
    value = answer.get(key)
    if value is None:
        return set()
    return {json_key(value), *map(json_key, value)} if isinstance(value, list | tuple) else {json_key(value)}


def _names_in(cart: Cart, names: Callable[[Item], tuple[str | None, ...]]) -> set[Hashable]:
    return {name for line in cart.items for name in names(line) if name is not None}


_READERS: Mapping[Probe, Callable[[Cart], set[Hashable]]] = {
    PRODUCT: lambda cart: _names_in(cart, product_names),
    SKU: lambda cart: _names_in(cart, sku_names),
    IN_COLLECTION: lambda cart: {each for line in cart.items for each in line.collection_ids},
    WEEKDAY: lambda cart: {sunday_first(cart.now.astimezone(cart.zone))},
}
