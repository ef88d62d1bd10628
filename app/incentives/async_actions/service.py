"""Starting background work, keeping its progress, and showing it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.incentives.async_actions.repository import AsyncActionRepository
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import NotFound
from app.kit.ids import new_id
from app.kit.jobs import enqueue
from app.models import AsyncAction


async def get(db: Database, caller: Caller, action_id: str) -> AsyncAction:
    """Raises NotFound."""
    async with db.read() as session:
        action = await AsyncActionRepository(session, caller.project_id).find(action_id)
    if action is None:
        raise NotFound("async_action", action_id)
    return action


async def latest(
    db: Database, caller: Caller, limit: int, before: datetime | None
) -> tuple[Sequence[AsyncAction], bool]:
    """The newest actions first, and whether there are more."""
    async with db.read() as session:
        return await AsyncActionRepository(session, caller.project_id).latest(limit, before)


async def start(session: AsyncSession, caller: Caller, action_type: str, parameters: Mapping[str, Any]) -> AsyncAction:
    """Let a worker do `action_type` once this transaction has committed; the job kind has the name of the type."""
    action = AsyncAction(
        project_id=caller.project_id,
        id=new_id("aa"),
        type=action_type,
        status="ENQUEUED",
        operation_status="UNKNOWN",
        request_id=caller.request_id,
        parameters=dict(parameters),
        progress=0,
        processing_time=None,
        result=None,
        created_at=clock.now(),
        updated_at=None,
    )
    session.add(action)
    await session.flush()
    await _enqueue(session, action)
    return action


async def revive(session: AsyncSession, project_id: int, since: datetime) -> None:
    """Enqueue again what nothing has been done for since then and no job is left for.

    A job can get lost when the database is cut off just while its failure is being noted.
    """
    for action in await AsyncActionRepository(session, project_id).unfinished():
        if (action.updated_at or action.created_at) < since:
            await _enqueue(session, action)


async def _enqueue(session: AsyncSession, action: AsyncAction) -> None:
    payload = {"project_id": action.project_id, "action_id": action.id}
    await enqueue(session, action.type, payload, key=action.id)


def done_count(action: AsyncAction) -> int:
    """How many items are done and committed."""
    count: int = (action.result or {}).get("done_count", 0)
    return count


def advance(action: AsyncAction, done: int, total: int, began_at: datetime) -> None:
    """Note that `done` of `total` items are done, after a step that began at `began_at`."""
    action.status = "IN_PROGRESS"
    action.result = {"done_count": done, "failed_count": 0}
    action.progress = min(99, 100 * done // max(1, total))
    _clock_in(action, began_at)


def finish(action: AsyncAction, done: int, began_at: datetime) -> None:
    action.status, action.operation_status, action.progress = "DONE", "SUCCESS", 100
    action.result = {"done_count": done, "failed_count": 0}
    _clock_in(action, began_at)


def fail(action: AsyncAction, message: str, failed_count: int, began_at: datetime) -> None:
    """Give up; what was done stays done."""
    action.status, action.operation_status = "FAILED", "FAILED"
    action.result = {"message": message, "done_count": done_count(action), "failed_count": failed_count}
    _clock_in(action, began_at)


def _clock_in(action: AsyncAction, began_at: datetime) -> None:
    now = clock.now()
    action.processing_time = (action.processing_time or 0) + int((now - began_at).total_seconds() * 1000)
    action.updated_at = now
