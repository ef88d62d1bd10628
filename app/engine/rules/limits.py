"""Limits: how much of an account a rule leaves, and the floor that keeps its answer true until it is written.

A rule sees a count, then the redemption is written; in between others may redeem. So a limit that the answer rests on
becomes a floor of the posting: the count may grow to the greatest value for which the condition would still hold.
"""

from collections.abc import Callable, Sequence
from typing import Any

from app.engine.postings import AccountKey, Counted, account_key
from app.engine.rules.subject import Missing, RuleSubject


def account_of(counted: Counted, subject: RuleSubject) -> AccountKey | None:
    """The account that `counted` names for this subject; None when there is nobody or nothing to count for yet."""
    cart = subject.cart
    return account_key(
        counted,
        object_id=subject.object_id,
        campaign_id=subject.campaign_id,
        customer_id=None if cart.customer is None else cart.customer.id,
        api_key_id=cart.api_key_id,
        user_login=cart.user_login,
        now=cart.now,
        zone=cart.zone,
        foreign_currency=cart.foreign_currency,
    )


def counted_amount(counted: Counted, subject: RuleSubject) -> int:
    """What this redemption adds to the count: one use, its order before discounts, or the discount it grants."""
    if counted.measure == "uses":
        return 1
    return subject.discount_amount if counted.measure == "discounted" else subject.cart.amount or 0


def used_with_this(counted: Counted, subject: RuleSubject) -> tuple[int | Missing | None, AccountKey | None]:
    """The count with this redemption in it, and its account.

    A customer the project does not know yet has used nothing and has no account. A campaign limit on something without
    a campaign, and a limit per key or user without one, have no answer (None) and so do not hold.
    """
    cart = subject.cart
    if counted.per == "customer" and cart.customer is None:
        return Missing.CUSTOMER, None
    if counted.measure != "uses" and cart.amount is None:
        return (Missing.AMOUNT if cart.items or cart.metadata else Missing.ORDER), None
    account = account_of(counted, subject)
    if account is not None:
        return subject.counts.get(account, 0) + counted_amount(counted, subject), account
    if counted.per == "customer" and (counted.scope == "redeemable" or subject.campaign_id is not None):
        return counted_amount(counted, subject), None
    return None, None


Ceiling = Callable[[int], "int | None"]


def ceiling(operator: str, operands: Sequence[Any]) -> Ceiling:
    """For a condition that holds at a count, the greatest count up to which it goes on holding, None for no end."""
    bound = operands[0]
    if operator == "$less_than":
        return lambda count: bound - 1
    if operator == "$less_than_or_equal":
        return lambda count: bound
    values = frozenset(operands)
    if operator in ("$is", "$in"):
        return lambda count: _last_of_run(count, values)
    if operator in ("$is_not", "$not_in"):
        return lambda count: min((value - 1 for value in values if value > count), default=None)
    return lambda count: None


def _last_of_run(count: int, values: frozenset[int]) -> int:
    while count + 1 in values:
        count += 1
    return count
