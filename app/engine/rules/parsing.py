"""Reading a definition from the wire. Everything that can be wrong with a rule is found here, when it is saved."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.engine.currencies import CODES
from app.engine.postings import Counted
from app.engine.rules.conditions import Condition, Words
from app.engine.rules.errors import InvalidRule
from app.engine.rules.facts import FACTS
from app.engine.rules.limits import ceiling
from app.engine.rules.line_operators import collections_in
from app.engine.rules.lines_rule import LinesRule
from app.engine.rules.logic import Logic, Number, Some, parse_logic
from app.engine.rules.nodes import AllOf, AnyOf, LimitRule, Node, PlainRule
from app.engine.rules.registry import (
    LOYALTY_TIER,
    MINOR_UNITS,
    NOT_YET,
    OPERATORS,
    AnyFact,
    Fact,
    Ids,
    Json,
    LimitFact,
    LineFact,
)
from app.engine.rules.rule_set import Named, RuleSet, WrittenRule, WrittenRules
from app.engine.rules.subject import Missing, Scope
from app.engine.rules.values import BadValue

MOST_RULES = 100
MOST_VALUES = 1000
DEEPEST_RULES = 5
LONGEST_TEXT = 1000
MOST_CURRENCIES = 50
ASKING_ONE = frozenset({"$is", "$in", "$is_not", "$not_in", "$not_intersect"})
"""Operators of a set of ids that look at no others than those they name."""
RULE_NUMBER = re.compile(r"[1-9][0-9]{0,5}")


def parse_rule_set(definition: Mapping[str, Any], currency: str | None = None) -> RuleSet:
    """The rule set that `definition` (`{name, rules, error}` as on the wire; other members are ignored) means.

    No rules hold always. At most 100 rules, sub-rules included, at most 5 levels of them, 1,000 values in a condition.
    With `currency` it is the rule set for orders in that currency, which is not the project's.

    Raises InvalidRule with the path of what is wrong.
    """
    reader = _Reader(currency)
    rules = reader.rules(definition.get("rules"), "rules", 1, under="")
    name = _text(definition.get("name"), "name")
    message = _message(definition.get("error"), "error")
    read_in = partial(parse_rule_set, definition) if reader.asks_amounts else None
    return RuleSet(name, message, rules.written, rules.node, rules.counted, reader.named(), read_in)


@dataclass(frozen=True, slots=True)
class _Rules:
    written: WrittenRules
    node: Node
    counted: frozenset[Counted]


@dataclass(frozen=True, slots=True)
class _Rule:
    written: WrittenRule
    node: Node
    counted: frozenset[Counted]


class _Reader:
    """Counts the rules it reads, and notes which segments and collections they name, and whether they ask for amounts.
    `under` is the fact of the enclosing rule about whose lines sub-rules are asked."""

    def __init__(self, currency: str | None) -> None:
        self.currency = currency
        self.asks_amounts = False
        self.count = 0
        self.segment_ids: set[str] = set()
        self.collection_ids: set[str] = set()
        self.asks_all_segments = False
        self.asks_tiers = False

    def named(self) -> Named:
        segment_ids, collection_ids = frozenset(self.segment_ids), frozenset(self.collection_ids)
        return Named(segment_ids, self.asks_all_segments, collection_ids, self.asks_tiers)

    def note(self, fact: AnyFact, conditions: Iterable[Condition]) -> None:
        if fact.name == LOYALTY_TIER:
            self.asks_tiers = True
            return
        for condition in conditions:
            self.collection_ids |= collections_in(condition.operands)
            if fact.type is Ids and condition.operator in ASKING_ONE:
                self.segment_ids |= set(condition.operands)
            elif fact.type is Ids:
                self.asks_all_segments = True

    def rules(self, raw: Any, path: str, depth: int, *, under: str) -> _Rules:
        if raw is None:
            raw = {}
        if not isinstance(raw, Mapping):
            raise InvalidRule(path, "must be an object of numbered rules and their logic")
        if depth > DEEPEST_RULES:
            raise InvalidRule(path, f"must not nest rules more than {DEEPEST_RULES} deep")
        names = [name for name in raw if name != "logic"]
        for name in names:
            if not RULE_NUMBER.fullmatch(name):
                raise InvalidRule(f"{path}.{name}", 'must be numbered: rules are named "1", "2" and so on')
        self.count += len(names)
        if self.count > MOST_RULES:
            raise InvalidRule(path, f"must not have more than {MOST_RULES} rules, sub-rules included")
        numbers = sorted(names, key=int)
        rules = {number: self.rule(raw[number], f"{path}.{number}", depth, under) for number in numbers}
        logic = raw.get("logic")
        if logic is not None and not isinstance(logic, str):
            raise InvalidRule(f"{path}.logic", "must be text")
        tree = parse_logic(logic or "", numbers, f"{path}.logic")
        asked = _numbers_in(tree)
        return _Rules(
            WrittenRules({number: rule.written for number, rule in rules.items()}, tree),
            _node(tree, {number: rule.node for number, rule in rules.items()}),
            frozenset().union(*(rules[number].counted for number in asked)),
        )

    def rule(self, raw: Any, path: str, depth: int, under: str) -> _Rule:
        if not isinstance(raw, Mapping):
            raise InvalidRule(path, "must be an object with name and conditions")
        fact = _fact(raw.get("name"), f"{path}.name", under)
        key = _property(raw.get("property"), f"{path}.property") if fact.type is Json else None
        conditions = written_conditions = _conditions(raw.get("conditions"), f"{path}.conditions", fact)
        currencies = _currencies(raw.get("currencies"), f"{path}.currencies", fact)
        is_mismatch = False
        if fact.unit == MINOR_UNITS and conditions and not all(map(_is_about_nothing, conditions)):
            self.asks_amounts = True
            if self.currency is not None:
                conditions = currencies.get(self.currency, conditions)
                is_mismatch = self.currency not in currencies
        self.note(fact, conditions)
        picks_lines = isinstance(fact, LineFact) and not under
        inner = self.sub_rules(raw.get("rules"), f"{path}.rules", depth + 1, fact.name if picks_lines else under)
        if not conditions and not (isinstance(fact, LineFact) and inner is not None):
            raise InvalidRule(f"{path}.conditions", "must have at least one condition")
        message = _message(raw.get("error"), f"{path}.error")
        label = f"{fact.name}.{key}" if key else (fact.name if isinstance(fact, LimitFact) else fact.label)
        words = Words(f"{fact.name}.{key}" if key else fact.name, label, fact.unit, _error_key(fact.name), message)
        written = WrittenRule(
            fact.name,
            key,
            _as_written(written_conditions),
            None if inner is None else inner.written,
            message,
            {currency: _as_written(own) for currency, own in currencies.items()},
        )
        sub_rules = None if inner is None else inner.node
        counted = frozenset() if inner is None else inner.counted
        if is_mismatch:
            counted |= {fact.counted} if isinstance(fact, LimitFact) else set()
            return _Rule(written, PlainRule(words, _no_amount, conditions, None, False), counted)
        if isinstance(fact, LimitFact):
            return _Rule(written, LimitRule(words, fact, conditions, sub_rules), counted | {fact.counted})
        if isinstance(fact, LineFact) and picks_lines:
            ask_line = _of_line(fact, key)
            return _Rule(written, LinesRule(path, words, fact.mode, ask_line, conditions, sub_rules), counted)
        has_limits = sub_rules is not None and sub_rules.has_limits
        return _Rule(written, PlainRule(words, _of_scope(fact, key), conditions, sub_rules, has_limits), counted)

    def sub_rules(self, raw: Any, path: str, depth: int, under: str) -> _Rules | None:
        """The sub-rules of a rule; None where there are none, which the wire writes as `{}`, null or not at all."""
        rules = self.rules(raw, path, depth, under=under) if raw else None
        return rules if rules is not None and rules.written.rules else None


def _fact(name: Any, path: str, under: str) -> AnyFact:
    """The fact with this name, if it may stand where it stands."""
    if not isinstance(name, str):
        raise InvalidRule(path, "must name a fact, such as order.amount")
    if name in NOT_YET:
        raise InvalidRule(path, NOT_YET[name])
    fact = FACTS.get(name)
    if fact is None:
        near = difflib.get_close_matches(name[:100], FACTS, n=1)
        raise InvalidRule(path, f"is not a fact: {name[:100]}" + (f"; did you mean {near[0]}?" if near else ""))
    if under and isinstance(fact, LimitFact):
        raise InvalidRule(
            path, f"is a limit; it counts redemptions, not lines, so it must stand beside {under}, not under"
        )
    if under and isinstance(fact, LineFact) and fact.mode != "some":
        raise InvalidRule(path, f"asks the whole order, so it must stand beside {under}, not under it")
    if isinstance(fact, LineFact | LimitFact | Fact) or not fact.only_under or fact.only_under == under:
        return fact
    raise InvalidRule(path, f"must stand under a {fact.only_under} rule, whose lines it is about")


def _property(value: Any, path: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT:
        raise InvalidRule(path, "must name the metadata property that the rule asks for")
    return value


def _conditions(raw: Any, path: str, fact: AnyFact) -> tuple[Condition, ...]:
    if raw is None:
        return ()
    if not isinstance(raw, Mapping):
        raise InvalidRule(path, "must be an object of operators with lists of values")
    return tuple(_condition(name, expected, f"{path}.{name}", fact) for name, expected in raw.items())


def _currencies(raw: Any, path: str, fact: AnyFact) -> dict[str, tuple[Condition, ...]]:
    """The conditions on amounts in other currencies than the project's, by code."""
    if raw is None:
        return {}
    if not isinstance(raw, Mapping) or len(raw) > MOST_CURRENCIES:
        raise InvalidRule(path, f"must be an object with at most {MOST_CURRENCIES} currencies")
    if fact.unit != MINOR_UNITS:
        raise InvalidRule(path, f"must not be there: {fact.name} asks for no amount of money")
    conditions = {}
    for currency, entry in raw.items():
        if currency not in CODES:
            raise InvalidRule(f"{path}.{currency}", "must be a currency of ISO 4217 in capitals, such as EUR")
        if not isinstance(entry, Mapping) or not entry.get("conditions"):
            raise InvalidRule(f"{path}.{currency}", "must be an object with conditions")
        conditions[currency] = _conditions(entry["conditions"], f"{path}.{currency}.conditions", fact)
    return conditions


