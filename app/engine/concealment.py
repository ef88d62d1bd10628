"""What strangers are told: a voucher that does not apply is, to them, one that does not exist."""

from collections.abc import Callable, Collection, Sequence
from typing import TypeAlias

from app.engine.cart import Cart
from app.engine.decision import Decision, Outcome
from app.engine.evaluate import closed_door
from app.engine.redeemables import Redeemable, Unresolved

Candidates: TypeAlias = Sequence[Redeemable | Unresolved]


def without_closed(cart: Cart, redeemables: Candidates) -> Candidates:
    """The redeemables, among which vouchers that apply to no order do not exist: disabled, not open, used up, empty."""
    closed = {
        each.id
        for each in redeemables
        if isinstance(each, Redeemable) and each.kind == "voucher" and closed_door(each, cart, each.counts)
    }
    return _without(redeemables, closed)


def concealing_decision(decide: Callable[[Candidates], Decision], redeemables: Candidates) -> Decision:
    """What `decide` says when vouchers that do not apply do not exist: the same answer as if there were none of them.

    A voucher goes on existing when the marketer has written a message for customers to whom it does not apply. Decides
    at most once for each voucher, and once more.
    """
    while True:
        decision = decide(redeemables)
        refused = {outcome.redeemable.id for outcome in decision.outcomes if _is_concealed(outcome)}
        if not refused:
            return decision
        redeemables = _without(redeemables, refused)


def _is_concealed(outcome: Outcome) -> bool:
    redeemable = outcome.redeemable
    return (
        isinstance(redeemable, Redeemable)
        and redeemable.kind == "voucher"
        and outcome.failure is not None
        and outcome.failure.custom_message is None
    )


def _without(redeemables: Candidates, voucher_names: Collection[str]) -> Candidates:
    """The same, without the vouchers of these names."""
    return [
        Unresolved("voucher", each.id) if each.kind == "voucher" and each.id in voucher_names else each
        for each in redeemables
    ]
