"""Validation rules as they are answered."""

from app.incentives.validation_rules.schemas import RuleError, ValidationRuleRead
from app.models import ValidationRule

NO_TARGETS = {"included": [], "excluded": [], "included_all": False}


def rule_read(rule: ValidationRule, assignments_count: int) -> ValidationRuleRead:
    """The wire shape; the definition is what was saved, member for member."""
    return ValidationRuleRead(
        id=rule.id,
        name=rule.name,
        rules=rule.rules,
        bundle_rules=rule.bundle_rules,
        error=None if rule.error is None else RuleError.model_validate(rule.error),
        applicable_to=rule.applicable_to or NO_TARGETS,
        type=rule.type,
        context_type=rule.context_type,
        assignments_count=assignments_count,
        created_at=rule.created_at,
        updated_at=rule.updated_at,
    )
