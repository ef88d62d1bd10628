"""The accounts that count money of orders in a currency that is not the project's."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from app.engine.postings import MONEY
from app.kit.db import Connection

ACCOUNTS = """
SELECT * FROM accounts WHERE project_id = $1 AND owner_id = ANY ($2) AND measure = ANY ($3) AND subject = $4
"""


async def accounts_of_money(
    connection: Connection, project_id: int, owner_ids: Collection[str], foreign_currency: str
) -> Sequence[Mapping[str, Any]]:
    """The rows of these vouchers, tiers and campaigns for orders in `foreign_currency`."""
    subject = f"currency:{foreign_currency}"
    rows: Sequence[Mapping[str, Any]] = await connection.fetch(
        ACCOUNTS, project_id, sorted(owner_ids), sorted(MONEY), subject
    )
    return rows
