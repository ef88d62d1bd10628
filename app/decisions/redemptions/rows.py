"""What a redemption writes: rows by column name, built before anything is sent to the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.access.callers import Caller
from app.commerce.orders.events import event_types_of
from app.decisions.rendering import request_order, snapshot_order, tracking_id_of
from app.decisions.schemas import CheckoutIn
from app.decisions.snapshot import Snapshot, opening_of
from app.engine.decision import Decision, Failure, Outcome
from app.engine.order_calculation import order_items_calculated
from app.engine.postings import VALUE_MEASURES
from app.engine.redeemables import Redeemable, Unresolved
from app.engine.stored_allocation import written
from app.engine.unit_allocation import Allocation, spread_of
from app.incentives.balances.events import transaction_event
from app.incentives.referrals.events import CODE_REDEEMED
from app.incentives.rewards.rendering import reward_members
from app.kit.ids import new_id
from app.kit.records import row_of
from app.kit.wire import format_instant
from app.ledger.movements import Cause, Movement
from app.models import Reward

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to redeem, as it was read and decided, about to be written down.

    `earlier` are the allocations of redemptions that the order carries already.
    """

    caller: Caller
    request: CheckoutIn
    now: datetime
    snapshot: Snapshot
    decision: Decision
    earlier: Sequence[Allocation] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """The redemptions of a request, the parent of a stack apart, what cards pay, and the order it is all for."""

    parent: Row | None
    children: list[Row]
    movements: list[Movement]
    order: Row | None

    @property
    def redemptions(self) -> list[Row]:
        return [self.parent, *self.children] if self.parent else self.children


def rows_of(attempt: Attempt) -> Rows:
    """What a valid decision writes: one redemption for each redeemable that applies, and a parent for more than one."""
    order_id = _order_id(attempt)
    applied = [outcome for outcome in attempt.decision.outcomes if outcome.status == "APPLICABLE"]
    parent = _parent_row(attempt, order_id) if len(applied) > 1 else None
    children = [_redemption_row(attempt, outcome, order_id, parent) for outcome in applied]
    order = _order_row(attempt, order_id, parent, children) if order_id else None
    if order_id and attempt.snapshot.cart.amount is not None:
        _allocate(attempt, applied, children, parent or children[0])
    return Rows(parent, children, _movements(attempt, children), order)


def failure_row(attempt: Attempt, failure: Failure, redeemable: Redeemable | Unresolved) -> Row:
    """The record of an attempt that was refused."""
    return _base_row(attempt, None) | {
        "result": "FAILURE",
        "status": "FAILED",
        "failure_code": failure.key,
        "failure_message": failure.custom_message or failure.message,
        "related_object_type": redeemable.kind,
        "related_object_id": redeemable.object_id if isinstance(redeemable, Redeemable) else redeemable.id,
        "voucher_code": _voucher_code(attempt, redeemable),
        "campaign_id": redeemable.campaign_id if isinstance(redeemable, Redeemable) else None,
    }


def announcements(attempt: Attempt, rows: Rows) -> list[Row]:
    """What a redemption that succeeds tells the world: itself, and what became of its order.

    Orders are not copied into their events: as it was at this moment, the order is kept with the redemption.
    """
    events = [event_of("redemption.succeeded", row, attempt.snapshot.stack_id) for row in rows.redemptions]
    vouchers = attempt.snapshot.vouchers
    events += [
        transaction_event(movement, customer_id=vouchers[movement.posting.account.owner_id]["holder_id"])
        for movement in rows.movements
    ]
    events += [event_of(CODE_REDEEMED, row) for row in rows.children if _is_referral(attempt.snapshot, row)]
    if rows.order is not None:
        order, kept = rows.order, attempt.snapshot.kept_order
        events += [
            {**event_of(event_type, rows.redemptions[0]), "entity_id": order["id"]}
            for event_type in event_types_of(order["status"], kept["status"] if kept else None)
        ]
    return events


def _is_referral(snapshot: Snapshot, row: Row) -> bool:
    """Whether a referral code was redeemed."""
    campaign = snapshot.campaigns.get(row["campaign_id"])
    return campaign is not None and campaign.row.campaign_type == "REFERRAL_PROGRAM"


