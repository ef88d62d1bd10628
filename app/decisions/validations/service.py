"""What a cart would cost: evaluate, and write nothing."""

from datetime import datetime
from typing import Any

from app.access.callers import Caller
from app.decisions.rendering import (
    best_deal_read,
    inapplicable_and_skipped,
    outcome_read,
    request_order,
    trace_read,
    tracking_id_of,
)
from app.decisions.schemas import CheckoutIn
from app.decisions.snapshot import decision_on, read
from app.incentives.configuration import ConfigurationCache
from app.kit.db import Database
from app.kit.ids import new_id


async def validate(
    db: Database, cache: ConfigurationCache, caller: Caller, request: CheckoutIn, *, now: datetime, explain: bool
) -> dict[str, Any]:
    """The wire answer to a validation. What does not apply is told in the answer, not raised.

    Raises NotFound for an unknown customer id or order id, DuplicatedRedeemables, TooManyRedeemables,
    Outdated.
    """
    snapshot = await read(db, cache, caller, request, now)
    decision = decision_on(snapshot, caller, request.options, explain=explain)
    shown = [outcome_read(outcome, snapshot, request, request_id=caller.request_id) for outcome in decision.outcomes]
    by_status: dict[str, list[dict[str, Any]]] = {}
    for redeemable in shown:
        by_status.setdefault(redeemable["status"], []).append(redeemable)
    answer: dict[str, Any] = {
        "id": new_id("valid"),
        "valid": decision.is_valid,
        "redeemables": by_status["APPLICABLE"] if decision.is_valid else shown,
        **inapplicable_and_skipped(by_status),
        "stacking_rules": snapshot.stacking.wire,
        **best_deal_read(decision),
    }
    if request.order is not None:
        answer["order"] = request_order(decision, snapshot)
    tracking_id = tracking_id_of(caller, request, snapshot)
    if tracking_id is not None:
        answer["tracking_id"] = tracking_id
    if explain:
        answer["trace"] = trace_read(decision)
    return answer
