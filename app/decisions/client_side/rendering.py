"""Answers without what a page is not shown: metadata of what is redeemed, customers, the business behind it."""

from collections.abc import Callable
from typing import Any

from app.commerce.customers.client_side import shown_customer
from app.decisions.rendering import Wire
from app.incentives.client_side import shown_tier, shown_voucher

HIDDEN = frozenset({"metadata", "validation_rules_assignments", "trace"})
OUTCOMES = ("redeemables", "inapplicable_redeemables", "skipped_redeemables")


def shown_validation(answer: Wire) -> Wire:
    return _with(answer, order=shown_order, **dict.fromkeys(OUTCOMES, _each(_shown_outcome)))


def shown_redemptions(answer: Wire) -> Wire:
    return _with(
        answer,
        redemptions=_each(_shown_redemption),
        parent_redemption=_shown_redemption,
        order=shown_order,
        **dict.fromkeys(OUTCOMES, _each(_shown_outcome)),
    )


def shown_qualification(answer: Wire) -> Wire:
    return _with(answer, order=shown_order, redeemables=lambda listed: _with(listed, data=_each(_shown_outcome)))


def failed_codes_count(answer: Wire) -> int:
    """How many of the codes in the answer to a checkout were unknown, or had to look like it."""
    return sum(
        outcome["object"] == "voucher" and outcome["result"]["error"]["key"] == "not_found"
        for outcome in answer.get("inapplicable_redeemables", ())
    )


def shown_order(order: Wire) -> Wire:
    """The order without the metadata of products and SKUs, which is the catalogue's and not the customer's."""
    return _with(order, items=_each(lambda line: _with(line, product=_without_metadata, sku=_without_metadata)))


def _shown_outcome(outcome: Wire) -> Wire:
    """A redeemable; a stack has some in it."""
    shown = {name: value for name, value in outcome.items() if name not in HIDDEN}
    return _with(shown, order=shown_order, redeemables=_each(_shown_outcome))


def _shown_redemption(redemption: Wire) -> Wire:
    return _with(
        redemption, order=shown_order, customer=shown_customer, voucher=shown_voucher, promotion_tier=shown_tier
    )


def _without_metadata(resource: Wire) -> Wire:
    return {name: value for name, value in resource.items() if name != "metadata"}


def _with(answer: Wire, **shown: Callable[[Any], Any]) -> Wire:
    """The answer, in which the members that are there and are not null went through these functions."""
    return {
        name: shown[name](value) if name in shown and value is not None else value for name, value in answer.items()
    }


def _each(shown: Callable[[Wire], Wire]) -> Callable[[list[Wire]], list[Wire]]:
    return lambda entries: [shown(entry) for entry in entries]
