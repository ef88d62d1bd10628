"""Routes of stacking rules, on the management surface."""

from typing import Annotated

from fastapi import Path, Response

from app.access.authentication import requires
from app.access.callers import Caller
from app.access.stacking_rules import service
from app.access.stacking_rules.schemas import StackingRulesIn, StackingRulesList, StackingRulesRead
from app.kit.http import Db, Router, answered

router = Router(prefix="/management/v1/projects/{project_id}/stacking-rules", tags=["stacking rules"])
Reader = Annotated[Caller, requires("stacking_rules:read")]
Writer = Annotated[Caller, requires("stacking_rules:write")]
RulesId = Annotated[str, Path(alias="stackingRulesId")]


@router.post("", response_model=StackingRulesRead)
async def create_stacking_rules(db: Db, caller: Writer, project_id: str, body: StackingRulesIn) -> Response:
    """Give a project stacking rules of its own instead of the defaults. A project has one set of them."""
    return answered(await service.create(db, caller, body))


@router.get("", response_model=StackingRulesList)
async def list_stacking_rules(db: Db, caller: Reader, project_id: str) -> Response:
    """List the stacking rules of a project: its one set, or none while it goes by the defaults."""
    rules = await service.find(db, caller)
    data = [] if rules is None else [rules]
    return answered({"object": "list", "data_ref": "data", "data": data, "total": len(data)})


@router.get("/{stackingRulesId}", response_model=StackingRulesRead)
async def get_stacking_rules(db: Db, caller: Reader, project_id: str, rules_id: RulesId) -> Response:
    """Get the stacking rules of a project."""
    return answered(await service.get(db, caller, rules_id))


@router.put("/{stackingRulesId}", response_model=StackingRulesRead)
async def update_stacking_rules(
    db: Db, caller: Writer, project_id: str, rules_id: RulesId, body: StackingRulesIn
) -> Response:
    """Change stacking rules. What is left out stays, null brings back the default, lists are replaced whole."""
    return answered(await service.update(db, caller, rules_id, body))


@router.delete("/{stackingRulesId}", status_code=204)
async def delete_stacking_rules(db: Db, caller: Writer, project_id: str, rules_id: RulesId) -> None:
    """Delete stacking rules, so that the defaults hold again."""
    await service.delete(db, caller, rules_id)
