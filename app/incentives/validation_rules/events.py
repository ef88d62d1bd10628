"""What validation rules tell the audit log and the outbox."""

from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.incentives.validation_rules.rendering import rule_read
from app.incentives.validation_rules.schemas import AssignmentRead
from app.kit.outbox import announce
from app.models import ValidationRule, ValidationRuleAssignment


def rule_changed(
    session: AsyncSession,
    caller: Caller,
    change: Literal["created", "updated", "deleted"],
    rule: ValidationRule,
    assignments_count: int,
) -> None:
    """Note the rule as it is now."""
    shown = rule_read(rule, assignments_count).model_dump(mode="json")
    record(session, caller, f"validation_rule.{change}", "validation_rule", rule.id, shown)
    announce(session, caller.project_id, f"business_validation_rule.{change}", rule.id, {"rule": shown})


def assignment_changed(
    session: AsyncSession,
    caller: Caller,
    change: Literal["created", "deleted"],
    rule: ValidationRule,
    assignment: ValidationRuleAssignment,
    assignments_count: int,
) -> None:
    """Note what the rule binds from now on, or no longer."""
    shown = AssignmentRead.model_validate(assignment).model_dump(mode="json")
    data = {"rule": rule_read(rule, assignments_count).model_dump(mode="json"), "assignment": shown}
    record(session, caller, f"validation_rule.assignment.{change}", "validation_rule", rule.id, shown)
    announce(session, caller.project_id, f"business_validation_rule.assignment.{change}", rule.id, data)
