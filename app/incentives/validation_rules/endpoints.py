"""Routes of validation rules and their assignments."""

from typing import Annotated

from fastapi import Query

from app.access.authentication import requires
from app.access.callers import Caller
from app.incentives.validation_rules import service
from app.incentives.validation_rules.schemas import (
    AssignmentCreate,
    AssignmentRead,
    ValidationRuleCreate,
    ValidationRuleRead,
    ValidationRuleUpdate,
)
from app.kit.http import Db, Router

router = Router(prefix="/v1", tags=["validation rules"])
Reader = Annotated[Caller, requires("validation_rules:read")]
Writer = Annotated[Caller, requires("validation_rules:write")]
AssignmentReader = Annotated[Caller, requires("validation_rules_assignments:read")]
AssignmentWriter = Annotated[Caller, requires("validation_rules_assignments:write")]


@router.post("/validation-rules")
async def create_validation_rule(db: Db, caller: Writer, body: ValidationRuleCreate) -> ValidationRuleRead:
    """Save a set of conditions. A definition that means nothing is refused, with the path of what is wrong."""
    return await service.create(db, caller, body)


@router.get("/validation-rules/{rule_id}")
async def get_validation_rule(db: Db, caller: Reader, rule_id: str) -> ValidationRuleRead:
    """Get a validation rule; its definition is returned as it was saved."""
    return await service.get(db, caller, rule_id)


@router.put("/validation-rules/{rule_id}")
async def update_validation_rule(
    db: Db, caller: Writer, rule_id: str, body: ValidationRuleUpdate
) -> ValidationRuleRead:
    """Change a validation rule. What is left out stays, null clears; everything it binds obeys the change at once."""
    return await service.update(db, caller, rule_id, body)


@router.delete("/validation-rules/{rule_id}", status_code=204)
async def delete_validation_rule(db: Db, caller: Writer, rule_id: str) -> None:
    """Delete a validation rule that binds nothing any more."""
    await service.delete(db, caller, rule_id)


@router.post("/validation-rules/{rule_id}/assignments")
async def assign_validation_rule(
    db: Db,
    caller: AssignmentWriter,
    rule_id: str,
    body: AssignmentCreate,
    force: Annotated[bool, Query(description="Replace the assignment, should there be one already.")] = False,
) -> AssignmentRead:
    """Let the rule bind a campaign, with all its vouchers, or one voucher. All rules of both must hold."""
    return AssignmentRead.model_validate(await service.assign(db, caller, rule_id, body, force=force))


@router.delete("/validation-rules/{rule_id}/assignments/{assignment_id}", status_code=204)
async def unassign_validation_rule(db: Db, caller: AssignmentWriter, rule_id: str, assignment_id: str) -> None:
    """Free the campaign or voucher from the rule."""
    await service.unassign(db, caller, rule_id, assignment_id)
