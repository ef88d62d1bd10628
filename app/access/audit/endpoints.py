"""Reading the audit log."""

from typing import Annotated

from fastapi import Query

from app.access.audit import service
from app.access.audit.schemas import AuditEntryRead, AuditLog, AuditQuery
from app.access.authentication import requires
from app.access.callers import Caller
from app.kit.http import Db, Router

router = Router(prefix="/x/v1/audit-log", tags=["audit log"])
Reader = Annotated[Caller, requires("audit_log:read")]


@router.get("")
async def list_changes(db: Db, caller: Reader, query: Annotated[AuditQuery, Query()]) -> AuditLog:
    """List what was changed, by whom and when; newest first."""
    entries, has_more = await service.search(db, caller, query)
    return AuditLog(
        data=[AuditEntryRead.model_validate(entry) for entry in entries],
        has_more=has_more,
        more_starting_after=entries[-1].id if has_more else None,
    )
