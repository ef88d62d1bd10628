"""The rule language: facts, operators, logic, limits, and why."""

from app.engine.rules.errors import InvalidRule
from app.engine.rules.limits import accounts_of, counted_amount
from app.engine.rules.parsing import parse_rule_set
from app.engine.rules.rule_set import NOTHING_NAMED, Named, RuleOutcome, RuleSet, print_rule_set
from app.engine.rules.subject import Missing, RuleSubject

__all__ = [
    "NOTHING_NAMED",
    "InvalidRule",
    "Missing",
    "Named",
    "RuleOutcome",
    "RuleSet",
    "RuleSubject",
    "accounts_of",
    "counted_amount",
    "parse_rule_set",
    "print_rule_set",
]
