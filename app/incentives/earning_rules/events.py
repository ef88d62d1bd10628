"""What happens to earning rules, told to the audit log and to whoever listens."""

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

Change = Literal["assigned", "updated", "enabled", "disabled", "deleted"]


def rule_changed(
    session: AsyncSession,
    caller: Caller,
    change: Change,
    rule: Mapping[str, Any],
    campaign: Campaign,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """`rule` as it is answered; `changes` are the members that were sent."""
    action = "created" if change == "assigned" else change
    record(session, caller, f"earning_rule.{action}", "earning_rule", rule["id"], changes)
    happened_at = "deleted_at" if change == "deleted" else "created_at"
    data = {
        "campaign": campaign_read(campaign),
        "earning_rule": dict(rule),
        happened_at: format_instant(clock.now()),
    }
    announce(session, caller.project_id, f"campaign.earning_rule.{change}", rule["id"], data)
