"""Searching the audit log."""

from collections.abc import Sequence

from app.access.audit.schemas import AuditQuery
from app.access.callers import Caller
from app.kit.db import Database
from app.kit.repository import Repository
from app.models import AuditEntry


class AuditRepository(Repository[AuditEntry]):
    model = AuditEntry

    async def page(self, query: AuditQuery) -> Sequence[AuditEntry]:
        """One entry more than asked for, newest first; ids sort by birth."""
        entries = self.rows()
        if query.resource_id is not None:
            entries = entries.where(AuditEntry.resource_id == query.resource_id)
        if query.starting_after_id is not None:
            entries = entries.where(AuditEntry.id < query.starting_after_id)
        return (await self.session.scalars(entries.order_by(AuditEntry.id.desc()).limit(query.limit + 1))).all()


async def search(db: Database, caller: Caller, query: AuditQuery) -> tuple[Sequence[AuditEntry], bool]:
    """A page of the log, and whether there is more."""
    async with db.read() as session:
        entries = await AuditRepository(session, caller.project_id).page(query)
    return entries[: query.limit], len(entries) > query.limit
