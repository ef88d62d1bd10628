"""What happens to promotion tiers and stacks, told to the audit log and to whoever listens."""

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


def tier_changed(
    session: AsyncSession,
    caller: Caller,
    change: Change,
    tier: Mapping[str, Any],
    campaign: Campaign,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """`tier` as it is answered; `changes` are the members that were sent."""
    _changed(session, caller, "promotion_tier", change, tier, campaign, changes)


def stack_changed(
    session: AsyncSession,
    caller: Caller,
    change: Literal["created", "updated", "deleted"],
    stack: Mapping[str, Any],
    campaign: Campaign,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """`stack` as it is answered; `changes` are the members that were sent."""
    _changed(session, caller, "promotion_stack", change, stack, campaign, changes)


def _changed(
    session: AsyncSession,
    caller: Caller,
    kind: str,
    change: Change,
    shown: Mapping[str, Any],
    campaign: Campaign,
    changes: Mapping[str, Any] | None,
) -> None:
    record(session, caller, f"{kind}.{change}", kind, shown["id"], changes)
    happened_at = "deleted_at" if change == "deleted" else "created_at"
    data = {"campaign": campaign_read(campaign), kind: shown, happened_at: format_instant(clock.now())}
    announce(session, caller.project_id, f"campaign.{kind}.{change}", shown["id"], data)
