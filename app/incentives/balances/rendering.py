"""Entries as the transactions of the wire."""

from collections.abc import Mapping
from typing import Any

from app.incentives.balances.repository import Purchase
from app.incentives.balances.schemas import (
    BalanceRead,
    Related,
    RelatedOrder,
    RelatedVoucher,
    TransactionDetails,
    TransactionRead,
    TransactionType,
)
from app.incentives.vouchers.standing import POINTS
from app.models import Entry

BY_HAND = ("adjustment", "transfer")


_CREDITS: Mapping[str, TransactionType] = {
    "redemption": "CREDITS_REDEMPTION",
    "rollback": "CREDITS_REFUND",
    "refund": "CREDITS_REFUND",
}
_POINTS: Mapping[str, TransactionType] = {
    "redemption": "POINTS_REDEMPTION",
    "rollback": "POINTS_REFUND",
    "refund": "POINTS_REFUND",
    "expiry": "POINTS_EXPIRATION",
    "pending_points": "PENDING_POINTS_ACTIVATION",
}
SHOWN = frozenset(TransactionDetails.model_fields) - {"balance"}
"""What the details of an entry can tell."""


def balance_read(entry: Entry) -> BalanceRead:
    """A change of a balance, and what was there right after it."""
    is_card = entry.measure == POINTS
    return BalanceRead(
        amount=None if is_card else entry.amount,
        points=entry.amount if is_card else None,
        total=entry.total,
        balance=entry.balance,
        type="loyalty_card" if is_card else "gift_voucher",
        operation_type="MANUAL" if entry.cause_type in BY_HAND else "AUTOMATIC",
        related_object=RelatedVoucher(id=entry.owner_id),
    )


def transaction_read(entry: Entry, purchase: Purchase | None = None) -> dict[str, Any]:
    """The entry as a TransactionRead in JSON values; `purchase` is that of the redemption which caused it."""
    told = entry.details or {}
    details = TransactionDetails(balance=balance_read(entry))
    if entry.cause_type in ("redemption", "rollback", "refund"):
        details.redemption = Related(id=entry.cause_id if purchase is None else purchase.redemption_id)
    if entry.cause_type == "refund":
        details.refund = Related(id=entry.cause_id)
    if purchase is not None:
        if entry.cause_type == "rollback" and purchase.rollback_id is not None:
            details.rollback = Related(id=purchase.rollback_id)
        if purchase.order_id is not None:
            details.order = RelatedOrder(id=purchase.order_id, source_id=purchase.order_source_id)
    shown: dict[str, Any] = TransactionRead(
        id=entry.id,
        source_id=entry.source_id,
        voucher_id=entry.owner_id,
        campaign_id=entry.campaign_id,
        source="API" if entry.cause_type in BY_HAND else None,
        reason=entry.reason,
        type=type_of(entry),
        related_transaction_id=told.get("related_transaction_id"),
        details=details,
        created_at=entry.recorded_at,
    ).model_dump(mode="json")
    shown["details"] = {name: value for name, value in told.items() if name in SHOWN} | shown["details"]
    return shown


def type_of(entry: Entry) -> TransactionType:
    """By what caused it, else by where the other leg is: given or taken by the shop, earned, paid with."""
    is_gain = entry.amount > 0
    if entry.measure != POINTS:
        return _CREDITS.get(entry.cause_type, "CREDITS_ADDITION" if is_gain else "CREDITS_REMOVAL")
    if entry.cause_type == "transfer":
        return "POINTS_TRANSFER_IN" if is_gain else "POINTS_TRANSFER_OUT"
    if entry.cause_type in _POINTS:
        return _POINTS[entry.cause_type]
    if entry.counterpart == "redeemed":
        return "POINTS_REFUND" if is_gain else "POINTS_REDEMPTION"
    if is_gain:
        return "POINTS_ADDITION" if entry.cause_type == "adjustment" else "POINTS_ACCRUAL"
    return "POINTS_REMOVAL"
