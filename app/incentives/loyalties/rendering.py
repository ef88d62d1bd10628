"""Cards, pending points and lots as they look on the wire."""

from typing import Any
from zoneinfo import ZoneInfo

from app.engine.points_expiration import last_day_before
from app.kit.filters import When
from app.kit.wire import format_instant
from app.models import Lot, PendingPoints, Voucher


def bucket_read(lot: Lot, card: Voucher, when: When) -> dict[str, Any]:
    """The contract's LoyaltyPointsBucket in JSON values: a lot of points that expire on one day."""
    is_over = lot.expires_at is not None and lot.expires_at <= when.now
    shown = {
        "id": lot.id,
        "voucher_id": card.id,
        "campaign_id": card.campaign_id,
        "bucket": {"total_points": lot.left_points},
        "status": "EXPIRED" if is_over else "ACTIVE",
        "created_at": format_instant(lot.created_at),
        "object": "loyalty_points_bucket",
    }
    if lot.expires_at is not None:
        shown["expires_at"] = last_day_before(lot.expires_at, when.zone).isoformat()
    return shown


def pending_read(pending: PendingPoints, zone: ZoneInfo) -> dict[str, Any]:
    """The contract's LoyaltyPendingPoints in JSON values."""
    members = {
        "id": pending.id,
        "voucher_id": pending.voucher_id,
        "campaign_id": pending.campaign_id,
        "customer_id": pending.customer_id,
        "order_id": pending.order_id,
        "points": pending.points,
        "activates_at": pending.activates_at.astimezone(zone).date().isoformat(),
        "details": pending.details,
        "created_at": format_instant(pending.created_at),
        "updated_at": format_instant(pending.updated_at) if pending.updated_at else None,
    }
    return {name: value for name, value in members.items() if value is not None}


def transfer_read(card: dict[str, Any]) -> dict[str, Any]:
    """The answer to a transfer from the card's voucher as answered elsewhere: clients of the contract insist on an
    empty timeframe and empty days here, and read a text in `active`, which is therefore left out."""
    always: dict[str, Any] = {
        "category": None,
        "category_id": None,
        "additional_info": None,
        "start_date": None,
        "expiration_date": None,
        "validity_timeframe": {},
        "validity_day_of_week": [],
        "validity_hours": {},
    }
    left_out = ("active", "object", "validation_rules_assignments")
    return always | {name: value for name, value in card.items() if name not in left_out}
