"""Decisions on the wire: plain dictionaries in the shapes of the contract."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from app.access.callers import Caller
from app.commerce.customers.tracking import customer_tracking_id
from app.decisions.schemas import CheckoutIn
from app.decisions.snapshot import Snapshot
from app.engine.applicability import Applicability, applicable_to, inapplicable_to
from app.engine.application import NOTHING, Application
from app.engine.bundles import Bundle
from app.engine.cart import Cart
from app.engine.decision import Decision, Failure, Outcome
from app.engine.effects import Effect, GiftCredits, PayWithPoints
from app.engine.findings import Finding
from app.engine.order_calculation import order_calculated
from app.engine.redeemables import Redeemable, Unresolved
from app.engine.stacking import SKIP_MESSAGES
from app.engine.stored import Stored
from app.incentives.categories.rendering import stacked_categories

Wire = dict[str, Any]


def wire_list(data: list[Any]) -> Wire:
    """The envelope of a list inside an answer."""
    return {"object": "list", "data_ref": "data", "data": data, "total": len(data)}


def tracking_id_of(caller: Caller, request: CheckoutIn, snapshot: Snapshot) -> str | None:
    """What the caller tracks the customer by: given, or a digest of the customer's source id."""
    source_id = snapshot.cart.customer.source_id if snapshot.cart.customer else None
    if request.tracking_id is not None or source_id is None:
        return request.tracking_id
    return customer_tracking_id(caller.project, source_id)


def outcome_read(outcome: Outcome, snapshot: Snapshot, request: CheckoutIn, *, request_id: str) -> Wire:
    """One redeemable of a validation: what it does, or why it does not."""
    redeemable = outcome.redeemable
    # The contract knows vouchers and promotion tiers here. A stack that does not exist has no tiers to show instead, so
    # its item says what it would have been made of; the error's `resource_type` says what was asked for.
    kind = "promotion_tier" if redeemable.kind == "promotion_stack" else redeemable.kind
    shown: Wire = {"status": outcome.status, "id": redeemable.id, "object": kind}
    if outcome.status == "APPLICABLE" and isinstance(redeemable, Redeemable):
        shown["order"] = snapshot_order(outcome, snapshot, with_items="order" in request.options.expand)
        shown |= targets_read(redeemable.applicability, outcome.cart_before or outcome.cart, outcome.application)
        if any(redeemable is automatic for automatic in snapshot.automatic):
            shown["automatic"] = True
        shown["result"] = result_read(redeemable.effect, outcome.application) | bundle_result(outcome.bundle)
    elif outcome.failure is not None:
        shown["result"] = failure_result(outcome.failure, request_id=request_id) | bundle_result(outcome.bundle)
    elif outcome.skip_reason is not None:
        # Official clients know the contract's reasons only; the message tells ours.
        key = "exclusion_rules_not_met" if outcome.skip_reason == "saves_less" else outcome.skip_reason
        shown["result"] = {"details": {"key": key, "message": SKIP_MESSAGES[outcome.skip_reason]}}
    if "redeemable" in request.options.expand and isinstance(redeemable, Redeemable):
        shown["metadata"] = dict(redeemable.metadata)
        if redeemable.campaign_id is not None:
            shown |= {"campaign_id": redeemable.campaign_id, "campaign_name": redeemable.campaign_name}
        if redeemable.object_id in snapshot.tiers:
            shown["name"] = snapshot.tiers[redeemable.object_id].row.name
    if "category" in request.options.expand:
        shown["categories"] = categories_read(redeemable, snapshot)
    return shown


def categories_read(redeemable: Redeemable | Unresolved, snapshot: Snapshot) -> list[Wire]:
    """The category of a redeemable, in the contract's list, with how stacking rules see it."""
    category_id = redeemable.category_id if isinstance(redeemable, Redeemable) else None
    return stacked_categories(snapshot.categories.get(category_id or ""), snapshot.stacking)


def targets_read(applicability: Applicability | None, cart: Cart, application: Application = NOTHING) -> Wire:
    """What the discount reaches of `cart`, the order before it, and what is excluded."""
    return {
        "applicable_to": wire_list(applicable_to(applicability, cart, application.picks)),
        "inapplicable_to": wire_list(inapplicable_to(applicability, cart)),
    }


