"""What the engine says to a snapshot."""

from collections.abc import Sequence

from app.access.callers import Caller
from app.decisions.automatic import decided_with
from app.decisions.errors import DuplicatedRedeemables, TooManyRedeemables
from app.decisions.schemas import CheckoutIn, OptionsIn
from app.decisions.snapshot import Snapshot
from app.engine.best_deal import best_deal
from app.engine.concealment import concealing_decision, without_closed
from app.engine.decision import Decision
from app.engine.evaluate import evaluate
from app.engine.redeemables import Redeemable, Unresolved, first_duplicate
from app.incentives.promotions.schemas import MOST_TIERS
from app.kit.errors import InvalidPayload


def require_something(request: CheckoutIn) -> None:
    """Without redeemables a request must say whose automatic codes it means. Raises InvalidPayload."""
    if not request.redeemables and request.customer is None:
        raise InvalidPayload(
            "redeemables", "Name at least one, or the customer who may have codes to be used by itself."
        )


def decision_on(snapshot: Snapshot, caller: Caller, options: OptionsIn, *, explain: bool) -> Decision:
    """What the engine says to the redeemables of the snapshot, all together; or to the best of them, if that is asked.

    A promotion stack counts as one redeemable, so that limits of how many do not cut it. The client-side API is told
    nothing of vouchers that do not apply (`engine.concealment`).

    Raises DuplicatedRedeemables, TooManyRedeemables.
    """
    if caller.kind != "client":
        return frank_decision(snapshot, caller, options, snapshot.redeemables, explain=explain)
    return concealing_decision(
        lambda redeemables: frank_decision(snapshot, caller, options, redeemables, explain=False),
        without_closed(snapshot.cart, snapshot.redeemables),
    )


def frank_decision(
    snapshot: Snapshot,
    caller: Caller,
    options: OptionsIn,
    redeemables: Sequence[Redeemable | Unresolved],
    *,
    explain: bool,
) -> Decision:
    """The same on these redeemables, with the reasons as they are.

    Raises DuplicatedRedeemables, TooManyRedeemables.
    """
    stacking, limit = snapshot.stacking, snapshot.stacking.redeemables_limit
    if snapshot.stack_id is not None:
        stacking = stacking.model_copy(update={"applicable_redeemables_limit": MOST_TIERS})
    elif len(redeemables) > limit:
        raise TooManyRedeemables(len(redeemables), limit)
    duplicate = first_duplicate(redeemables)
    if duplicate is not None:
        raise DuplicatedRedeemables(duplicate.id)
    choose = best_deal if options.best_deal else evaluate

    def decide(candidates: Sequence[Redeemable | Unresolved]) -> Decision:
        return choose(snapshot.cart, candidates, stacking, rounding=caller.project.settings.rounding, explain=explain)

    return decided_with(redeemables, snapshot.automatic, decide, may_displace=options.best_deal)