def _as_written(conditions: Iterable[Condition]) -> dict[str, tuple[Any, ...]]:
    return {condition.operator: tuple(condition.expected) for condition in conditions}


def _is_about_nothing(condition: Condition) -> bool:
    """Zero is the same in every currency."""
    return all(operand == 0 for operand in condition.operands)


def _no_amount(scope: Scope) -> Missing:
    return Missing.CURRENCY


def _condition(name: str, expected: Any, path: str, fact: AnyFact) -> Condition:
    operators = OPERATORS[fact.type]
    operator = operators.get(name)
    if operator is None:
        raise InvalidRule(path, f"is not an operator of {fact.name}; those are {', '.join(operators)}")
    if not isinstance(expected, list | tuple) or not 0 < len(expected) <= MOST_VALUES:
        raise InvalidRule(path, f"must be a list of 1 to {MOST_VALUES} values")
    if operator.takes_one and len(expected) > 1:
        raise InvalidRule(f"{path}[1]", f"must not be there: {name} takes one value")
    operands = []
    for index, value in enumerate(expected):
        try:
            operands.append(operator.parse(value))
        except BadValue as problem:
            raise InvalidRule(f"{path}[{index}]", str(problem)) from None
    return Condition(
        path,
        name,
        tuple(expected),
        tuple(operands),
        operator.build(operands),
        operator.negated,
        ceiling(name, operands) if isinstance(fact, LimitFact) else None,
        None if operator.opens_at is None else operator.opens_at(operands),
    )


