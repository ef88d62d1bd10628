"""Binding rules to campaigns, vouchers and promotion tiers: steps that run inside somebody's transaction."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.access.configuration import change_configuration
from app.incentives.validation_rules import events
from app.incentives.validation_rules.counting import begin_counting
from app.incentives.validation_rules.definitions import rule_set_of
from app.incentives.validation_rules.errors import (
    LimitsBindNoEarning,
    NothingToBind,
    RelatedObjectNotFound,
    RuleAlreadyAssigned,
    TooManyRules,
    ValidationRuleNotFound,
)
from app.incentives.validation_rules.repository import BINDABLE, AssignmentRepository, Ids, ValidationRuleRepository
from app.incentives.validation_rules.schemas import AssignmentRead
from app.kit import clock
from app.kit.ids import new_id
from app.models import ValidationRule, ValidationRuleAssignment

MOST_RULES = 10
"""How many rules one campaign, voucher or tier can have: each is evaluated at every checkout that names it."""


async def assign(
    session: AsyncSession,
    caller: Caller,
    rule_id: str,
    related_object_type: str,
    related_object_id: str,
    *,
    force: bool = False,
) -> ValidationRuleAssignment:
    """Let a rule bind a campaign, voucher, promotion tier or earning rule (by id), and let that object count what the
    rule limits.

    `force` replaces the assignment if there already is one. Changes the configuration: waits for redemptions in flight.

    Raises ValidationRuleNotFound, RelatedObjectNotFound, NothingToBind, RuleAlreadyAssigned, TooManyRules,
    LimitsBindNoEarning.
    """
    if related_object_type not in BINDABLE:
        raise NothingToBind(related_object_type)
    await change_configuration(session, caller.project_id)
    rule = await ValidationRuleRepository(session, caller.project_id).find(rule_id)
    if rule is None:
        raise ValidationRuleNotFound(rule_id)
    repository = AssignmentRepository(session, caller.project_id)
    if not await repository.is_bindable(related_object_type, related_object_id):
        raise RelatedObjectNotFound(related_object_type, related_object_id)
    await _make_room(repository, rule_id, related_object_id, force=force)
    assignment = ValidationRuleAssignment(
        project_id=caller.project_id,
        id=new_id("asgm"),
        rule_id=rule_id,
        related_object_type=related_object_type,
        related_object_id=related_object_id,
        created_at=clock.now(),
        updated_at=None,
    )
    session.add(assignment)
    await session.flush()
    await count_for(session, rule)
    events.assignment_changed(session, caller, "created", rule, assignment, await repository.count(rule_id))
    return assignment


async def bind_new(
    session: AsyncSession, caller: Caller, rule: ValidationRule, related_object_type: str, related_object_id: str
) -> ValidationRuleAssignment:
    """Keep a rule that was just made, without limits, and let it bind something that was made in this transaction, too.

    Nobody can have either of them in a cache, so the configuration stays as it is and redemptions need not wait.
    """
    assignment = ValidationRuleAssignment(
        project_id=caller.project_id,
        id=new_id("asgm"),
        rule_id=rule.id,
        related_object_type=related_object_type,
        related_object_id=related_object_id,
        created_at=rule.created_at,
        updated_at=None,
    )
    session.add(rule)
    await session.flush()
    session.add(assignment)
    await session.flush()
    events.rule_changed(session, caller, "created", rule, 1)
    events.assignment_changed(session, caller, "created", rule, assignment, 1)
    return assignment


async def _make_room(repository: AssignmentRepository, rule_id: str, related_object_id: str, *, force: bool) -> None:
    """Remove an earlier assignment of the same rule if `force` says so. Raises RuleAlreadyAssigned, TooManyRules."""
    existing = await repository.to_objects([related_object_id])
    for assignment in existing:
        if assignment.rule_id == rule_id:
            if not force:
                raise RuleAlreadyAssigned(rule_id, related_object_id)
            await repository.session.delete(assignment)
            await repository.session.flush()
            return
    if len(existing) >= MOST_RULES:
        raise TooManyRules(related_object_id, MOST_RULES)


async def count_for(session: AsyncSession, rule: ValidationRule) -> None:
    """Let everything that `rule` binds count what it limits. Only after `change_configuration`.

    Raises LimitsBindNoEarning.
    """
    repository = AssignmentRepository(session, rule.project_id)
    counted = rule_set_of(rule).counted
    if counted and await repository.binds_earning(rule.id):
        raise LimitsBindNoEarning(rule.id)
    await begin_counting(
        session,
        rule.project_id,
        counted,
        campaign_ids=repository.counting_campaign_ids(rule.id),
        voucher_ids=repository.object_ids(rule.id, "voucher"),
        tier_ids=repository.object_ids(rule.id, "promotion_tier"),
    )


async def assignments_of(
    session: AsyncSession, project_id: int, object_ids: Collection[str]
) -> dict[str, list[AssignmentRead]]:
    """The assignments of each of these objects, oldest first, in one statement; each id is a key."""
    found: dict[str, list[AssignmentRead]] = {object_id: [] for object_id in object_ids}
    if found:
        for assignment in await AssignmentRepository(session, project_id).to_objects(found.keys()):
            found[assignment.related_object_id].append(AssignmentRead.model_validate(assignment))
    return found


def assignment_list(assignments: Iterable[AssignmentRead]) -> dict[str, Any]:
    """The `validation_rules_assignments` member of a campaign, voucher or tier (AssignmentList), as JSON values."""
    data = [assignment.model_dump(mode="json") for assignment in assignments]
    return {"object": "list", "data_ref": "data", "data": data, "total": len(data)}


async def unassign_all(session: AsyncSession, project_id: int, object_ids: Ids) -> None:
    """Free the rules of objects that are being deleted, or those rules could never be deleted themselves."""
    await session.execute(AssignmentRepository(session, project_id).delete_to(object_ids))
