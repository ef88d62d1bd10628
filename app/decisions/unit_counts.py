"""What the accounts of limited units have counted, filled in at the redeemables."""

from collections.abc import Sequence
from dataclasses import replace

from app.engine.cart import Cart
from app.engine.postings import AccountKey
from app.engine.redeemables import Redeemable, Unresolved, unit_owner
from app.kit.db import Connection

COUNTED = """
SELECT owner_id, subject, balance FROM accounts
WHERE project_id = $1 AND owner_id = ANY ($2) AND measure = 'units' AND subject = ANY ($3) AND period = ''
"""


async def with_unit_counts(
    connection: Connection, project_id: int, cart: Cart, redeemables: Sequence[Redeemable | Unresolved]
) -> list[Redeemable | Unresolved]:
    """The redeemables with the counts of units that their targets limit; one statement when any of them limits some.

    The lines of `cart` must say which collections they are in.
    """
    accounts = [_accounts(redeemable, cart) for redeemable in redeemables]
    wanted = set[AccountKey]().union(*accounts)
    if not wanted:
        return list(redeemables)
    rows = await connection.fetch(
        COUNTED, project_id, sorted({key.owner_id for key in wanted}), sorted({key.subject for key in wanted})
    )
    counted = {AccountKey(row["owner_id"], "units", row["subject"]): -row["balance"] for row in rows}
    return [
        replace(redeemable, counts={**redeemable.counts, **counted})
        if isinstance(redeemable, Redeemable) and own
        else redeemable
        for redeemable, own in zip(redeemables, accounts, strict=True)
    ]


def _accounts(redeemable: Redeemable | Unresolved, cart: Cart) -> set[AccountKey]:
    if not isinstance(redeemable, Redeemable) or redeemable.applicability is None:
        return set()
    return redeemable.applicability.unit_accounts(cart.items, unit_owner(redeemable, cart))
