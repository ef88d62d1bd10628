"""What the lists of validation rules and of assignments can be asked."""

from typing import ClassVar

from sqlalchemy import Select, select

from app.access.callers import Caller
from app.kit.conditions import Filterable
from app.kit.filters import When, moment, text
from app.kit.lists import ListQuery, QueryInstant
from app.models import ValidationRule, ValidationRuleAssignment


class ValidationRuleQuery(ListQuery):
    orders: ClassVar = {
        "created_at": ValidationRule.created_at,
        "updated_at": ValidationRule.updated_at,
        "name": ValidationRule.name,
    }
    filterable: ClassVar = Filterable(
        {
            "id": text(ValidationRule.id),
            "name": text(ValidationRule.name),
            "type": text(ValidationRule.type),
            "context_type": text(ValidationRule.context_type),
            "created_at": moment(ValidationRule.created_at),
            "updated_at": moment(ValidationRule.updated_at),
        }
    )

    start_date: QueryInstant | None = None
    end_date: QueryInstant | None = None


class AssignmentQuery(ListQuery):
    orders: ClassVar = {"created_at": ValidationRuleAssignment.created_at}

    related_object_id: str | None = None
    rule: str | None = None


class RuleAssignmentQuery(ListQuery):
    """The assignments of one rule."""

    orders: ClassVar = {"created_at": ValidationRuleAssignment.created_at}


def rules_of(caller: Caller, query: ValidationRuleQuery, when: When) -> Select[ValidationRule]:
    """The rules made in the span that `query` names, ends included."""
    rows = select(ValidationRule).where(ValidationRule.project_id == caller.project_id)
    if query.start_date is not None:
        rows = rows.where(ValidationRule.created_at >= when.localise(query.start_date))
    if query.end_date is not None:
        rows = rows.where(ValidationRule.created_at <= when.localise(query.end_date))
    return rows


def assignments_in(
    caller: Caller, *, rule_id: str | None, related_object_id: str | None
) -> Select[ValidationRuleAssignment]:
    rows = select(ValidationRuleAssignment).where(ValidationRuleAssignment.project_id == caller.project_id)
    if rule_id is not None:
        rows = rows.where(ValidationRuleAssignment.rule_id == rule_id)
    if related_object_id is not None:
        rows = rows.where(ValidationRuleAssignment.related_object_id == related_object_id)
    return rows
