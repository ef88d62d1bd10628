"""What the accounts of limited units have counted, filled in at the redeemables."""

from collections.abc import Sequence
from dataclasses import replace

from app.engine.cart import Cart
from app.engine.postings import AccountKey
from app.engine.redeemables import Redeemable, Unresolved, unit_owner
from app.kit.db import Connection
from app.ledger.holds import held_by_others

COUNTED = """
SELECT owner_id, measure, subject, period, balance, held FROM accounts
WHERE project_id = $1 AND owner_id = ANY ($2) AND measure = 'units' AND subject = ANY ($3) AND period = ''
"""


async def with_unit_counts(
    connection: Connection,
    project_id: int,
    cart: Cart,
    redeemables: Sequence[Redeemable | Unresolved],
    session_key: str | None,
) -> list[Redeemable | Unresolved]:
    """The redeemables with the counts of units that their targets limit; one statement when any of them limits some,
    and one more where sessions hold some.

    The lines of `cart` must say which collections they are in.
    """
    accounts = [_accounts(redeemable, cart) for redeemable in redeemables]
    wanted = set[AccountKey]().union(*accounts)
    if not wanted:
        return list(redeemables)
    rows = await connection.fetch(
        COUNTED, project_id, sorted({key.owner_id for key in wanted}), sorted({key.subject for key in wanted})
    )
    held = await held_by_others(connection, project_id, rows, session_key)
    counted = {AccountKey(row["owner_id"], "units", row["subject"]): -row["balance"] for row in rows}
    counted |= {account: counted[account] + amount for account, amount in held.items()}
    return [
        replace(redeemable, counts={**redeemable.counts, **counted}, held={**redeemable.held, **held})
        if isinstance(redeemable, Redeemable) and own
        else redeemable
        for redeemable, own in zip(redeemables, accounts, strict=True)
    ]


def _accounts(redeemable: Redeemable | Unresolved, cart: Cart) -> set[AccountKey]:
    if not isinstance(redeemable, Redeemable) or redeemable.applicability is None:
        return set()
    return redeemable.applicability.unit_accounts(cart.items, unit_owner(redeemable, cart))
