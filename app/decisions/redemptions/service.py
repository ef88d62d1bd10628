"""Redeeming: the decision of a validation, with its postings applied and everything written down, all or none."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.access.callers import Caller
from app.commerce.customers import profiles
from app.commerce.customers.schemas import CustomerIn
from app.commerce.orders.overrides import keep_overrides, overrides
from app.decisions.carts import customer_differs
from app.decisions.deciding import decision_on, frank_decision, require_something
from app.decisions.errors import DuplicatedRedeemables, RedemptionFailed
from app.decisions.recording import Recorded, Recording, record
from app.decisions.redemptions.rendering import redemption_answer
from app.decisions.redemptions.rows import Attempt, announcements, event_of, failure_row, redemption_ids, rows_of
from app.decisions.schemas import CheckoutIn
from app.decisions.snapshot import Snapshot, read
from app.engine.decision import Decision, Failure, Outcome
from app.engine.postings import VALUE_MEASURES, AccountKey
from app.engine.redeemables import Unresolved
from app.engine.stored_allocation import parsed
from app.engine.unit_allocation import Allocation
from app.incentives.configuration import ConfigurationCache
from app.incentives.vouchers.standing import Standing
from app.kit.db import Database
from app.kit.errors import InvalidPayload
from app.ledger.movements import points_account, value_account


async def redeem(
    db: Database, cache: ConfigurationCache, caller: Caller, request: CheckoutIn, *, now: datetime, explain: bool
) -> dict[str, Any]:
    """Spend the redeemables of `request` on its order, all that apply or none. Gives the wire answer.

    Customer and overridden products are kept first and stay so whatever becomes of the redemption. A refused attempt
    is recorded too, and committed before the error leaves.

    Raises RedemptionFailed with the first failure; NotFound for an unknown customer or order id; DuplicatedRedeemables;
    TooManyRedeemables; InvalidPayload when there is nothing to redeem;
    RanOut or Outdated when somebody else was faster: then nothing is written and the caller tries again.
    """
    require_something(request)
    snapshot = await read(db, cache, caller, request, now, with_automatic=True)
    if caller.project.metadata_schemas:
        _check_metadata(caller, request, snapshot)
    kept = await _keep(db, caller, request, snapshot, now)
    if kept is not request:
        request, snapshot = kept, await read(db, cache, caller, kept, now, with_automatic=True)
    decision = decision_on(snapshot, caller, request.options, explain=explain)
    if not decision.outcomes:
        raise InvalidPayload("redeemables", "Nothing is named, and the customer has no code that is used by itself.")
    attempt = Attempt(caller, request, now, snapshot, decision, await _earlier(db, caller, snapshot.kept_order))
    if not attempt.decision.is_valid:
        raise await _recorded_failure(db, attempt)
    return await _record(db, attempt, explain=explain)


def _check_metadata(caller: Caller, request: CheckoutIn, snapshot: Snapshot) -> None:
    """What the redemption and its order are to be kept with. Raises MetadataValidationFailed."""
    project, order = caller.project, request.order
    project.check_metadata("redemption", request.metadata)
    if order is not None and order.metadata is not None:
        project.check_metadata("order", snapshot.cart.metadata, "order.metadata")
    for index, item in enumerate((order and order.items) or ()):
        project.check_metadata("order_item", item.metadata, f"order.items[{index}].metadata")


# The map of the order names them in the order in which they were applied.
ALLOCATIONS = """
SELECT allocation FROM redemptions
WHERE project_id = $1 AND id = ANY ($2) AND status = 'SUCCEEDED' AND allocation <> ''
ORDER BY array_position($2, id)
"""


async def _earlier(db: Database, caller: Caller, kept_order: Mapping[str, Any] | None) -> Sequence[Allocation]:
    """The allocations of what was redeemed on the order before; no statement for an order that is new to us."""
    if kept_order is None or not kept_order["redemptions"]:
        return ()
    async with db.connection() as connection:
        rows = await connection.fetch(ALLOCATIONS, caller.project_id, redemption_ids(kept_order["redemptions"]))
    return [parsed(row["allocation"]) for row in rows]


async def _keep(db: Database, caller: Caller, request: CheckoutIn, snapshot: Snapshot, now: datetime) -> CheckoutIn:
    """Keep what the request says about its customer, and about products it wants in the catalogue (`override`).

    Gives the request that names the customer by id, or the same request when there was nothing to keep.
    """
    customer, items = request.customer, (request.order and request.order.items) or []
    keeps_customer = customer is not None and customer_differs(customer, snapshot.customer)
    keeps_items = snapshot.kept_order is None and any(overrides(item) for item in items)
    if not (keeps_customer or keeps_items):
        return request
    async with db.write() as session:
        if keeps_items:
            await keep_overrides(session, caller, items, now, path="order.items", currency=snapshot.cart.currency)
        if customer is not None and keeps_customer:
            row = await profiles.upsert(session, caller, customer, now)
            customer = CustomerIn(id=row.id, email=customer.email)
    return request.model_copy(update={"customer": customer})


async def _record(db: Database, attempt: Attempt, *, explain: bool) -> dict[str, Any]:
    rows, kept_order = rows_of(attempt), attempt.snapshot.kept_order
    recording = Recording(
        redemptions=rows.redemptions,
        events=announcements(attempt, rows),
        postings=[posting for posting in attempt.decision.postings if posting.account.measure not in VALUE_MEASURES],
        movements=rows.movements,
        order=rows.order,
        order_seen_at=kept_order["updated_at"] if kept_order else None,
        session_key=attempt.request.session_key,
    )
    recorded = await record(db, attempt.caller.project_id, attempt.snapshot.version, recording)
    counts = {account: -balance for account, balance in recorded.balances.items()}
    return redemption_answer(attempt, rows, _standing(attempt, recorded), counts, explain=explain)


def _standing(attempt: Attempt, recorded: Recorded) -> dict[str, Standing]:
    """Where the redeemed vouchers stand now; a gift card that paid nothing holds what it held."""
    return {
        account.owner_id: Standing(
            uses=-balance,
            holdings=recorded.holdings.get(value_account(account.owner_id))
            or recorded.holdings.get(points_account(account.owner_id))
            or attempt.snapshot.holdings.get(account.owner_id),
        )
        for account, balance in recorded.balances.items()
        if account == AccountKey(account.owner_id, "uses")
    }


async def _recorded_failure(db: Database, attempt: Attempt) -> RedemptionFailed:
    """The error to raise, once the failed attempt is stored; with the real reason, whatever the caller may know."""
    failure, failed = _first_failure(_real_decision(attempt))
    row = failure_row(attempt, failure, failed.redeemable)
    recording = Recording(redemptions=[row], events=[event_of("redemption.failed", row, attempt.snapshot.stack_id)])
    await record(db, attempt.caller.project_id, attempt.snapshot.version, recording)
    told, failed = _first_failure(attempt.decision)
    return RedemptionFailed(told, failed.redeemable.kind, failed.redeemable.id, _unknown_codes_count(attempt.decision))


def _real_decision(attempt: Attempt) -> Decision:
    """What the decision is for those who may know everything."""
    if attempt.caller.kind != "client":
        return attempt.decision
    snapshot, options = attempt.snapshot, attempt.request.options
    try:
        return frank_decision(snapshot, attempt.caller, options, snapshot.redeemables, explain=False)
    except DuplicatedRedeemables:  # two names of a voucher that to this caller does not exist
        return attempt.decision


def _first_failure(decision: Decision) -> tuple[Failure, Outcome]:
    """Why the decision is not valid, and the outcome that says so."""
    failure = decision.failure
    assert failure is not None  # a decision that is not valid says why
    return failure, next((each for each in decision.outcomes if each.failure is failure), decision.outcomes[0])


def _unknown_codes_count(decision: Decision) -> int:
    return sum(
        outcome.failure is not None
        and isinstance(outcome.redeemable, Unresolved)
        and outcome.redeemable.kind == "voucher"
        for outcome in decision.outcomes
    )
