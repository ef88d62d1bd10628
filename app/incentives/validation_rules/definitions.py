"""What a saved rule means to the engine."""

from collections.abc import Mapping
from typing import Any

from app.engine.rules import RuleSet, parse_rule_set
from app.models import ValidationRule


def definition_of(rule: ValidationRule) -> Mapping[str, Any]:
    """The part of a rule that the engine reads."""
    return {"rules": rule.rules, "error": rule.error}


def rule_set_of(rule: ValidationRule) -> RuleSet:
    """The rule as it is evaluated. Raises InvalidRule, which a rule that could be saved never does."""
    return parse_rule_set(definition_of(rule))
