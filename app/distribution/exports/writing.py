"""Writing the files: some thousand lines in each transaction, so that a killed worker's file is gone on with."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.project_views import load_project
from app.distribution.exports.repository import ExportRepository
from app.distribution.exports.rows import Reading
from app.kit import clock
from app.kit.filters import When
from app.kit.following import Follower, Happening
from app.kit.jobs import JobKind, Work, enqueue
from app.models import Export, ExportChunk

EXPORT: Final = "EXPORT.WRITE"
CHUNK, MOST_ROWS = 2_000, 1_000_000


async def write(work: Work, payload: Mapping[str, Any]) -> None:
    """Write what is missing of an export. Lines and how far they go commit together, under a lock on the export: of two
    workers none writes a line twice. A file of more than a million lines is given up."""
    is_unfinished = True
    while is_unfinished:
        work.leave_if_stopping()
        async with work.db.write() as session:
            export = await ExportRepository(session, payload["project_id"]).lock_unfinished(payload["export_id"])
            if export is None:
                return
            is_unfinished = await _write_chunk(session, export)


async def give_up(work: Work, payload: Mapping[str, Any], error: Exception) -> None:
    """Mark the export as failed after the last attempt."""
    async with work.db.write() as session:
        export = await ExportRepository(session, payload["project_id"]).lock_unfinished(payload["export_id"])
        if export is not None:
            export.status, export.updated_at = "ERROR", clock.now()


WRITING = JobKind(EXPORT, write, give_up)


async def _write_chunk(session: AsyncSession, export: Export) -> bool:
    """Whether there is more to write."""
    project = await load_project(session, export.project_id)
    reading = Reading(export.exported_object, export.parameters)
    when = When(export.created_at, project.zone)
    found = await session.execute(reading.rows_after(export.project_id, export.last_id, when, CHUNK))
    rows = found.all()
    content = (reading.header() if export.chunks_count == 0 else "") + reading.lines(rows)
    if content:
        chunk = {"export_id": export.id, "position": export.chunks_count, "content": content}
        session.add(ExportChunk(project_id=export.project_id, **chunk))
        export.chunks_count += 1
    export.rows_count += len(rows)
    export.last_id = rows[-1][0] if rows else export.last_id
    export.status = "IN_PROGRESS" if len(rows) == CHUNK else "DONE"
    if export.status == "IN_PROGRESS" and export.rows_count >= MOST_ROWS:
        export.status = "ERROR"
    export.updated_at = clock.now()
    return export.status == "IN_PROGRESS"


async def revive(session: AsyncSession, project_id: int, since: datetime) -> None:
    """Enqueue again what nothing was written of since then: its job got lost."""
    for export in await ExportRepository(session, project_id).unfinished():
        if (export.updated_at or export.created_at) < since:
            payload = {"project_id": project_id, "export_id": export.id}
            await enqueue(session, EXPORT, payload, key=export.id)


async def forget_expired(session: AsyncSession, project_id: int, now: datetime) -> None:
    exports = ExportRepository(session, project_id)
    expired = await exports.expired(now)
    if expired:
        await exports.remove(expired)


async def forget_persons(session: AsyncSession, happening: Happening) -> None:
    """Delete the files with customers in them when one is erased: no copy may outlive the person's row."""
    exports = ExportRepository(session, happening.project_id)
    with_persons = await exports.of_object("customer")
    if with_persons:
        await exports.remove(with_persons)


FORGETTING = Follower("exports", frozenset({"customer.deleted"}), forget_persons)
