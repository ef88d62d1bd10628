"""Limits: how much of an account a rule leaves, and the floor that keeps its answer true until it is written.

A rule sees a count, then the redemption is written; in between others may redeem. So a limit that the answer rests on
becomes a floor of the posting: the count may grow to the greatest value for which the condition would still hold.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.engine.identities import IdentityScope
from app.engine.postings import AccountKey, Counted, account_keys
from app.engine.rules.subject import Missing, RuleSubject

LACKING: Mapping[IdentityScope, Missing] = {
    "account": Missing.CUSTOMER,
    "email": Missing.EMAIL,
    "phone": Missing.PHONE,
    "device": Missing.DEVICE,
    "payment": Missing.PAYMENT,
}


def accounts_of(counted: Counted, subject: RuleSubject) -> tuple[AccountKey, ...]:
    """The accounts that `counted` names for this subject, one for each identity of a buyer; none when there is nobody
    or nothing to count for yet."""
    cart = subject.cart
    return account_keys(
        counted,
        object_id=subject.object_id,
        campaign_id=subject.campaign_id,
        buyers=cart.buyer.subjects if counted.per == "customer" else (),
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


def used_with_this(counted: Counted, subject: RuleSubject) -> tuple[int | Missing | None, tuple[AccountKey, ...]]:
    """The count with this redemption in it, and its accounts: of a buyer the greatest among their identities.

    A customer the project does not know yet has used nothing and has no account. A campaign limit on something without
    a campaign, and a limit per key or user without one, have no answer (None) and so do not hold.
    """
    cart = subject.cart
    if counted.per == "customer" and cart.buyer.lacking is not None:
        return LACKING[cart.buyer.lacking], ()
    if counted.measure != "uses" and cart.amount is None:
        return (Missing.AMOUNT if cart.items or cart.metadata else Missing.ORDER), ()
    accounts = accounts_of(counted, subject)
    if accounts:
        used = max([subject.counts.get(account, 0) for account in accounts])
        return used + counted_amount(counted, subject), accounts
    if counted.per == "customer" and (counted.scope == "redeemable" or subject.campaign_id is not None):
        return counted_amount(counted, subject), ()
    return None, ()


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