def result_read(effect: Effect, application: Application) -> Wire:
    """What a redeemable gives: a discount, or credits of a gift card or points of a loyalty card with what it holds
    before they are used, and how much of that sessions of others have reserved."""
    if isinstance(effect, GiftCredits):
        gift = {"balance": effect.balance, "credits": application.credits}
        return {"gift": gift | ({"locked_credits": effect.locked_credits} if effect.locked_credits else {})}
    if isinstance(effect, PayWithPoints):
        card = {"points": application.points, "balance": effect.balance}
        return {"loyalty_card": card | ({"locked_points": effect.locked_points} if effect.locked_points else {})}
    return {"discount": discount_read(application.computed or effect)}


def discount_read(discount: Stored) -> Wire:
    return discount.model_dump(mode="json", exclude_none=True)


def bundle_result(bundle: Bundle | None) -> Wire:
    """The member of a `result` that tells what the order has of a bundle, where rules ask for one."""
    if bundle is None:
        return {}
    shown: Wire = {
        "quantity": bundle.quantity,
        "limit": bundle.limit,
        "identified": [
            {"id": each.id, "object": each.kind, "item_index": each.index, "item_quantity": each.quantity}
            for each in bundle.identified
        ],
    }
    if bundle.missing:
        shown["missing"] = [
            {"id": each.id, "object": each.kind, "item_quantity": each.quantity} for each in bundle.missing
        ]
    return {"bundle": shown}


def failure_result(failure: Failure, *, request_id: str) -> Wire:
    """The `result` of a redeemable that does not apply: the error it would be, and the message for people."""
    message = failure.custom_message or failure.message
    return {"error": failure_read(failure, request_id=request_id), "details": {"key": failure.key, "message": message}}


def failure_read(failure: Failure, *, request_id: str) -> Wire:
    shown: Wire = {
        "code": failure.status,
        "key": failure.key,
        "message": failure.message,
        "details": failure.details,
        "request_id": request_id,
    }
    if failure.resource_id is not None:
        shown["resource_id"] = failure.resource_id
        shown["resource_type"] = failure.resource_type
    if failure.custom_message is not None:
        shown["error"] = {"message": failure.custom_message}
    return shown


def snapshot_order(outcome: Outcome, snapshot: Snapshot, *, with_items: bool) -> Wire:
    """The running order right after one redeemable."""
    return identity_of(snapshot) | order_calculated(outcome.cart, outcome.application, with_items=with_items)


def request_order(decision: Decision, snapshot: Snapshot) -> Wire:
    """The order after the whole request; `applied_` fields sum up what the request took off."""
    return identity_of(snapshot) | order_calculated(decision.cart, decision.application)


def identity_of(snapshot: Snapshot) -> Wire:
    """Which stored order and customer the calculated order belongs to."""
    shown: Wire = {}
    if snapshot.kept_order is not None:
        shown["id"] = snapshot.kept_order["id"]
        if snapshot.kept_order["source_id"] is not None:
            shown["source_id"] = snapshot.kept_order["source_id"]
        shown["status"] = snapshot.kept_order["status"]
    if snapshot.customer is not None:
        shown["customer_id"] = snapshot.customer["id"]
        shown["customer"] = {"id": snapshot.customer["id"], "object": "customer"}
    return shown


def best_deal_read(decision: Decision) -> Wire:
    """How the best deal was found, where one was asked for."""
    return {"best_deal": asdict(decision.best_deal)} if decision.best_deal is not None else {}


def trace_read(decision: Decision) -> list[Wire]:
    """Every finding, for the trusted caller who asked why (`X-Guerdon-Explain: true`)."""
    return [
        {
            "id": outcome.redeemable.id,
            "object": outcome.redeemable.kind,
            "status": outcome.status,
            "findings": [finding_read(finding) for finding in outcome.findings],
            "postings": [
                {**posting.account._asdict(), "amount": posting.amount, "floor": posting.floor}
                for posting in outcome.postings
            ],
        }
        for outcome in decision.outcomes
    ]


def finding_read(finding: Finding) -> Wire:
    return {
        "path": finding.path,
        "fact": finding.fact,
        "operator": finding.operator,
        "expected": finding.expected,
        "seen": finding.seen,
        "holds": finding.holds,
        "counterfactual": finding.counterfactual,
    }


def inapplicable_and_skipped(outcomes: Mapping[str, list[Wire]]) -> Wire:
    """The two lists that are only there when they have something in them."""
    shown: Wire = {}
    if outcomes.get("INAPPLICABLE"):
        shown["inapplicable_redeemables"] = outcomes["INAPPLICABLE"]
    if outcomes.get("SKIPPED"):
        shown["skipped_redeemables"] = outcomes["SKIPPED"]
    return shown
