"""What happens to points, told to whoever listens: ids and figures, never personal data."""

from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.outbox import announce
from app.ledger.movements import Holdings, Movement
from app.models import Campaign, PendingPoints, Voucher

CARD = "voucher.loyalty_card"
PendingChange = Literal["added", "activated", "updated", "canceled"]


def points_moved(
    session: AsyncSession, card: Voucher, campaign: Campaign | None, movement: Movement, holdings: Holdings
) -> None:
    """One `voucher.loyalty_card.transaction.created`, and one `points_added`, `points_transferred` (of the card that
    gets them) or `points_expired` where it is that."""
    data = _data(card, campaign) | {
        "balance": balance_of(card.id, movement.posting.amount, holdings, movement.cause.type),
        "transaction": {"id": movement.id, "cause": movement.cause._asdict()},
        **(movement.details or {}),
    }
    if movement.counterpart in ("issued", "earned") and movement.posting.amount > 0:
        announce(session, card.project_id, f"{CARD}.points_added", card.id, data)
    elif movement.cause.type == "transfer" and movement.posting.amount > 0:
        announce(session, card.project_id, f"{CARD}.points_transferred", card.id, data)
    elif movement.cause.type == "expiry":
        announce(session, card.project_id, f"{CARD}.points_expired", card.id, data)
    announce(session, card.project_id, f"{CARD}.transaction.created", movement.id, data)


def pending_changed(
    session: AsyncSession, card: Voucher, campaign: Campaign | None, pending: PendingPoints, change: PendingChange
) -> None:
    """One of the `voucher.loyalty_card.pending_points.*`."""
    data = _data(card, campaign) | {
        "pending_points": {
            "id": pending.id,
            "voucher_id": pending.voucher_id,
            "points": pending.points,
            "status": pending.status,
            "details": pending.details,
        },
        "order_id": pending.order_id,
        **pending.details,
    }
    announce(session, card.project_id, f"{CARD}.pending_points.{change}", card.id, data)


def balance_of(card_id: str, points: int, holdings: Holdings, cause_type: str) -> dict[str, Any]:
    """A change of a card's points, and what was there right after it, as on the wire."""
    return {
        "points": points,
        "total": holdings.issued_amount,
        "balance": holdings.balance,
        "type": "loyalty_card",
        "object": "balance",
        "operation_type": "MANUAL" if cause_type in ("adjustment", "transfer") else "AUTOMATIC",
        "related_object": {"type": "voucher", "id": card_id},
    }


def _data(card: Voucher, campaign: Campaign | None) -> dict[str, Any]:
    return {
        "voucher": {"id": card.id, "code": card.code, "object": "voucher"},
        "campaign": {"id": campaign.id, "name": campaign.name, "object": "campaign"} if campaign else None,
        "customer": {"id": card.holder_id, "object": "customer"} if card.holder_id else None,
        "voucher_id": card.id,
        "campaign_id": card.campaign_id,
        "customer_id": card.holder_id,
    }
