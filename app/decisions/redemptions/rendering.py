"""Redemptions and rollbacks on the wire."""

from collections.abc import Mapping
from typing import Any

from app.decisions.redemptions.rows import Attempt, Rows
from app.decisions.rendering import (
    Wire,
    best_deal_read,
    inapplicable_and_skipped,
    outcome_read,
    trace_read,
)
from app.engine.postings import AccountKey
from app.incentives.promotions.rendering import Summary, tier_read
from app.incentives.validation_rules.schemas import AssignmentRead
from app.incentives.vouchers.rendering import voucher_read
from app.incentives.vouchers.standing import Standing
from app.kit.records import row_of
from app.kit.wire import format_instant
from app.models import Voucher

Row = Mapping[str, Any]


def redemption_read(
    row: Row,
    *,
    customer: Wire | None,
    voucher: Wire | None = None,
    tier: Wire | None = None,
    related: Wire | None = None,
    reward_voucher: Wire | None = None,
) -> Wire:
    """A row of `redemptions` (by column name), be it a redemption or a rollback.

    `related` is the contract's `related_redemptions`: the rollbacks of a redemption, the parts of a stack.
    `reward_voucher` is what was given for points.
    """
    is_rollback = row["object"] == "redemption_rollback"
    shown: Wire = {
        "id": row["id"],
        "object": row["object"],
        "date": format_instant(row["created_at"]),
        "customer_id": row["customer_id"],
        "tracking_id": row["tracking_id"],
        "metadata": row.get("metadata") or {},
        "redemption": row["redemption_id"] if is_rollback else row["parent_id"],
        "result": row["result"],
        "status": row["status"],
        "order": kept_order_read(row.get("order_snapshot")),
        "channel": {"channel_id": row["api_key_id"], "channel_type": row["channel_type"]},
        "customer": customer,
        "related_object_type": row["related_object_type"],
        "related_object_id": row["related_object_id"],
    }
    for name in ("amount", "reason", "failure_code", "failure_message"):
        if row.get(name) is not None:
            shown[name] = row[name]
    if row.get("session_key") is not None:
        shown["session"] = {"key": row["session_key"]}
    if voucher is not None:
        shown["voucher"] = voucher
        if row.get("amount") is not None:
            shown |= (
                {"loyalty_card": {"points": row["amount"]}} if row["reward"] else {"gift": {"amount": row["amount"]}}
            )
    if row.get("reward") is not None:
        shown["reward"] = reward_result_read(row["reward"], customer, reward_voucher)
    if tier is not None:
        shown["promotion_tier"] = tier
    if related:
        shown["related_redemptions"] = related
    return shown


def reward_result_read(reward: Row, customer: Wire | None, voucher: Wire | None) -> Wire:
    """The contract's RedemptionRewardResult: the reward as it was, and what was given for it."""
    kept = {name: value for name, value in reward.items() if name != "given"}
    nothing: Wire = {"product": None, "sku": None, "loyalty_tier_id": None}
    return nothing | kept | {"customer": customer, "voucher": voucher}


def kept_order_read(order: Wire | None) -> Wire | None:
    """An order as a redemption keeps it, as it is shown there: what has no value is left out."""
    return None if order is None else {name: value for name, value in order.items() if value is not None}


def redemption_answer(
    attempt: Attempt,
    rows: Rows,
    standing: Mapping[str, Standing],
    counts: Mapping[AccountKey, int],
    *,
    explain: bool,
) -> Wire:
    """The answer to a request to redeem. `standing` tells of each voucher where it stands now, `counts` what the
    accounts posted to have counted by now, this time included."""
    snapshot, decision, request = attempt.snapshot, attempt.decision, attempt.request
    customer = simple_customer(snapshot.customer) if snapshot.customer else None
    answer: Wire = {
        "redemptions": [
            redemption_read(row, customer=customer, tier=_redeemed_tier(attempt, row, counts))
            if row["related_object_type"] == "promotion_tier"
            else redemption_read(row, customer=customer, voucher=_redeemed_voucher(attempt, row, standing, customer))
            for row in rows.children
        ]
    }
    if rows.parent is not None:
        parts = [{"id": row["id"], "date": format_instant(row["created_at"])} for row in rows.children]
        answer["parent_redemption"] = redemption_read(rows.parent, customer=customer, related={"redemptions": parts})
    if rows.order is not None:
        # The head, parent or only child, keeps the order as the whole request leaves it.
        kept = kept_order_read(rows.redemptions[0]["order_snapshot"])
        answer["order"] = {**(kept or {}), **order_identity(rows.order)}
    left_out: dict[str, list[Wire]] = {}
    for outcome in decision.outcomes:
        if outcome.status != "APPLICABLE":
            shown = outcome_read(outcome, snapshot, request, request_id=attempt.caller.request_id)
            left_out.setdefault(outcome.status, []).append(shown)
    answer |= inapplicable_and_skipped(left_out) | best_deal_read(decision)
    if explain:
        answer["trace"] = trace_read(decision)
    return answer


def order_identity(order: Row) -> Wire:
    """What a kept order's row says beside figures and lines."""
    shown: Wire = {
        "id": order["id"],
        "status": order["status"],
        "created_at": format_instant(order["created_at"]),
        "redemptions": order["redemptions"],
    }
    if order["source_id"] is not None:
        shown["source_id"] = order["source_id"]
    if order["updated_at"] is not None:
        shown["updated_at"] = format_instant(order["updated_at"])
    if order["customer_id"] is not None:
        shown["customer_id"] = order["customer_id"]
        shown["customer"] = {"id": order["customer_id"], "object": "customer"}
    return shown


def simple_customer(record: Row) -> Wire:
    """A customer as a redemption shows them, from a row that a bare connection read."""
    shown = {name: record[name] for name in ("id", "source_id", "name", "email") if record[name] is not None}
    return {**shown, "metadata": record["metadata"], "object": "customer"}


def _redeemed_tier(attempt: Attempt, row: Row, counts: Mapping[AccountKey, int]) -> Wire:
    """The tier with what was redeemed of it now; of what this redemption did not add to, as much as before it."""
    tier = attempt.snapshot.tiers[row["related_object_id"]]
    summary = Summary.of(tier.row.id, {**attempt.snapshot.counts, **counts})
    assignments = [AssignmentRead.model_validate(dict(assignment)) for assignment in tier.assignments]
    return tier_read(tier.row, tier.campaign.row, summary, assignments, tier.category)


def _redeemed_voucher(attempt: Attempt, row: Row, standing: Mapping[str, Standing], customer: Wire | None) -> Wire:
    voucher_id = row["related_object_id"]
    voucher = row_of(Voucher, attempt.snapshot.vouchers[voucher_id])
    campaign = attempt.snapshot.campaigns.get(voucher.campaign_id or "")
    shown = voucher_read(
        voucher, campaign.row if campaign else None, standing[voucher_id], categories=attempt.snapshot.categories
    )
    if customer is not None and customer["id"] == voucher.holder_id:
        shown["holder"] = customer
    return shown
