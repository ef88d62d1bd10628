"""One operator of one rule with its values, and the words in which it is spoken of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.engine.cart import Cart
from app.engine.findings import Finding
from app.engine.rules.limits import Ceiling
from app.engine.rules.predicates import OpensAt, Predicate
from app.engine.rules.subject import Missing


@dataclass(frozen=True, slots=True)
class Words:
    """What findings and errors of a rule say: fact (with its property), words for sentences, error key, own message."""

    fact: str
    label: str
    unit: str
    error_key: str
    message: str | None


@dataclass(frozen=True, slots=True)
class Condition:
    """`expected` is what the rule wrote, `operands` what was parsed from it."""

    path: str
    operator: str
    expected: Sequence[Any]
    operands: Sequence[Any]
    predicate: Predicate
    negated: bool
    ceiling: Ceiling | None = None
    opens_at: OpensAt | None = None

    def accepts(self, value: Any, cart: Cart) -> bool:
        """Whether it holds for what a fact answered. What is absent differs from everything and equals nothing."""
        if value is None:
            return self.negated
        if value.__class__ is Missing:
            return False
        return self.predicate(value, cart)

    def finding(self, words: Words, seen: Any, holds: bool, counterfactual: str | None = None) -> Finding:
        return Finding(self.path, words.fact, self.operator, list(self.expected), seen, holds, counterfactual)
