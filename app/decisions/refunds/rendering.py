"""Refunds as answers."""

from collections.abc import Mapping

from app.decisions.refunds.books import Books
from app.decisions.refunds.schemas import Policy
from app.decisions.refunds.totals import given_back
from app.decisions.rendering import Wire
from app.engine.returns import Return, ReturnedLine, ReturnedShare
from app.kit.wire import format_instant
from app.models import Redemption, Refund


def figures_of(books: Books, policy: Policy, returned: Return) -> Wire:
    """What preview and refund say alike; also the columns of a refund with these names."""
    redeemed = {row.id: row for row in books.redeemed}
    currency = books.bought.get("currency")
    return ({"currency": currency} if currency is not None else {}) | {
        "redemption_id": books.head.id,
        "order_id": books.order.id,
        "policy": policy,
        "amount": returned.amount,
        "credits": returned.credits,
        "adjustment_amount": returned.adjustment_amount,
        "lines": [_line(books, line) for line in returned.lines],
        "redeemables": [
            _redeemable(redeemed[share.redemption_id], share, books.returned.credits) for share in returned.shares
        ],
    }


def remaining_of(returned: Return) -> Wire:
    return {
        "quantity": returned.remaining_quantity,
        "amount": returned.remaining_amount,
        "credits": returned.remaining_credits,
    }


def refund_read(row: Refund) -> Wire:
    shown: Wire = {
        "id": row.id,
        "object": "refund",
        "redemption_id": row.redemption_id,
        "order_id": row.order_id,
        "policy": row.policy,
        "amount": row.amount,
        "credits": row.credits,
        "adjustment_amount": row.adjustment_amount,
        "lines": row.lines,
        "redeemables": row.redeemables,
        "metadata": row.refund_metadata,
        "created_at": format_instant(row.created_at),
    }
    for name in ("currency", "reason"):
        if getattr(row, name) is not None:
            shown[name] = getattr(row, name)
    return shown


def _line(books: Books, line: ReturnedLine) -> Wire:
    items = books.bought.get("items", [])
    item = items[line.index] if line.index < len(items) else {}
    return {
        "index": line.index,
        **{name: item[name] for name in ("product_id", "sku_id", "source_id") if item.get(name) is not None},
        "quantity": line.quantity,
        "units": [{"first": first, "last": last} for first, last in line.spans],
        "amount": line.amount,
        "credits": line.credits,
        "discount_amount": line.discount_amount,
        "remaining_quantity": line.remaining_quantity,
    }


def _redeemable(row: Redemption, share: ReturnedShare, before: Mapping[str, int]) -> Wire:
    """`before` are the credits given back earlier, by redemption."""
    shown = {
        "redemption_id": row.id,
        "object": row.related_object_type,
        "id": row.related_object_id,
        "credits": share.credits,
        "discount_amount": share.discount_amount,
        "remaining_credits": share.remaining_credits,
    }
    if row.reward is not None:
        after = {row.id: before.get(row.id, 0) + share.credits}
        shown["points"] = given_back(row, after) - given_back(row, before)
    return shown | ({"voucher_code": row.voucher_code} if row.voucher_code is not None else {})
