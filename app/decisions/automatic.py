"""Codes that nobody has to name: given to one customer to be used on their next order."""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from app.access.callers import Caller
from app.commerce.customers.email import normal_email
from app.commerce.customers.schemas import CustomerIn
from app.engine.decision import Decision
from app.engine.redeemables import Redeemable, Unresolved

MOST_AUTOMATIC = 5
"""So many are used on one order; those that end first go first, and the others wait for the next order."""

# Part of the snapshot; `customer` is the customer's row there, `asked.email` what `email_to_match` gives. Two look-ups
# by key that find nothing for nearly everybody. An address that many share (guests who come again, `noreply@` of a
# shop) must not make a checkout slow, so only some of its customers are looked at.
AUTOMATIC: Final = f"""
    SELECT known, id, campaign_id, type FROM vouchers AS known
    WHERE project_id = $1 AND auto_apply AND active AND deleted_at IS NULL
        AND holder_id = ANY (ARRAY(
            SELECT id FROM customer WHERE asked.email IS NOT NULL
            UNION ALL
            (SELECT id FROM customers WHERE project_id = $1 AND normal_email = CASE
                WHEN asked.email = '' THEN (SELECT normal_email FROM customer) ELSE asked.email END LIMIT 10)
        ))
        AND (expiration_date IS NULL OR expiration_date > now())
        AND NOT EXISTS (
            SELECT FROM accounts WHERE project_id = $1 AND owner_id = known.id AND measure = 'uses' AND subject = ''
                AND period = '' AND balance < 0
        )
    ORDER BY expiration_date, id LIMIT {MOST_AUTOMATIC}
"""

Redeemables: TypeAlias = Sequence[Redeemable | Unresolved]


def email_to_match(caller: Caller, customer: CustomerIn | None) -> str | None:
    """The mail address by which the customer's automatic codes are found, next to the customer's id: given, or empty
    for the one that is kept. None when no automatic codes are to be looked for: nobody is named, or by a browser,
    which may say it is anybody.
    """
    if customer is None or caller.kind == "client":
        return None
    return normal_email(customer.email or "") or ""


def decided_with(
    named: Redeemables,
    automatic: Sequence[Redeemable],
    decide: Callable[[Redeemables], Decision],
    *,
    may_displace: bool,
) -> Decision:
    """The decision on what is named and as many of the `automatic` ones as apply with it.

    An automatic code is used only where it takes something off. It never makes a request fail and never keeps a named
    one from applying, unless it `may_displace` them because the best deal is asked for. Where something is named and
    nothing of it applies, the named decide alone.
    """
    alone = decide(named)
    if not automatic or (named and not alone.is_valid):
        return alone
    wanted, left = _applied(alone), list(automatic)
    while left:
        together = decide([*named, *left])
        useful = [each for each in left if each.object_id in _useful(together)]
        if len(useful) == len(left):
            if together.is_valid and (may_displace or wanted <= _applied(together)):
                return together
            useful.pop()
        left = useful
    return alone


def _useful(decision: Decision) -> set[str]:
    """The vouchers that take something off."""
    return {
        outcome.redeemable.object_id
        for outcome in decision.outcomes
        if outcome.application.has_effect and isinstance(outcome.redeemable, Redeemable)
    }


def _applied(decision: Decision) -> set[tuple[str, str]]:
    """What applies, by kind and id."""
    return {
        (outcome.redeemable.kind, outcome.redeemable.object_id)
        for outcome in decision.outcomes
        if outcome.status == "APPLICABLE" and isinstance(outcome.redeemable, Redeemable)
    }
