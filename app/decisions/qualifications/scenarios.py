"""Which rules a scenario asks, and what must be said about products to be shown in it."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Literal

from app.engine.cart import Cart
from app.engine.redeemables import Redeemable
from app.engine.rules import RuleSet, parse_rule_set, print_rule_set
from app.engine.rules.logic import Every, Logic, Number, joined
from app.engine.rules.rule_set import WrittenRules

Scenario = Literal[
    "ALL",
    "CUSTOMER_WALLET",
    "AUDIENCE_ONLY",
    "PRODUCTS",
    "PRODUCTS_DISCOUNT",
    "PROMOTION_STACKS",
    "PRODUCTS_BY_CUSTOMER",
    "PRODUCTS_DISCOUNT_BY_CUSTOMER",
]
Topics = tuple[str, ...]

CUSTOMER: Topics = ("customer.", "publication.")
PRODUCTS: Topics = ("order.items.", "product.", "sku.")
"""How the names of facts about a topic begin."""

ASKED: dict[Scenario, Topics] = {
    "AUDIENCE_ONLY": CUSTOMER,
    "PRODUCTS": PRODUCTS,
    "PRODUCTS_DISCOUNT": PRODUCTS,
    "PRODUCTS_BY_CUSTOMER": PRODUCTS + CUSTOMER,
    "PRODUCTS_DISCOUNT_BY_CUSTOMER": PRODUCTS + CUSTOMER,
}
"""The topics of the conditions that a scenario asks; the other conditions are taken to hold. Scenarios that are not
here ask everything."""


def as_asked(redeemable: Redeemable, scenario: Scenario) -> Redeemable:
    """The redeemable with no other rules than those that the scenario asks."""
    topics = ASKED.get(scenario)
    if topics is None:
        return redeemable
    rules = []
    for rule_id, rule_set in redeemable.rules:
        kept = about(rule_set, topics)
        if kept is not None:
            rules.append((rule_id, kept))
    return replace(redeemable, rules=tuple(rules), bundles=() if scenario == "AUDIENCE_ONLY" else redeemable.bundles)


def belongs(redeemable: Redeemable, cart: Cart, scenario: Scenario) -> bool:
    """Whether a scenario about products shows the redeemable at all: its discount is on a line of the order or, where
    more than discounts is asked for, its rules say something about products. Other scenarios show everything."""
    if not scenario.startswith("PRODUCTS"):
        return True
    effect: str = getattr(redeemable.effect, "effect", "")
    applicability = redeemable.applicability
    if effect.startswith("APPLY_TO_ITEMS") and applicability is not None and any(map(applicability.covers, cart.items)):
        return True
    if scenario.startswith("PRODUCTS_DISCOUNT"):
        return False
    return bool(redeemable.bundles) or any(about(rule_set, PRODUCTS) for _, rule_set in redeemable.rules)


@lru_cache(maxsize=4096)
def about(rule_set: RuleSet, topics: Topics) -> RuleSet | None:
    """The rule set with every condition that is not about one of `topics` taken to hold; None when that leaves nothing
    to ask. Sub-rules belong to the rule that they are under."""
    written = rule_set.written
    logic = _left(written.logic, {name for name, rule in written.rules.items() if rule.name.startswith(topics)})
    if logic is None:
        return None
    numbers = _numbers([logic])
    rules = {name: rule for name, rule in written.rules.items() if name in numbers}
    return parse_rule_set(print_rule_set(replace(rule_set, written=WrittenRules(rules, logic))))


def _left(logic: Logic, kept: set[str]) -> Logic | None:
    """What is left to ask once the rules that are not `kept` hold; None for nothing."""
    if isinstance(logic, Number):
        return logic if logic.name in kept else None
    parts = [_left(part, kept) for part in logic.parts]
    asking = [part for part in parts if part is not None]
    if isinstance(logic, Every):
        return joined(Every, asking) if asking else None
    return joined(type(logic), asking) if len(asking) == len(parts) else None


def _numbers(logics: Sequence[Logic]) -> set[str]:
    names: set[str] = set()
    for logic in logics:
        names |= {logic.name} if isinstance(logic, Number) else _numbers(logic.parts)
    return names
