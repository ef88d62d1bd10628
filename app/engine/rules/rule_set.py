"""A rule set: parsed when it is saved, asked at checkout, printed as it goes over the wire."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.engine.findings import Finding
from app.engine.postings import Counted
from app.engine.rules.logic import Logic, print_logic
from app.engine.rules.nodes import NO_FLOORS, Floors, Node
from app.engine.rules.subject import RuleSubject, Scope


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """Whether a rule set allows a redeemable, and why.

    `floors`: the balances that must not be undercut when this redemption is posted, or the answer would have been no.
    Of several ways to be true (an OR) it is the one with the fewest limits. Empty when it does not hold.
    `error_key` is the contract's key of the first rule that failed; `error_message` the custom message of that rule,
    else of the rule around it, else of the set.
    """

    holds: bool
    findings: tuple[Finding, ...] = ()
    floors: Floors = field(default_factory=lambda: NO_FLOORS)
    error_key: str | None = None
    error_message: str | None = None


ALLOWED = RuleOutcome(True)


@dataclass(frozen=True, slots=True)
class WrittenRule:
    """A rule as it was written, for printing. `node` is kept apart in the tree of the set.

    `currencies` has the conditions on amounts for orders in other currencies than the project's.
    """

    name: str
    property: str | None
    conditions: Mapping[str, tuple[Any, ...]]
    rules: "WrittenRules | None"
    message: str | None
    currencies: Mapping[str, Mapping[str, tuple[Any, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WrittenRules:
    """Rules by number, those that the logic leaves out included."""

    rules: Mapping[str, WrittenRule]
    logic: Logic


@dataclass(frozen=True, slots=True)
class Named:
    """Segments and product collections that a rule names, whose members must be known before it is asked.

    With `asks_all_segments` it asks how many segments a customer is in, or exactly which; with `asks_tiers`, in which
    loyalty tiers.
    """

    segment_ids: frozenset[str] = frozenset()
    asks_all_segments: bool = False
    collection_ids: frozenset[str] = frozenset()
    asks_tiers: bool = False


NOTHING_NAMED = Named()


@dataclass(frozen=True, slots=True, eq=False)
class RuleSet:
    """Rules joined by their logic. Made by `parse_rule_set`.

    `counted` are the counts that its limits look at; their accounts must be in the `counts` of the subject, and be
    posted to by a redemption. What is `named` must be filled in at the customer and the lines of the cart. `read_in`
    reads the definition for another currency; None where no rule asks for an amount.
    """

    name: str | None
    message: str | None
    written: WrittenRules
    tree: Node
    counted: frozenset[Counted]
    named: Named = NOTHING_NAMED
    read_in: "Callable[[str], RuleSet] | None" = None
    _in_currencies: "dict[str, RuleSet]" = field(default_factory=dict)

    def in_currency(self, currency: str) -> "RuleSet":
        """The rules as they are for orders in a currency that is not the project's; read once for each.

        What asks for amounts, and has none in that currency, does not hold.
        """
        if self.read_in is None:
            return self
        found = self._in_currencies.get(currency)
        if found is None:
            found = self._in_currencies[currency] = self.read_in(currency)
        return found

    def evaluate(self, subject: RuleSubject, explain: bool = False) -> RuleOutcome:
        """Ask the rules about `subject`.

        Findings are those that made the answer no, without counterfactuals; a yes has none. With `explain`, they are
        those of every rule in the logic, and failed ones say what would make them hold.
        """
        scope = Scope(subject, subject.cart.items)
        floors = NO_FLOORS
        if not self.counted:
            holds = self.tree.holds(scope)
        else:
            proved = self.tree.proof(scope)
            holds = proved is not None
            floors = proved or NO_FLOORS
        if holds and not explain:
            return RuleOutcome(True, floors=floors) if floors else ALLOWED
        verdict = self.tree.explain(scope, explain)
        findings = tuple(verdict.findings if explain else verdict.reasons)
        if verdict.blame is None:
            return RuleOutcome(True, findings, floors)
        message = verdict.blame.message or self.message
        return RuleOutcome(False, findings, NO_FLOORS, verdict.blame.key, message)


def print_rule_set(rule_set: RuleSet) -> dict[str, Any]:
    """The definition that parses to an equal rule set: `{name, rules, error}` as on the wire, logic at its shortest."""
    printed: dict[str, Any] = {"rules": _print_rules(rule_set.written)}
    if rule_set.name is not None:
        printed["name"] = rule_set.name
    if rule_set.message is not None:
        printed["error"] = {"message": rule_set.message}
    return printed


def _print_rules(written: WrittenRules) -> dict[str, Any]:
    rules: dict[str, Any] = {number: _print_rule(rule) for number, rule in written.rules.items()}
    return {**rules, "logic": print_logic(written.logic)}


def _print_rule(rule: WrittenRule) -> dict[str, Any]:
    printed: dict[str, Any] = {
        "name": rule.name,
        "conditions": {operator: list(values) for operator, values in rule.conditions.items()},
        "rules": {} if rule.rules is None else _print_rules(rule.rules),
    }
    if rule.property is not None:
        printed["property"] = rule.property
    if rule.currencies:
        printed["currencies"] = {
            currency: {"conditions": {operator: list(values) for operator, values in conditions.items()}}
            for currency, conditions in rule.currencies.items()
        }
    if rule.message is not None:
        printed["error"] = {"message": rule.message}
    return printed
