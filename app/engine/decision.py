"""The answer to a request: what applies, what does not and why, what it costs, and what it uses up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.engine.application import NOTHING, Application
from app.engine.bundles import Bundle
from app.engine.cart import Cart
from app.engine.findings import Finding
from app.engine.money import Rounding
from app.engine.postings import Posting, merged_postings
from app.engine.redeemables import Redeemable, Unresolved
from app.engine.stacking import SkipReason

Status = Literal["APPLICABLE", "INAPPLICABLE", "SKIPPED"]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a redeemable does not apply, in the terms of the wire's error object.

    `status` is the HTTP status when this failure is the answer. `custom_message` is the marketer's own sentence, which
    the wire carries in `error.message`. `rule_ids` are the validation rules that do not hold.
    """

    key: str
    message: str
    details: str
    status: int = 400
    resource_id: str | None = None
    resource_type: str | None = None
    custom_message: str | None = None
    rule_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one redeemable.

    `application` is what it takes off and `cart` the running order after it (the order before it, when it takes off
    nothing). `failure` is set when INAPPLICABLE, `skip_reason` when SKIPPED, `postings` and `cart_before`, the running
    order without it, only when APPLICABLE. `bundle` is what the order has of the bundle that its rules ask for.
    `findings` tell which conditions did not hold, or, when the trace was asked for, all that were looked at.
    """

    status: Status
    redeemable: Redeemable | Unresolved
    cart: Cart
    application: Application = NOTHING
    failure: Failure | None = None
    skip_reason: SkipReason | None = None
    findings: tuple[Finding, ...] = ()
    postings: tuple[Posting, ...] = ()
    cart_before: Cart | None = None
    bundle: Bundle | None = None


@dataclass(frozen=True, slots=True)
class BestDeal:
    """How the best deal was found: `is_optimal` when nothing can save more, after so many looks at a redeemable."""

    is_optimal: bool
    considered: int


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcomes in the order in which the redeemables are applied, and what they add up to.

    `cart` is the order after everything that applies and `application` the sum of what was taken off; `postings` has
    one entry per account. When the decision is not valid, nothing applies: `cart` is the one that was asked about,
    `application` and `postings` are empty, and `failure` says why. `rounding` tells how minor units were rounded.
    `best_deal` is there when the redeemables were chosen, not only checked.
    """

    outcomes: tuple[Outcome, ...]
    cart: Cart
    is_valid: bool
    application: Application = NOTHING
    postings: tuple[Posting, ...] = ()
    failure: Failure | None = None
    rounding: Rounding = "half_up"
    best_deal: BestDeal | None = None

    @property
    def discount_amount(self) -> int:
        """Everything this request takes off, on the order and on its lines."""
        return self.application.total_discount_amount


def decision_of(
    cart: Cart,
    outcomes: Sequence[Outcome],
    *,
    stops_at_failure: bool,
    rounding: Rounding,
    best_deal: BestDeal | None = None,
) -> Decision:
    """Sum up the outcomes of redeemables evaluated one after the other on `cart`.

    Valid means that something applies and, where one failure stops all, that nothing failed.
    """
    applicable = [outcome for outcome in outcomes if outcome.status == "APPLICABLE"]
    failure = next((outcome.failure for outcome in outcomes if outcome.failure is not None), None)
    if not applicable or (failure is not None and stops_at_failure):
        return Decision(
            tuple(outcomes),
            cart,
            is_valid=False,
            failure=failure or _nothing_applies(outcomes),
            rounding=rounding,
            best_deal=best_deal,
        )
    if len(applicable) == 1:
        return Decision(
            tuple(outcomes),
            applicable[0].cart,
            is_valid=True,
            application=applicable[0].application,
            postings=applicable[0].postings,
            failure=failure,
            rounding=rounding,
            best_deal=best_deal,
        )
    application = NOTHING
    for outcome in applicable:
        application += outcome.application
    return Decision(
        tuple(outcomes),
        applicable[-1].cart,
        is_valid=True,
        application=application,
        postings=merged_postings(posting for outcome in applicable for posting in outcome.postings),
        failure=failure,
        rounding=rounding,
        best_deal=best_deal,
    )


def _nothing_applies(outcomes: Sequence[Outcome]) -> Failure:
    """Nothing failed and yet nothing applies: all were skipped, which is still no basis for a redemption."""
    reasons = sorted({outcome.skip_reason for outcome in outcomes if outcome.skip_reason is not None})
    return Failure(
        "invalid_redeemables", "No redeemable can be applied", ", ".join(reasons) or "No redeemable was named."
    )
