"""The ways in which a redeemable can fail, each with the contract's key and a finding that says what was seen."""

from collections.abc import Sequence
from typing import NamedTuple

from app.engine.bundles import Bundle
from app.engine.cart import Cart
from app.engine.currencies import MISMATCH_KEY, Mismatch
from app.engine.decision import Failure
from app.engine.effects import Hindrance
from app.engine.findings import Finding
from app.engine.postings import AccountKey
from app.engine.redeemables import Redeemable, Unresolved
from app.engine.validity import Closed, spoken


class Refusal(NamedTuple):
    failure: Failure
    findings: tuple[Finding, ...]


def not_found(unresolved: Unresolved) -> Refusal:
    finding = Finding(
        unresolved.kind, f"{unresolved.kind}.exists", "$is", expected=True, seen=False, holds=False, counterfactual=None
    )
    failure = Failure(
        "not_found",
        "Resource not found",
        f"Cannot find {unresolved.kind} with id {unresolved.id}",
        status=404,
        resource_id=unresolved.id,
        resource_type=unresolved.kind,
    )
    return Refusal(failure, (finding,))


def disabled(redeemable: Redeemable) -> Refusal:
    """Switched off, itself or with its whole campaign."""
    what = "campaign" if redeemable.is_active else redeemable.kind
    finding = Finding(
        "active",
        f"{what}.active",
        "$is",
        expected=True,
        seen=False,
        holds=False,
        counterfactual=f"once the {what} is enabled",
    )
    if redeemable.kind == "promotion_tier":
        return Refusal(_failure(redeemable, "promotion_inactive", "promotion is not active"), (finding,))
    return Refusal(_failure(redeemable, "voucher_disabled", "voucher is disabled"), (finding,))


def of_another(redeemable: Redeemable, cart: Cart) -> Refusal:
    """For one customer alone, and this is not the one."""
    finding = Finding(
        "holder",
        f"{redeemable.kind}.holder",
        "$is",
        expected="the holder",
        seen="nobody" if cart.customer is None else "another customer",
        holds=False,
        counterfactual="for the customer to whom it was given",
    )
    message = "customer is not the holder of the voucher"
    return Refusal(_failure(redeemable, "invalid_customer", message), (finding,))


def no_referee(redeemable: Redeemable) -> Refusal:
    """A referral code without a customer, who would be referred by nobody, or redeemed by the referrer."""
    is_missing = redeemable.referee == "missing"
    finding = Finding(
        "referee",
        "voucher.referee",
        "$is",
        expected="another customer than the referrer",
        seen="nobody" if is_missing else "the referrer",
        holds=False,
        counterfactual="with the customer who was referred",
    )
    if is_missing:
        details = "A referral code is redeemed by the customer who was referred: name the customer."
        return Refusal(_failure(redeemable, "missing_customer", "missing customer", details), (finding,))
    message = "voucher cannot be redeemed by referrer"
    return Refusal(_failure(redeemable, "referrer_not_permitted_to_redeem", message), (finding,))


def closed(redeemable: Redeemable, closed: Closed, cart: Cart) -> Refusal:
    """Outside its dates, its time frame, its days or its hours."""
    key, message = {
        "not_yet": ("voucher_not_active", "voucher is not active yet"),
        "expired": ("voucher_expired", "voucher expired"),
        "not_now": ("voucher_not_active_now", "voucher not active now"),
    }[closed.reason]
    if redeemable.kind == "promotion_tier":
        key, message = "promotion_not_active_now", "promotion is not active now"
    finding = Finding(
        "validity",
        f"{redeemable.kind}.validity",
        "$is",
        expected="open",
        seen=closed.reason,
        holds=False,
        counterfactual=None if closed.opens_at is None else f"from {spoken(closed.opens_at, cart.zone)}",
    )
    return Refusal(_failure(redeemable, key, message), (finding,))


def used_up(redeemable: Redeemable, uses_count: int) -> Refusal:
    """All uses are taken: by redemptions, or by sessions that hold some."""
    is_held = uses_count - redeemable.held.get(AccountKey(redeemable.object_id, "uses"), 0) < (
        redeemable.uses_limit or 0
    )
    rolled_back = "once an earlier redemption is rolled back" if redeemable.uses_limit else None
    finding = Finding(
        "redemption.quantity",
        "redemption.count",
        "$less_than_or_equal",
        expected=redeemable.uses_limit,
        seen=uses_count + 1,
        holds=False,
        counterfactual="once a session that holds a use is released or expires" if is_held else rolled_back,
    )
    return Refusal(_failure(redeemable, "quantity_exceeded", "quantity exceeded"), (finding,))


def hindered(redeemable: Redeemable, hindrance: Hindrance) -> Refusal:
    """Refused by the effect itself: a gift card without enough on it, or without an amount to pay."""
    finding = Finding(
        "effect",
        hindrance.fact,
        "$is",
        expected=hindrance.expected,
        seen=hindrance.seen,
        holds=False,
        counterfactual=hindrance.counterfactual,
    )
    failure = _failure(redeemable, hindrance.key, hindrance.message, hindrance.details)
    return Refusal(failure, (finding,))


def no_amounts(redeemable: Redeemable, mismatch: Mismatch) -> Refusal:
    """The discount has amounts, but none in the currency of the order."""
    finding = Finding(
        "currency",
        "order.currency",
        "$in",
        expected=list(mismatch.known),
        seen=mismatch.wanted,
        holds=False,
        counterfactual=f"with an order in {' or '.join(mismatch.known)}",
    )
    return Refusal(_failure(redeemable, MISMATCH_KEY, "currency mismatch", mismatch.details), (finding,))


def incomplete_bundle(redeemable: Redeemable, rule_id: str, bundle: Bundle) -> Refusal:
    """The order lacks something of the bundle that a rule asks for; the marketer's words for the first thing count."""
    findings = tuple(
        Finding(
            f"bundle_rules.{missing.number}",
            "order.items.aggregated_quantity",
            "$more_than_or_equal",
            expected=missing.quantity,
            seen=0,
            holds=False,
            counterfactual=f"with {missing.quantity} more of {missing.kind} {missing.id}",
        )
        for missing in bundle.missing
    )
    failure = Failure(
        "order_rules_violated",
        "redemption does not match validation rules",
        f"redemption does not match validation rules: {rule_id}",
        resource_id=redeemable.id,
        resource_type=redeemable.kind,
        custom_message=next((missing.message for missing in bundle.missing if missing.message), None),
        rule_ids=(rule_id,),
    )
    return Refusal(failure, findings)


def rules_violated(
    redeemable: Redeemable,
    rule_ids: Sequence[str],
    findings: Sequence[Finding],
    key: str | None,
    custom_message: str | None,
    cart: Cart,
) -> Refusal:
    message = "redemption does not match validation rules"
    details = f"{message}: {', '.join(rule_ids)}"
    if key == MISMATCH_KEY:
        message = "currency mismatch"
        mismatch = Mismatch(f"validation rule {rule_ids[0]}", cart.currency or "", (cart.home_currency or "",))
        details = mismatch.details
    failure = Failure(
        key or "redemption_rules_violated",
        message,
        details,
        resource_id=redeemable.id,
        resource_type=redeemable.kind,
        custom_message=custom_message,
        rule_ids=tuple(rule_ids),
    )
    return Refusal(failure, tuple(findings))


def _failure(redeemable: Redeemable, key: str, message: str, details: str | None = None) -> Failure:
    return Failure(key, message, details or redeemable.id, resource_id=redeemable.id, resource_type=redeemable.kind)