def event_of(event_type: str, row: Row, stack_id: str | None = None) -> Row:
    """An announcement of or around a redemption: ids to look up when it is delivered."""
    data = {
        "redemption_id": row["id"],
        "related_object_id": row["related_object_id"],
        "customer_id": row["customer_id"],
        "order_id": row["order_id"],
    } | ({"promotion_stack_id": stack_id} if stack_id else {})
    return {"type": event_type, "entity_id": row["id"], "data": data, "created_at": row["created_at"]}


def _movements(attempt: Attempt, children: list[Row]) -> list[Movement]:
    """What the redeemed gift and loyalty cards pay, each with its redemption as the cause."""
    redemptions = {row["related_object_id"]: row for row in children}
    return [
        Movement(
            posting,
            "redeemed",
            Cause("redemption", redemptions[posting.account.owner_id]["id"]),
            effective_at=attempt.now,
            opening=opening_of(attempt.snapshot, posting.account.owner_id),
            actor=attempt.caller.actor,
            campaign_id=redemptions[posting.account.owner_id]["campaign_id"],
            details=redeemed_details(redemptions[posting.account.owner_id]),
        )
        for posting in attempt.decision.postings
        if posting.account.measure in VALUE_MEASURES
    ]


def redeemed_details(row: Row) -> Row | None:
    """The ids that an entry of this redemption carries; None for gift cards, whose entries have none."""
    if row["reward"] is None:
        return None
    reward = {"id": row["reward"]["id"], "assignment_id": row["reward"]["assignment_id"]}
    order = {"order": {"id": row["order_id"]}} if row["order_id"] else {}
    return {"redemption": {"id": row["id"]}, "reward": reward, **order}


def _base_row(attempt: Attempt, order_id: str | None) -> Row:
    """What every redemption of the request has in common."""
    snapshot, request = attempt.snapshot, attempt.request
    return {
        "project_id": attempt.caller.project_id,
        "id": new_id("r"),
        "object": "redemption",
        "parent_id": None,
        "redemption_id": None,
        "result": "SUCCESS",
        "status": "SUCCEEDED",
        "customer_id": snapshot.customer["id"] if snapshot.customer else None,
        "tracking_id": tracking_id_of(attempt.caller, request, snapshot),
        "order_id": order_id,
        "metadata": request.metadata,
        "session_key": request.session_key,
        "api_key_id": attempt.caller.api_key_id,
        "user_login": attempt.caller.user_login,
        "channel_type": "API",
        "created_at": attempt.now,
    }


def _redemption_row(attempt: Attempt, outcome: Outcome, order_id: str | None, parent: Row | None) -> Row:
    redeemable = outcome.redeemable
    assert isinstance(redeemable, Redeemable)  # only what exists applies
    return _base_row(attempt, order_id) | {
        "parent_id": parent["id"] if parent else None,
        "related_object_type": redeemable.kind,
        "related_object_id": redeemable.object_id,
        "voucher_code": _voucher_code(attempt, redeemable),
        "campaign_id": redeemable.campaign_id,
        "order_snapshot": _kept_as(attempt, order_id, snapshot_order(outcome, attempt.snapshot, with_items=True))
        if order_id
        else None,
        "ordered_amount": (outcome.cart_before or outcome.cart).amount,
        "discounted_amount": outcome.application.total_discount_amount,
        "currency": attempt.snapshot.cart.foreign_currency,
        "units": _units(outcome),
        "subjects": _subjects(outcome),
        "amount": (outcome.application.points or outcome.application.credits) if redeemable.is_tender else None,
        "reward": _reward(attempt, redeemable.object_id),
    }


def _reward(attempt: Attempt, voucher_id: str) -> Row | None:
    """The reward that a loyalty card pays with, as it is now; None for what is no loyalty card."""
    coin = attempt.snapshot.coins.get(voucher_id)
    if coin is None:
        return None
    return {**reward_members(row_of(Reward, coin["reward"])), "assignment_id": coin["assignment_id"]}


def _allocate(attempt: Attempt, applied: Sequence[Outcome], children: Sequence[Row], head: Row) -> None:
    """Note what each redeemable takes off every unit, and what the units cost in the end."""
    spread = spread_of(attempt.snapshot.cart, [outcome.application for outcome in applied], attempt.earlier)
    for child, allocation in zip(children, spread.allocations, strict=True):
        child["allocation"] = written(allocation)
    head["unit_amounts"] = written(spread.left)


def _voucher_code(attempt: Attempt, redeemable: Redeemable | Unresolved) -> str | None:
    """The code as it is stored, or as it was asked for when there is no such code; promotions have none."""
    if redeemable.kind != "voucher":
        return None
    if isinstance(redeemable, Unresolved):
        return redeemable.id
    code: str = attempt.snapshot.vouchers[redeemable.object_id]["code"]
    return code


