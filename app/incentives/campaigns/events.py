"""What happens to campaigns, told to the audit log and to whoever listens."""

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

Change = Literal["created", "updated", "enabled", "disabled", "deleted"]


def changed(
    session: AsyncSession,
    caller: Caller,
    change: Change,
    campaign: Mapping[str, Any],
    changes: Mapping[str, Any] | None = None,
) -> None:
    """`campaign` as it is answered; `changes` are the members that were sent."""
    record(session, caller, f"campaign.{change}", "campaign", campaign["id"], changes)
    happened_at = "deleted_at" if change == "deleted" else "created_at"
    data = {"campaign": campaign, happened_at: format_instant(clock.now())}
    announce(session, caller.project_id, f"campaign.{change}", campaign["id"], data)


def generation(
    session: AsyncSession, stage: Literal["started", "completed", "failed"], campaign: Campaign, count: int
) -> None:
    """The bulk generation of `count` codes began or ended."""
    data = {
        "campaign": campaign_read(campaign),
        "count": count,
        ("created_at" if stage == "started" else "completed_at"): format_instant(clock.now()),
    }
    announce(session, campaign.project_id, f"campaign.vouchers.generation.{stage}", campaign.id, data)