def _of_line(fact: LineFact, key: str | None) -> Callable[[Any, Scope], Any]:
    if key is None:
        return fact.ask
    return lambda line, scope: fact.ask(line, scope).get(key)


def _of_scope(fact: AnyFact, key: str | None) -> Callable[[Scope], Any]:
    """The question as it is asked where the answer is one: of the request, of the picked lines, of the line at hand."""
    if isinstance(fact, LineFact):
        ask_line = _of_line(fact, key)
        return lambda scope: ask_line(scope.line, scope)
    if isinstance(fact, Fact):
        ask = fact.ask
        if key is None:
            return lambda scope: ask(scope.subject)

        def ask_property(scope: Scope) -> Any:
            metadata = ask(scope.subject)
            return metadata if metadata.__class__ is Missing else metadata.get(key)

        return ask_property
    if isinstance(fact, LimitFact):
        raise TypeError("A limit is asked by its LimitRule.")
    return fact.ask


def _node(tree: Logic, nodes: Mapping[str, Node]) -> Node:
    if isinstance(tree, Number):
        return nodes[tree.name]
    parts = tuple(_node(part, nodes) for part in tree.parts)
    has_limits = any(part.has_limits for part in parts)
    return AnyOf(parts, has_limits) if isinstance(tree, Some) else AllOf(parts, has_limits)


def _numbers_in(tree: Logic) -> frozenset[str]:
    if isinstance(tree, Number):
        return frozenset((tree.name,))
    return frozenset().union(*map(_numbers_in, tree.parts))


def _error_key(name: str) -> str:
    if name.startswith("customer."):
        return "customer_rules_violated"
    return "order_rules_violated" if name.startswith(("order.", "product.", "sku.")) else "redemption_rules_violated"


def _text(value: Any, path: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise InvalidRule(path, f"must be text of at most {LONGEST_TEXT} characters")
    return value


def _message(error: Any, path: str) -> str | None:
    """The message in `{message}`; none where it is absent, null or empty."""
    if error is None:
        return None
    if not isinstance(error, Mapping):
        raise InvalidRule(path, "must be an object with a message")
    return _text(error.get("message"), f"{path}.message") or None
