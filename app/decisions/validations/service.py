"""What a cart would cost: evaluate, and write nothing but what a session holds."""

from datetime import datetime
from typing import Any

from app.access.callers import Caller
from app.decisions.deciding import decision_on, require_something
from app.decisions.holds import Session, reservations_of
from app.decisions.rendering import (
    best_deal_read,
    inapplicable_and_skipped,
    outcome_read,
    request_order,
    trace_read,
    tracking_id_of,
)
from app.decisions.schemas import CheckoutIn
from app.decisions.snapshot import Snapshot, opening_of, read
from app.engine.decision import Decision
from app.engine.postings import VALUE_MEASURES
from app.incentives.configuration import ConfigurationCache
from app.kit.db import Database
from app.kit.ids import new_id
from app.ledger.holds import hold


async def validate(
    db: Database, cache: ConfigurationCache, caller: Caller, request: CheckoutIn, *, now: datetime, explain: bool
) -> dict[str, Any]:
    """The wire answer to a validation. What does not apply is told in the answer, not raised.

    With a session, a valid decision is held for it: from then on others find taken what it would use up. One that is
    not valid leaves what the session holds as it is.

    Raises NotFound for an unknown customer id or order id, DuplicatedRedeemables, TooManyRedeemables,
    InvalidPayload when neither a redeemable nor a customer is named;
    RanOut or Outdated when somebody else was faster: then nothing is held and the caller tries again.
    """
    require_something(request)
    snapshot = await read(db, cache, caller, request, now, with_automatic=True)
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
    if request.session is not None and decision.is_valid:
        held = Session.of(request.session)
        await _hold(db, caller, snapshot, decision, held)
        answer["session"] = held.wire
    if explain:
        answer["trace"] = trace_read(decision)
    return answer


async def _hold(db: Database, caller: Caller, snapshot: Snapshot, decision: Decision, held: Session) -> None:
    cards = {posting.account.owner_id for posting in decision.postings if posting.account.measure in VALUE_MEASURES}
    reservations = reservations_of(decision, {card: opening_of(snapshot, card) for card in cards})
    async with db.connection() as connection:
        await hold(
            connection,
            caller.project_id,
            snapshot.version,
            held.key,
            held.lasting,
            reservations,
            actor=caller.actor,
        )