def _units(outcome: Outcome) -> Row | None:
    """How many units of what were discounted, by owner and subject of the accounts that count them."""
    units: Row = {}
    for posting in outcome.postings:
        if posting.account.measure == "units":
            units.setdefault(posting.account.owner_id, {})[posting.account.subject] = -posting.amount
    return units or None


def _subjects(outcome: Outcome) -> Row | None:
    """Whom limits per customer counted it for, by kind; None where that is the customer of the redemption alone."""
    identities = outcome.cart.identities
    return None if identities is None else dict(subject.split(":", 1) for subject in identities.subjects)


def _kept_as(attempt: Attempt, order_id: str, calculated: Row) -> Row:
    """A calculated order as it is kept and answered, under the id it is kept by."""
    order = attempt.request.order
    return {"source_id": order.source_id if order else None, **calculated, "id": order_id, "status": _status(attempt)}


def _status(attempt: Attempt) -> str:
    """Redeeming is paying, unless the request says otherwise."""
    return (attempt.request.order.status if attempt.request.order else None) or "PAID"


def _parent_row(attempt: Attempt, order_id: str | None) -> Row:
    """The redemption that stands for a whole stack."""
    row = _base_row(attempt, order_id)
    return row | {
        "related_object_type": "redemption",
        "related_object_id": row["id"],
        "order_snapshot": _kept_as(attempt, order_id, request_order(attempt.decision, attempt.snapshot))
        if order_id
        else None,
    }


def _order_id(attempt: Attempt) -> str | None:
    """The order the redemption is made on; without one in the request nothing is kept."""
    if attempt.request.order is None:
        return None
    kept = attempt.snapshot.kept_order
    return kept["id"] if kept else new_id("ord")


def _order_row(attempt: Attempt, order_id: str, parent: Row | None, children: list[Row]) -> Row:
    kept, cart, request = attempt.snapshot.kept_order, attempt.decision.cart, attempt.request.order
    assert request is not None  # an order id was made for it
    return {
        "project_id": attempt.caller.project_id,
        "id": order_id,
        "source_id": kept["source_id"] if kept else request.source_id,
        "status": _status(attempt),
        "customer_id": attempt.snapshot.customer["id"] if attempt.snapshot.customer else None,
        "referrer_id": kept["referrer_id"] if kept else None,
        "amount": cart.amount,
        "initial_amount": cart.initial_amount if cart.initial_amount is not None else cart.amount,
        "discount_amount": cart.discount_amount,
        "items_discount_amount": cart.items_discount_amount,
        "currency": kept["currency"] if kept else cart.currency,
        "items": _kept_lines(attempt, parent or children[0]),
        "metadata": dict(cart.metadata),
        "redemptions": _redemptions_map(attempt, parent, children),
        "created_at": kept["created_at"] if kept else attempt.now,
        "updated_at": attempt.now if kept else None,
    }


def _kept_lines(attempt: Attempt, head: Row) -> list[dict[str, Any]]:
    """The lines of the order, without what the head's snapshot of it says of discounts that were just applied."""
    application = attempt.decision.application
    if application.item_discount_amounts or application.item_discount_quantities:
        return order_items_calculated(attempt.decision.cart.items)
    lines: list[dict[str, Any]] = head["order_snapshot"].get("items", [])
    return lines


def _redemptions_map(attempt: Attempt, parent: Row | None, children: list[Row]) -> Mapping[str, Any]:
    """The contract's `order.redemptions`: what was redeemed on this order before, and now."""
    kept = attempt.snapshot.kept_order
    row = parent or children[0]
    entry: Row = {
        "date": format_instant(row["created_at"]),
        "related_object_type": row["related_object_type"],
        "related_object_id": row["related_object_id"],
    }
    if parent is not None:
        entry["stacked"] = [child["id"] for child in children]
    elif row["campaign_id"] is not None:
        entry["related_object_parent_id"] = row["campaign_id"]
    return {**(kept["redemptions"] if kept else {}), row["id"]: entry}


def redemption_ids(redemptions: Mapping[str, Any]) -> list[str]:
    """The redemptions that an order's map names, each parent before its parts, in the order in which they were made."""
    heads = sorted(redemptions)
    return [id_ for head in heads for id_ in (head, *redemptions[head].get("stacked", ()))]
