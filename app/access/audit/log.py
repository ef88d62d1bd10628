"""Writing the audit log: one row per change, in the transaction of the change."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.authentication import Manager
from app.access.callers import WORKER, Caller
from app.kit import clock
from app.kit.ids import new_id
from app.models import AuditEntry

OPERATOR = "operator"
"""Whoever has the command line: no key is asked for there."""


def record(
    session: AsyncSession,
    caller: Caller,
    action: str,
    resource_type: str,
    resource_id: str,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Note that `caller` did `action`, such as `voucher.updated`, to a resource.

    `changes` are JSON values: the members that were set, without secrets and personal data. For bulk work write one
    entry for the whole, under the id of the campaign or async action.
    """
    actor_type, actor_id = ("user", caller.user_login) if caller.user_login else ("api_key", caller.api_key_id)
    if caller.kind == WORKER:
        actor_type = WORKER
    session.add(
        AuditEntry(
            project_id=caller.project_id,
            id=new_id("audit"),
            actor_type=actor_type,
            actor_id=actor_id,
            action=action,
            resource_type=resource_type,
            resource_id=resource_id,
            changes=dict(changes or {}),
            request_id=caller.request_id or None,
            created_at=clock.now(),
        )
    )


def record_above_projects(
    session: AsyncSession,
    project_id: int,
    manager: Manager | None,
    action: str,
    resource_type: str,
    resource_id: str,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """The same for a management key that was not asked about one project, or (None) for the command line."""
    session.add(
        AuditEntry(
            project_id=project_id,
            id=new_id("audit"),
            actor_type="api_key" if manager else OPERATOR,
            actor_id=manager.api_key_id if manager else OPERATOR,
            action=action,
            resource_type=resource_type,
            resource_id=resource_id,
            changes=dict(changes or {}),
            request_id=manager.request_id if manager else None,
            created_at=clock.now(),
        )
    )
