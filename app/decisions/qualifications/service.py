"""What a customer could use on an order, before anyone types a code."""

from datetime import datetime
from typing import Any

from app.access.callers import Caller
from app.decisions.qualifications.schemas import QualificationIn
from app.decisions.rendering import (
    Wire,
    bundle_result,
    categories_read,
    request_order,
    result_read,
    snapshot_order,
    targets_read,
    tracking_id_of,
    wire_list,
)
from app.decisions.schemas import CheckoutIn, RedeemableIn
from app.decisions.snapshot import Snapshot, read
from app.engine.decision import Decision, Outcome
from app.engine.evaluate import qualify
from app.engine.postings import Counted
from app.engine.redeemables import Redeemable
from app.incentives.configuration import ConfigurationCache
from app.kit.db import Database
from app.kit.wire import format_instant

MOST_CANDIDATES = 200

# Contract, surface.md section 10: a qualification does not look at these.
IGNORED_LIMITS = frozenset(
    {
        Counted("discounted", "campaign"),
        Counted("ordered", "campaign"),
        Counted("uses", "campaign"),
        Counted("uses", "campaign", "customer"),
        Counted("uses", "redeemable", "customer"),
    }
)

# The customer's own vouchers, and those that are nobody's: codes outside campaigns and the codes of STANDALONE
# campaigns. Each branch walks an index, newest first, and stops at the bound.
CANDIDATES = """
WITH customer AS (
    SELECT id FROM customers WHERE project_id = $1 AND (id = $2 OR source_id = $3)
), candidate AS (
    (SELECT id, created_at FROM vouchers
     WHERE project_id = $1 AND holder_id = (SELECT id FROM customer) AND active AND deleted_at IS NULL
        AND ($4::timestamptz IS NULL OR created_at < $4)
     ORDER BY created_at DESC LIMIT $5)
    UNION
    (SELECT id, created_at FROM vouchers
     WHERE $6 AND project_id = $1 AND campaign_id IS NULL AND holder_id IS NULL AND active AND deleted_at IS NULL
        AND ($4::timestamptz IS NULL OR created_at < $4)
     ORDER BY id DESC LIMIT $5)
    UNION
    (SELECT voucher.id, voucher.created_at FROM campaigns AS campaign
     JOIN vouchers AS voucher ON voucher.project_id = campaign.project_id AND voucher.campaign_id = campaign.id
     WHERE $6 AND campaign.project_id = $1 AND campaign.type = 'STANDALONE' AND campaign.active
        AND campaign.deleted_at IS NULL AND voucher.active AND voucher.deleted_at IS NULL
        AND ($4::timestamptz IS NULL OR voucher.created_at < $4)
     ORDER BY voucher.id DESC LIMIT $5)
)
SELECT id FROM candidate ORDER BY created_at DESC, id DESC LIMIT $5
"""


async def find_qualified(
    db: Database, cache: ConfigurationCache, caller: Caller, request: QualificationIn, now: datetime
) -> dict[str, Any]:
    """The wire answer: redeemables that would apply if each were the only one, at most `options.limit`.

    Looks at the 200 newest candidates older than `starting_after`.
    Raises NotFound for an unknown customer or order id, Outdated.
    """
    options = request.options
    candidate_ids = await _candidates(db, caller, request)
    checkout = CheckoutIn.model_construct(
        redeemables=[RedeemableIn.model_construct(object="voucher", id=voucher_id) for voucher_id in candidate_ids],
        order=request.order,
        customer=request.customer,
        tracking_id=request.tracking_id,
        metadata=request.metadata,
    )
    snapshot = await read(db, cache, caller, checkout, now)
    outcomes = qualify(
        snapshot.cart,
        [redeemable for redeemable in snapshot.redeemables if isinstance(redeemable, Redeemable)],
        snapshot.stacking,
        rounding=caller.project.settings.rounding,
        ignoring=IGNORED_LIMITS,
    )
    qualified = _sorted([outcome for outcome in outcomes if outcome.status == "APPLICABLE"], options.sorting_rule)
    shown = qualified[: options.limit]
    has_more = len(qualified) > len(shown) or len(candidate_ids) == MOST_CANDIDATES
    answer: Wire = {
        "redeemables": {
            **wire_list([_qualified_read(outcome, snapshot, request) for outcome in shown]),
            "has_more": has_more,
        },
        "stacking_rules": snapshot.stacking.wire,
    }
    if has_more and options.sorting_rule == "DEFAULT":
        last_id = shown[-1].redeemable.id if len(qualified) > len(shown) else candidate_ids[-1]
        answer["redeemables"]["more_starting_after"] = format_instant(snapshot.vouchers[last_id]["created_at"])
    if request.order is not None:
        answer["order"] = request_order(Decision((), snapshot.cart, is_valid=True), snapshot)
    tracking_id = tracking_id_of(caller, checkout, snapshot)
    if tracking_id is not None:
        answer["tracking_id"] = tracking_id
    return answer


async def _candidates(db: Database, caller: Caller, request: QualificationIn) -> list[str]:
    customer = request.customer
    async with db.connection() as connection:
        rows = await connection.fetch(
            CANDIDATES,
            caller.project_id,
            customer.id if customer else None,
            customer.source_id if customer and not customer.id else None,
            request.options.starting_after,
            MOST_CANDIDATES,
            request.scenario == "ALL",
        )
    return [row["id"] for row in rows]


def _sorted(outcomes: list[Outcome], sorting_rule: str) -> list[Outcome]:
    if sorting_rule == "DEFAULT":
        return outcomes
    best_first = sorting_rule == "BEST_DEAL"
    return sorted(outcomes, key=lambda outcome: outcome.application.total_discount_amount, reverse=best_first)


def _qualified_read(outcome: Outcome, snapshot: Snapshot, request: QualificationIn) -> Wire:
    redeemable = outcome.redeemable
    assert isinstance(redeemable, Redeemable)  # only what exists was asked about
    voucher = snapshot.vouchers[redeemable.object_id]
    shown: Wire = {
        "id": voucher["code"],
        "object": redeemable.kind,
        "created_at": format_instant(voucher["created_at"]),
        "result": result_read(redeemable.effect, outcome.application) | bundle_result(outcome.bundle),
        **targets_read(redeemable.applicability, outcome.cart_before or outcome.cart),
    }
    if request.order is not None:
        shown["order"] = snapshot_order(outcome, snapshot, with_items=True)
    if redeemable.campaign_id is not None:
        shown |= {"campaign_id": redeemable.campaign_id, "campaign_name": redeemable.campaign_name}
    if "redeemable" in request.options.expand:
        shown["metadata"] = dict(redeemable.metadata)
    if "category" in request.options.expand:
        shown["categories"] = categories_read(redeemable, snapshot)
    if "validation_rules" in request.options.expand:
        shown["validation_rules_assignments"] = wire_list(
            [
                {
                    "id": assignment["id"],
                    "rule_id": assignment["rule_id"],
                    "related_object_id": assignment["related_object_id"],
                    "related_object_type": assignment["related_object_type"],
                    "created_at": format_instant(assignment["created_at"]),
                    "object": "validation_rules_assignment",
                }
                for assignment in snapshot.assignments
                if assignment["related_object_id"] == redeemable.object_id
            ]
        )
    return shown
