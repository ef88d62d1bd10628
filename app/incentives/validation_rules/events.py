"""What validation rules announce."""

from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

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
    data = {"rule": rule_read(rule, assignments_count).model_dump(mode="json")}
    announce(session, caller.project_id, f"business_validation_rule.{change}", rule.id, data)


def assignment_changed(
    session: AsyncSession,
    caller: Caller,
    change: Literal["created", "deleted"],
    rule: ValidationRule,
    assignment: ValidationRuleAssignment,
    assignments_count: int,
) -> None:
    data = {
        "rule": rule_read(rule, assignments_count).model_dump(mode="json"),
        "assignment": AssignmentRead.model_validate(assignment).model_dump(mode="json"),
    }
    announce(session, caller.project_id, f"business_validation_rule.assignment.{change}", rule.id, data)
