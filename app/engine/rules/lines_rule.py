"""A rule about single lines of the order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.engine.cart import Cart, Item
from app.engine.findings import Finding
from app.engine.rules import why
from app.engine.rules.conditions import Condition, Words
from app.engine.rules.facts import no_items, unit_price
from app.engine.rules.nodes import NO_FLOORS, Blame, Floors, Node, Verdict, with_sub_rules
from app.engine.rules.registry import Mode
from app.engine.rules.subject import Missing, Scope

MOST_SEEN = 20


@dataclass(frozen=True, slots=True)
class LinesRule:
    """A fact about single lines, asked of the order: of some line, every line, none, the cheapest, the dearest.

    Its own conditions pick lines; its sub-rules are asked about each line that was picked. It counts no limits.
    """

    path: str
    words: Words
    mode: Mode
    ask: Callable[[Item, Scope], Any]
    conditions: tuple[Condition, ...]
    sub_rules: Node | None
    has_limits: bool = False

    def holds(self, scope: Scope) -> bool:
        if not scope.subject.cart.items:
            return False
        lines = self._candidates(scope)
        picked = self._picked(lines, scope)
        if not self._own_hold(lines, picked, scope):
            return False
        # One line can spoil `every` and `none`; for the others one line is enough.
        return (self._deciding(picked, scope) is None) == (self.mode in ("every", "none"))

    def proof(self, scope: Scope) -> Floors | None:
        return NO_FLOORS if self.holds(scope) else None

    def _candidates(self, scope: Scope) -> tuple[Item, ...]:
        """Among lines of equal price the earlier is the cheapest, and the most expensive."""
        lines = scope.subject.cart.items
        if self.mode == "cheapest":
            return (min(lines, key=unit_price),)
        return (max(lines, key=unit_price),) if self.mode == "most_expensive" else lines

    def _picked(self, lines: tuple[Item, ...], scope: Scope) -> tuple[Item, ...]:
        cart = scope.subject.cart
        if not self.conditions:
            return lines
        if len(self.conditions) == 1:
            condition = self.conditions[0]
            return tuple([line for line in lines if condition.accepts(self.ask(line, scope), cart)])
        return tuple(
            [line for line in lines if all(each.accepts(self.ask(line, scope), cart) for each in self.conditions)]
        )

    def _own_hold(self, lines: tuple[Item, ...], picked: tuple[Item, ...], scope: Scope) -> bool:
        """Whether the conditions allow the answer yes, sub-rules aside."""
        if self.mode == "none":
            return True
        if self.mode == "every":
            return len(picked) == len(lines)
        if not picked:
            return False
        return self.mode != "some" or all(self._spares(each, lines, scope) for each in self.conditions)

    def _spares(self, condition: Condition, lines: tuple[Item, ...], scope: Scope) -> bool:
        """A negated condition of a `some` rule speaks of the whole order: none of the products is the shirt."""
        cart = scope.subject.cart
        return not condition.negated or all(condition.accepts(self.ask(line, scope), cart) for line in lines)

    def _deciding(self, picked: tuple[Item, ...], scope: Scope) -> Item | None:
        """The first picked line that decides: fulfils the sub-rules, or for `every` does not."""
        wanted = self.mode != "every"
        if self.sub_rules is None:
            return picked[0] if picked and wanted else None
        inner = Scope(scope.subject, picked)
        for line in picked:
            inner.line = line
            if self.sub_rules.holds(inner) == wanted:
                return line
        return None

    def explain(self, scope: Scope, with_counterfactuals: bool) -> Verdict:
        cart = scope.subject.cart
        if not cart.items:
            return self._told(False, no_items(cart), cart, with_counterfactuals)
        lines = self._candidates(scope)
        picked = self._picked(lines, scope)
        if self.mode == "none":
            culprit = self._deciding(picked, scope)
            return self._told(culprit is None, culprit, cart, with_counterfactuals)
        own = self._look_at(lines, self._own_hold(lines, picked, scope), scope, with_counterfactuals)
        if self.sub_rules is None or not own.holds:
            return own
        inner = self._explain_inner(self.sub_rules, picked, scope, with_counterfactuals)
        return with_sub_rules(own, self.words, inner)

    def _told(self, holds: bool, answer: Item | Missing | None, cart: Cart, with_counterfactuals: bool) -> Verdict:
        """A finding for each condition, or for the rule if it has none, with one answer for all of them."""

        def sentence(condition: Condition) -> str | None:
            if isinstance(answer, Missing):
                return why.MISSING[answer]
            return f"The order must not have {why.listed(condition.expected)}."

        words = self.words
        findings = [
            each.finding(
                words, why.shown(answer), holds, sentence(each) if with_counterfactuals and not holds else None
            )
            for each in self.conditions
        ] or [Finding(self.path, words.fact, "", None, why.shown(answer), holds)]
        if holds:
            return Verdict(True, findings)
        key = answer.value if isinstance(answer, Missing) else words.error_key
        return Verdict(False, findings, list(findings), Blame(key, words.message))

    def _look_at(self, lines: tuple[Item, ...], holds: bool, scope: Scope, with_counterfactuals: bool) -> Verdict:
        """A finding for each condition on the answers of the lines. If none fails alone, all fail together."""
        cart, words = scope.subject.cart, self.words
        answers = [self.ask(line, scope) for line in lines]
        seen = [why.shown(answer) for answer in answers[:MOST_SEEN]]
        alone = [self._holds_alone(each, answers, cart) for each in self.conditions]
        if not holds and all(alone):
            alone = [False] * len(alone)
        verdict = Verdict(holds)
        for condition, fulfilled in zip(self.conditions, alone, strict=True):
            sentence = None
            if with_counterfactuals and not fulfilled:
                failing = [answer for answer in answers if not condition.accepts(answer, cart)] or answers
                sentence = why.counterfactual(words, condition, failing[0], cart)
            verdict.findings.append(condition.finding(words, seen, fulfilled, sentence))
        if not holds:
            verdict.reasons = [finding for finding in verdict.findings if not finding.holds]
            verdict.blame = Blame(words.error_key, words.message)
        return verdict

    def _holds_alone(self, condition: Condition, answers: Sequence[Any], cart: Cart) -> bool:
        for_all = self.mode == "every" or (self.mode == "some" and condition.negated)
        return (all if for_all else any)(condition.accepts(answer, cart) for answer in answers)

    def _explain_inner(
        self, sub_rules: Node, picked: tuple[Item, ...], scope: Scope, with_counterfactuals: bool
    ) -> Verdict:
        """The sub-rules on the line that decides; if no line fulfils them, on the one that comes closest."""
        deciding = self._deciding(picked, scope)
        tried = picked[:MOST_SEEN] if deciding is None else (deciding,)
        inner = Scope(scope.subject, picked, why.picked(self.conditions[0], self.words) if self.conditions else "")
        verdicts = []
        for line in tried:
            inner.line = line
            verdicts.append(sub_rules.explain(inner, with_counterfactuals))
        return min(verdicts, key=lambda verdict: len(verdict.reasons))
