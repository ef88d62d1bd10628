"""Routes of validation rules and their assignments."""

from typing import Annotated

from fastapi import Depends, Path, Query

from app.access.authentication import requires
from app.access.callers import Caller
from app.incentives.validation_rules import service
from app.incentives.validation_rules.listing import AssignmentQuery, RuleAssignmentQuery, ValidationRuleQuery
from app.incentives.validation_rules.schemas import (
    AssignmentCreate,
    AssignmentRead,
    ValidationRuleCreate,
    ValidationRuleRead,
    ValidationRuleUpdate,
)
from app.kit.http import Db, Router
from app.kit.lists import ListBody

router = Router(prefix="/v1", tags=["validation rules"])
Reader = Annotated[Caller, requires("validation_rules:read")]
Writer = Annotated[Caller, requires("validation_rules:write")]
AssignmentReader = Annotated[Caller, requires("validation_rules_assignments:read")]
AssignmentWriter = Annotated[Caller, requires("validation_rules_assignments:write")]
RuleId = Annotated[str, Path(alias="validationRuleId")]
AssignmentId = Annotated[str, Path(alias="assignmentId")]


@router.post("/validation-rules")
async def create_validation_rule(db: Db, caller: Writer, body: ValidationRuleCreate) -> ValidationRuleRead:
    """Save a set of conditions. A definition that means nothing is refused, with the path of what is wrong."""
    return await service.create(db, caller, body)


@router.get("/validation-rules")
async def list_validation_rules(
    db: Db, caller: Reader, query: Annotated[ValidationRuleQuery, Depends(ValidationRuleQuery.parse)]
) -> ListBody[ValidationRuleRead]:
    """List validation rules, newest first. `start_date` and `end_date` are about when they were made."""
    rules, total = await service.search(db, caller, query)
    return ListBody(data=rules, total=total)


@router.get("/validation-rules-assignments")
async def list_assignments(
    db: Db, caller: AssignmentReader, query: Annotated[AssignmentQuery, Depends(AssignmentQuery.parse)]
) -> ListBody[AssignmentRead]:
    """List which rules bind which campaigns, vouchers and promotion tiers, newest first."""
    assignments, total = await service.search_assignments(db, caller, query)
    return ListBody(data=[AssignmentRead.model_validate(assignment) for assignment in assignments], total=total)


@router.get("/validation-rules/{validationRuleId}")
async def get_validation_rule(db: Db, caller: Reader, rule_id: RuleId) -> ValidationRuleRead:
    """Get a validation rule; its definition is returned as it was saved."""
    return await service.get(db, caller, rule_id)


@router.put("/validation-rules/{validationRuleId}")
async def update_validation_rule(
    db: Db, caller: Writer, rule_id: RuleId, body: ValidationRuleUpdate
) -> ValidationRuleRead:
    """Change a validation rule. What is left out stays, null clears; everything it binds obeys the change at once."""
    return await service.update(db, caller, rule_id, body)


@router.delete("/validation-rules/{validationRuleId}", status_code=204)
async def delete_validation_rule(db: Db, caller: Writer, rule_id: RuleId) -> None:
    """Delete a validation rule that binds nothing any more."""
    await service.delete(db, caller, rule_id)


@router.get("/validation-rules/{validationRuleId}/assignments")
async def list_assignments_of_rule(
    db: Db,
    caller: AssignmentReader,
    rule_id: RuleId,
    query: Annotated[RuleAssignmentQuery, Depends(RuleAssignmentQuery.parse)],
) -> ListBody[AssignmentRead]:
    """List which campaigns, vouchers and promotion tiers a rule binds, newest first."""
    assignments, total = await service.list_assignments(db, caller, rule_id, query)
    return ListBody(data=[AssignmentRead.model_validate(assignment) for assignment in assignments], total=total)


@router.post("/validation-rules/{validationRuleId}/assignments")
async def assign_validation_rule(
    db: Db,
    caller: AssignmentWriter,
    rule_id: RuleId,
    body: AssignmentCreate,
    force: Annotated[bool, Query(description="Replace the assignment, should there be one already.")] = False,
) -> AssignmentRead:
    """Let the rule bind a campaign with all that is in it, a voucher, or a promotion tier. All rules must hold."""
    return AssignmentRead.model_validate(await service.assign(db, caller, rule_id, body, force=force))


@router.delete("/validation-rules/{validationRuleId}/assignments/{assignmentId}", status_code=204)
async def unassign_validation_rule(
    db: Db, caller: AssignmentWriter, rule_id: RuleId, assignment_id: AssignmentId
) -> None:
    """Free the campaign, voucher or promotion tier from the rule."""
    await service.unassign(db, caller, rule_id, assignment_id)
