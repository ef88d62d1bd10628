"""Entries as the transactions of the wire."""

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
from app.models import Entry


def balance_read(entry: Entry) -> BalanceRead:
    """A change of a balance, and what was there right after it."""
    return BalanceRead(
        amount=entry.amount,
        total=entry.total,
        balance=entry.balance,
        operation_type="MANUAL" if entry.cause_type == "adjustment" else "AUTOMATIC",
        related_object=RelatedVoucher(id=entry.owner_id),
    )


def transaction_read(entry: Entry, purchase: Purchase | None = None) -> dict[str, Any]:
    """The entry as a TransactionRead in JSON values; `purchase` is that of the redemption which caused it."""
    is_adjustment = entry.cause_type == "adjustment"
    details = TransactionDetails(balance=balance_read(entry))
    if not is_adjustment:
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
        source="API" if is_adjustment else None,
        reason=entry.reason,
        type=_type_of(entry),
        details=details,
        created_at=entry.recorded_at,
    ).model_dump(mode="json")
    return shown


def _type_of(entry: Entry) -> TransactionType:
    if entry.cause_type == "adjustment":
        return "CREDITS_ADDITION" if entry.amount > 0 else "CREDITS_REMOVAL"
    return "CREDITS_REDEMPTION" if entry.cause_type == "redemption" else "CREDITS_REFUND"
