"""A parsed rule as it is evaluated.

Three questions, because they cost differently. `holds` says yes or no and stops at the first answer that decides; it is
what a checkout pays for. `proof` says yes with the limits that the yes rests on; it is asked instead of `holds` when a
rule has limits. `explain` looks at everything and writes findings; it is asked when the answer is no, or on request.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from app.engine.cart import Cart
from app.engine.findings import Finding
from app.engine.postings import AccountKey
from app.engine.rules import why
from app.engine.rules.conditions import Condition, Words
from app.engine.rules.limits import used_with_this
from app.engine.rules.registry import LimitFact
from app.engine.rules.subject import Missing, Scope

Floors = Mapping[AccountKey, int]
NO_FLOORS: Floors = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Blame:
    """A rule that made the answer no: its error key and its own words, if it has any."""

    key: str
    message: str | None


@dataclass(slots=True)
class Verdict:
    """`findings` of all that was looked at, `reasons` those that made the answer no, `blame` the first rule to fail."""

    holds: bool
    findings: list[Finding] = field(default_factory=list)
    reasons: list[Finding] = field(default_factory=list)
    blame: Blame | None = None


class Node(Protocol):
    """A rule, or rules joined by logic."""

    @property
    def has_limits(self) -> bool: ...

    def holds(self, scope: Scope) -> bool: ...

    def proof(self, scope: Scope) -> Floors | None:
        """None when it does not hold, else the floors that keep it true, as few as possible."""
        ...

    def explain(self, scope: Scope, with_counterfactuals: bool) -> Verdict: ...


def tightest(floors: Floors, more: Floors) -> Floors:
    """Both sets of floors; where both name an account, the higher one."""
    if not floors or not more:
        return floors or more
    both = dict(floors)
    for account, floor in more.items():
        both[account] = max(floor, both.get(account, floor))
    return both


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Node, ...]
    has_limits: bool

    def holds(self, scope: Scope) -> bool:
        for part in self.parts:  # noqa: SIM110  # all() with a generator costs twice as much here
            if not part.holds(scope):
                return False
        return True

    def proof(self, scope: Scope) -> Floors | None:
        floors = NO_FLOORS
        for part in self.parts:
            proved = part.proof(scope)
            if proved is None:
                return None
            floors = tightest(floors, proved)
        return floors

    def explain(self, scope: Scope, with_counterfactuals: bool) -> Verdict:
        total = Verdict(True)
        for part in self.parts:
            verdict = part.explain(scope, with_counterfactuals)
            total.holds = total.holds and verdict.holds
            total.findings += verdict.findings
            total.reasons += verdict.reasons
            total.blame = total.blame or verdict.blame
        return total


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Node, ...]
    has_limits: bool

    def holds(self, scope: Scope) -> bool:
        for part in self.parts:  # noqa: SIM110  # any() with a generator costs twice as much here
            if part.holds(scope):
                return True
        return False

    def proof(self, scope: Scope) -> Floors | None:
        """The part that rests on the fewest limits: nobody is refused for a limit that the answer does not need."""
        best: Floors | None = None
        for part in self.parts:
            proved = part.proof(scope)
            if proved is not None and (best is None or len(proved) < len(best)):
                best = proved
                if not best:
                    break
        return best

    def explain(self, scope: Scope, with_counterfactuals: bool) -> Verdict:
        total = Verdict(False)
        for part in self.parts:
            verdict = part.explain(scope, with_counterfactuals)
            total.holds = total.holds or verdict.holds
            total.findings += verdict.findings
            total.reasons += verdict.reasons
            total.blame = total.blame or verdict.blame
        if total.holds:
            total.reasons, total.blame = [], None
        return total


@dataclass(frozen=True, slots=True)
class PlainRule:
    """A fact with one answer: about the request, about the picked lines, or about the line at hand."""

    words: Words
    ask: Callable[[Scope], Any]
    conditions: tuple[Condition, ...]
    sub_rules: Node | None
    has_limits: bool

    def holds(self, scope: Scope) -> bool:
        return self._own_hold(scope) and (self.sub_rules is None or self.sub_rules.holds(scope))

    def proof(self, scope: Scope) -> Floors | None:
        if not self._own_hold(scope):
            return None
        return NO_FLOORS if self.sub_rules is None else self.sub_rules.proof(scope)

    def _own_hold(self, scope: Scope) -> bool:
        value = self.ask(scope)
        cart = scope.subject.cart
        for condition in self.conditions:  # noqa: SIM110  # see AllOf
            if not condition.accepts(value, cart):
                return False
        return True

    def explain(self, scope: Scope, with_counterfactuals: bool) -> Verdict:
        value = self.ask(scope)
        cart = scope.subject.cart

        def sentence(condition: Condition) -> str | None:
            return why.counterfactual(self.words, condition, value, cart, scope.of)

        own = _look(self.words, self.conditions, value, cart, sentence if with_counterfactuals else None)
        if self.sub_rules is None:
            return own
        return with_sub_rules(own, self.words, self.sub_rules.explain(scope, with_counterfactuals))


@dataclass(frozen=True, slots=True)
class LimitRule:
    """A limit on an account."""

    words: Words
    fact: LimitFact
    conditions: tuple[Condition, ...]
    sub_rules: Node | None
    has_limits: bool = True

    def holds(self, scope: Scope) -> bool:
        return self.proof(scope) is not None

    def proof(self, scope: Scope) -> Floors | None:
        if self.fact.counted in scope.subject.ignoring:
            return NO_FLOORS if self.sub_rules is None else self.sub_rules.proof(scope)
        count, accounts = used_with_this(self.fact.counted, scope.subject)
        lowest: int | None = None
        for condition in self.conditions:
            if not condition.accepts(count, scope.subject.cart):
                return None
            top = condition.ceiling(count) if condition.ceiling is not None and isinstance(count, int) else None
            if top is not None and (lowest is None or top < lowest):
                lowest = top
        inner = NO_FLOORS if self.sub_rules is None else self.sub_rules.proof(scope)
        if inner is None or not accounts or lowest is None:
            return inner
        return tightest(dict.fromkeys(accounts, -lowest), inner)

    def explain(self, scope: Scope, with_counterfactuals: bool) -> Verdict:
        if self.fact.counted in scope.subject.ignoring:
            return Verdict(True) if self.sub_rules is None else self.sub_rules.explain(scope, with_counterfactuals)
        count, _ = used_with_this(self.fact.counted, scope.subject)

        def sentence(condition: Condition) -> str | None:
            return why.limit_counterfactual(self.fact, condition, count, scope.subject)

        cart = scope.subject.cart
        own = _look(self.words, self.conditions, count, cart, sentence if with_counterfactuals else None)
        if self.sub_rules is None:
            return own
        return with_sub_rules(own, self.words, self.sub_rules.explain(scope, with_counterfactuals))


def _look(
    words: Words,
    conditions: Sequence[Condition],
    value: Any,
    cart: Cart,
    sentence: Callable[[Condition], str | None] | None,
) -> Verdict:
    """A finding for each condition on one answer."""
    verdict = Verdict(True)
    seen = why.shown(value)
    for condition in conditions:
        holds = condition.accepts(value, cart)
        finding = condition.finding(words, seen, holds, None if holds or sentence is None else sentence(condition))
        verdict.findings.append(finding)
        if not holds:
            verdict.holds = False
            verdict.reasons.append(finding)
    if not verdict.holds:
        verdict.blame = Blame(value.value if isinstance(value, Missing) else words.error_key, words.message)
    return verdict


def with_sub_rules(own: Verdict, words: Words, inner: Verdict) -> Verdict:
    """A rule's own conditions and its sub-rules as one verdict. The inner rule's message is the closer one."""
    blame = own.blame
    if blame is None and inner.blame is not None:
        blame = Blame(inner.blame.key, inner.blame.message or words.message)
    return Verdict(own.holds and inner.holds, own.findings + inner.findings, own.reasons + inner.reasons, blame)
