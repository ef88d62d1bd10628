"""Use cases of validation rules, one transaction each."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from app.access.callers import Caller
from app.access.configuration import change_configuration
from app.engine.bundles import parse_bundle
from app.engine.rules import InvalidRule, parse_rule_set
from app.incentives.currencies import check_currencies
from app.incentives.validation_rules import assignments as assigning
from app.incentives.validation_rules import events
from app.incentives.validation_rules.errors import (
    AssignmentNotFound,
    InvalidValidationRules,
    RuleInUse,
    ValidationRuleNotFound,
)
from app.incentives.validation_rules.listing import (
    AssignmentQuery,
    RuleAssignmentQuery,
    ValidationRuleQuery,
    assignments_in,
    rules_of,
)
from app.incentives.validation_rules.rendering import rule_read
from app.incentives.validation_rules.repository import AssignmentRepository, ValidationRuleRepository
from app.incentives.validation_rules.schemas import (
    AssignmentCreate,
    ValidationRuleCreate,
    ValidationRuleRead,
    ValidationRuleUpdate,
)
from app.kit import clock
from app.kit.db import Database
from app.kit.filters import When
from app.kit.ids import new_id
from app.kit.lists import fetch_page
from app.models import ValidationRule, ValidationRuleAssignment

DEFAULTS: Mapping[str, Any] = {"rules": {"logic": ""}, "type": "expression", "context_type": "global"}


async def create(db: Database, caller: Caller, body: ValidationRuleCreate) -> ValidationRuleRead:
    """Keep a new rule, which binds nothing yet.

    Raises InvalidValidationRules, InvalidPayload.
    """
    columns = _columns({name: getattr(body, name) for name in ValidationRuleCreate.model_fields})
    _check(columns)
    check_currencies(caller.project, columns)
    rule = ValidationRule(
        project_id=caller.project_id, id=new_id("val"), created_at=clock.now(), updated_at=None, **columns
    )
    async with db.write() as session:
        session.add(rule)
        events.rule_changed(session, caller, "created", rule, 0)
    return rule_read(rule, 0)


async def update(db: Database, caller: Caller, rule_id: str, body: ValidationRuleUpdate) -> ValidationRuleRead:
    """Change the members that were sent; everything the rule binds is bound by the new definition at once.

    Raises ValidationRuleNotFound, InvalidValidationRules, InvalidPayload.
    """
    columns = _columns(body.changes())
    _check(columns)
    check_currencies(caller.project, columns)
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        rule = await ValidationRuleRepository(session, caller.project_id).find(rule_id)
        if rule is None:
            raise ValidationRuleNotFound(rule_id)
        for name, value in columns.items():
            setattr(rule, name, value)
        rule.updated_at = clock.now()
        await assigning.count_for(session, rule)
        assignments_count = await AssignmentRepository(session, caller.project_id).count(rule_id)
        events.rule_changed(session, caller, "updated", rule, assignments_count)
    return rule_read(rule, assignments_count)


async def get(db: Database, caller: Caller, rule_id: str) -> ValidationRuleRead:
    """Raises ValidationRuleNotFound."""
    async with db.read() as session:
        rule = await ValidationRuleRepository(session, caller.project_id).find(rule_id)
        if rule is None:
            raise ValidationRuleNotFound(rule_id)
        return rule_read(rule, await AssignmentRepository(session, caller.project_id).count(rule_id))


async def search(db: Database, caller: Caller, query: ValidationRuleQuery) -> tuple[list[ValidationRuleRead], int]:
    """The rules that `query` asks for, and how many there are on all pages.

    Raises InvalidQuery.
    """
    when = When(clock.now(), caller.project.zone)
    async with db.read() as session:
        page = await fetch_page(session, rules_of(caller, query, when), query, when)
        counts = await AssignmentRepository(session, caller.project_id).counts([rule.id for rule in page.rows])
    return [rule_read(rule, counts.get(rule.id, 0)) for rule in page.rows], page.total


async def delete(db: Database, caller: Caller, rule_id: str) -> None:
    """Delete a rule that binds nothing.

    Raises ValidationRuleNotFound, RuleInUse.
    """
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        rule = await ValidationRuleRepository(session, caller.project_id).find(rule_id)
        if rule is None:
            raise ValidationRuleNotFound(rule_id)
        assignments_count = await AssignmentRepository(session, caller.project_id).count(rule_id)
        if assignments_count:
            raise RuleInUse(rule_id, assignments_count)
        events.rule_changed(session, caller, "deleted", rule, 0)
        await session.delete(rule)


async def assign(
    db: Database, caller: Caller, rule_id: str, body: AssignmentCreate, *, force: bool
) -> ValidationRuleAssignment:
    """Let the rule bind a campaign or voucher.

    Raises ValidationRuleNotFound, RelatedObjectNotFound, NothingToBind, RuleAlreadyAssigned, TooManyRules.
    """
    async with db.write() as session:
        return await assigning.assign(
            session, caller, rule_id, body.related_object_type, body.related_object_id, force=force
        )


async def unassign(db: Database, caller: Caller, rule_id: str, assignment_id: str) -> None:
    """Free the object; what was counted for the rule goes on being counted.

    Raises ValidationRuleNotFound, AssignmentNotFound.
    """
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        rule = await ValidationRuleRepository(session, caller.project_id).find(rule_id)
        if rule is None:
            raise ValidationRuleNotFound(rule_id)
        repository = AssignmentRepository(session, caller.project_id)
        assignment = await repository.find_of_rule(rule_id, assignment_id)
        if assignment is None:
            raise AssignmentNotFound(assignment_id)
        await session.delete(assignment)
        await session.flush()
        events.assignment_changed(session, caller, "deleted", rule, assignment, await repository.count(rule_id))


async def search_assignments(
    db: Database, caller: Caller, query: AssignmentQuery
) -> tuple[list[ValidationRuleAssignment], int]:
    """Assignments of any rule, and how many there are on all pages.

    Raises InvalidQuery.
    """
    when = When(clock.now(), caller.project.zone)
    statement = assignments_in(caller, rule_id=query.rule, related_object_id=query.related_object_id)
    async with db.read() as session:
        page = await fetch_page(session, statement, query, when)
    return page.rows, page.total


async def list_assignments(
    db: Database, caller: Caller, rule_id: str, query: RuleAssignmentQuery
) -> tuple[list[ValidationRuleAssignment], int]:
    """What one rule binds, and how much on all pages.

    Raises ValidationRuleNotFound, InvalidQuery.
    """
    when = When(clock.now(), caller.project.zone)
    async with db.read() as session:
        if await ValidationRuleRepository(session, caller.project_id).find(rule_id) is None:
            raise ValidationRuleNotFound(rule_id)
        statement = assignments_in(caller, rule_id=rule_id, related_object_id=None)
        page = await fetch_page(session, statement, query, when)
    return page.rows, page.total


def _columns(members: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that these members set: a null clears, and what cannot be empty goes back to its default."""
    columns = {
        name: value.model_dump(mode="json", exclude_none=True) or None if isinstance(value, BaseModel) else value
        for name, value in members.items()
    }
    return columns | {name: value for name, value in DEFAULTS.items() if name in columns and columns[name] is None}


def _check(columns: Mapping[str, Any]) -> None:
    """Raises InvalidValidationRules with the path of what is wrong with the conditions or the bundle."""
    try:
        parse_rule_set({"rules": columns.get("rules", {}), "error": columns.get("error")})
        parse_bundle(columns.get("bundle_rules"))
    except InvalidRule as problem:
        raise InvalidValidationRules(problem.path, problem.message) from None
