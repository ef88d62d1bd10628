"""What happens to loyalty tiers, and to members because of them."""

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.engine.loyalty_tiers import Change
from app.incentives.campaigns.rendering import campaign_read
from app.kit import clock
from app.kit.outbox import announce
from app.kit.wire import format_instant
from app.models import Campaign, LoyaltyTier, Voucher


def tier_changed(
    session: AsyncSession,
    caller: Caller,
    change: Literal["created", "updated", "deleted"],
    tier: Mapping[str, Any],
    campaign: Campaign,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """`tier` as it is answered; `changes` are the members that were sent."""
    record(session, caller, f"loyalty_tier.{change}", "loyalty_tier", tier["id"], changes)
    happened_at = "deleted_at" if change == "deleted" else "created_at"
    data = {"campaign": campaign_read(campaign), "loyalty_tier": tier, happened_at: format_instant(clock.now())}
    announce(session, caller.project_id, f"campaign.loyalty_tier.{change}", tier["id"], data)


def member_moved(
    session: AsyncSession,
    card: Voucher,
    change: Change,
    tier: LoyaltyTier | None,
    former: LoyaltyTier | None,
    expires_at: str | None,
) -> None:
    """`tier` is the one the member is in from now on, `former` the one they were in before.

    The tier that a rule for this event means (`loyalty_tier`) is the one that was left, when they are in none now.
    """
    meant = tier or former
    data = {
        "customer": {"id": card.holder_id, "object": "customer"},
        "campaign": {"id": card.campaign_id, "object": "campaign"},
        "voucher": {"id": card.id, "code": card.code, "object": "voucher"},
        "loyalty_tier": _named(meant),
        "previous_loyalty_tier": None if former is meant else _named(former),
        "expiration_date": expires_at,
    }
    kept = {name: value for name, value in data.items() if value is not None}
    announce(session, card.project_id, f"customer.loyalty.tier.{change}", card.holder_id or card.id, kept)


def _named(tier: LoyaltyTier | None) -> dict[str, Any] | None:
    return None if tier is None else {"id": tier.id, "name": tier.name, "object": "loyalty_tier"}
