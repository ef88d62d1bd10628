"""What happens to rewards and their assignments, told to the audit log and to whoever listens."""

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.incentives.campaigns.rendering import campaign_read
from app.kit import clock
from app.kit.outbox import announce
from app.kit.wire import format_instant
from app.models import Campaign

Change = Literal["created", "updated", "deleted"]


def reward_changed(
    session: AsyncSession, caller: Caller, change: Change, reward_id: str, changes: Mapping[str, Any] | None = None
) -> None:
    """`changes` are the members that were sent. The contract has no event for rewards themselves."""
    record(session, caller, f"reward.{change}", "reward", reward_id, changes)


def assignment_changed(
    session: AsyncSession,
    caller: Caller,
    change: Change,
    assignment: Mapping[str, Any],
    campaign: Campaign,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """`assignment` as it is answered; `changes` are the members that were sent."""
    record(session, caller, f"reward_assignment.{change}", "reward_assignment", assignment["id"], changes)
    happened_at = "deleted_at" if change == "deleted" else "created_at"
    data = {
        "campaign": campaign_read(campaign),
        "reward_assignment": dict(assignment),
        happened_at: format_instant(clock.now()),
    }
    announce(session, caller.project_id, f"campaign.reward.assignment.{change}", assignment["id"], data)
