"""Routes of reasons and budgets, on the management surface."""

from typing import Annotated

from fastapi import Path

from app.access.authentication import requires
from app.access.callers import Caller
from app.distribution.goodwill_settings import service
from app.distribution.goodwill_settings.schemas import BudgetIn, KeyBudgetRead, ReasonCreate, ReasonRead, ReasonUpdate
from app.kit.http import Db, Router
from app.kit.lists import ListBody

router = Router(prefix="/management/v1/projects/{project_id}", tags=["goodwill"])
Reader = Annotated[Caller, requires("projects:read")]
Writer = Annotated[Caller, requires("projects:write")]
Key = Annotated[str, Path(alias="reason", max_length=63, description="Key of the reason.")]
ApiKeyId = Annotated[str, Path(alias="key_id", max_length=64, description="The public half of a server key.")]


@router.post("/goodwill-reasons")
async def create_goodwill_reason(db: Db, caller: Writer, project_id: str, body: ReasonCreate) -> ReasonRead:
    """Add a reason to the catalogue of why support may give something away."""
    return await service.create_reason(db, caller, body)


@router.get("/goodwill-reasons")
async def list_goodwill_reasons(db: Db, caller: Reader, project_id: str) -> ListBody[ReasonRead]:
    """List all reasons by key, with what is left of their budgets."""
    reasons = await service.list_reasons(db, caller)
    return ListBody(data=reasons, total=len(reasons))


@router.get("/goodwill-reasons/{reason}")
async def get_goodwill_reason(db: Db, caller: Reader, project_id: str, key: Key) -> ReasonRead:
    """Get a reason."""
    return await service.get_reason(db, caller, key)


@router.put("/goodwill-reasons/{reason}")
async def update_goodwill_reason(db: Db, caller: Writer, project_id: str, key: Key, body: ReasonUpdate) -> ReasonRead:
    """Change a reason. What is left out stays, null brings back the default.

    A new budget counts what was given before.
    """
    return await service.update_reason(db, caller, key, body)


@router.delete("/goodwill-reasons/{reason}", status_code=204)
async def delete_goodwill_reason(db: Db, caller: Writer, project_id: str, key: Key) -> None:
    """Take a reason out of the catalogue. What was given for it stays."""
    await service.delete_reason(db, caller, key)


@router.get("/keys/{key_id}/goodwill-budget")
async def get_goodwill_budget(db: Db, caller: Reader, project_id: str, api_key_id: ApiKeyId) -> KeyBudgetRead:
    """Get how much a key may give away, and what is left of it."""
    return await service.get_budget(db, caller, api_key_id)


@router.put("/keys/{key_id}/goodwill-budget")
async def set_goodwill_budget(
    db: Db, caller: Writer, project_id: str, api_key_id: ApiKeyId, body: BudgetIn
) -> KeyBudgetRead:
    """Set how much a key may give away. What it has given in this period already counts."""
    return await service.set_budget(db, caller, api_key_id, body)


@router.delete("/keys/{key_id}/goodwill-budget", status_code=204)
async def delete_goodwill_budget(db: Db, caller: Writer, project_id: str, api_key_id: ApiKeyId) -> None:
    """Take the budget of a key away. A support key may then give nothing; other keys are no longer limited."""
    await service.remove_budget(db, caller, api_key_id)
