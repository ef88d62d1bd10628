"""Routes of async actions."""

from typing import Annotated

from fastapi import Query

from app.access.authentication import requires
from app.access.callers import Caller
from app.incentives.async_actions import service
from app.incentives.async_actions.schemas import AsyncActionList, AsyncActionRead
from app.kit.http import Db, Router
from app.kit.wire import Instant

router = Router(prefix="/v1/async-actions", tags=["async actions"])
Reader = Annotated[Caller, requires("async_actions:read")]


@router.get("")
async def list_async_actions(
    db: Db,
    caller: Reader,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
    end_date: Annotated[Instant | None, Query(description="Only those begun before; for the next page.")] = None,
) -> AsyncActionList:
    """List what was started to be done in the background, newest first."""
    actions, has_more = await service.latest(db, caller, limit, end_date)
    return AsyncActionList(
        async_actions=[AsyncActionRead.model_validate(action) for action in actions], has_more=has_more
    )


@router.get("/{async_action_id}")
async def get_async_action(db: Db, caller: Reader, async_action_id: str) -> AsyncActionRead:
    """See how far a piece of background work is."""
    return AsyncActionRead.model_validate(await service.get(db, caller, async_action_id))
