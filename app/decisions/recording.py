"""Writing a decision down: postings, order, redemptions and announcements in one statement, all or nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from app.engine.postings import AccountKey, Posting
from app.kit.db import Connection, to_json
from app.ledger.accounts import posting_arrays
from app.ledger.errors import Outdated, refusal_of
from app.ledger.movements import Holdings, Movement, holdings_after, movement_rows

# The configuration is held still first, then the order is kept, and accounts are posted to last. Every recording locks
# in this sequence, and a code that everybody redeems is locked only for the posting and the commit. An order that
# somebody else changed since it was read ($10), or made under the same source id, makes the whole statement fail, as
# does an account that ran out.
RECORD: Final = """
WITH guarded AS MATERIALIZED (
    SELECT $1::integer AS project, require_configuration($1, $2)
), kept_order AS (
    INSERT INTO orders AS known
    SELECT given.* FROM guarded, jsonb_populate_recordset(NULL::orders, $9) AS given
    ON CONFLICT (project_id, id) DO UPDATE SET
        status = excluded.status, customer_id = excluded.customer_id, amount = excluded.amount,
        initial_amount = excluded.initial_amount, discount_amount = excluded.discount_amount,
        items_discount_amount = excluded.items_discount_amount, items = excluded.items, metadata = excluded.metadata,
        redemptions = excluded.redemptions, updated_at = excluded.updated_at
    WHERE known.updated_at IS NOT DISTINCT FROM $10
    RETURNING id
), redemption AS (
    INSERT INTO redemptions
    SELECT given.* FROM guarded, jsonb_populate_recordset(NULL::redemptions, $11) AS given
    RETURNING id
), event AS (
    INSERT INTO outbox_events (project_id, type, entity_id, data, created_at)
    SELECT $1, given.type, given.entity_id, given.data, given.created_at
    FROM guarded, jsonb_to_recordset($12) AS given (type text, entity_id text, data jsonb, created_at timestamptz)
    RETURNING id
), written AS MATERIALIZED (
    SELECT
        (SELECT project FROM guarded) AS project,
        (SELECT count(*) FROM kept_order) AS orders,
        (SELECT count(*) FROM redemption) AS redemptions,
        (SELECT count(*) FROM event) AS events
)
SELECT
    CASE WHEN orders < jsonb_array_length($9) THEN refuse_outdated() END,
    applied.balances,
    applied.moved
FROM written, apply_postings(written.project, $3, $4, $5, $6, $7, $8, $13) AS applied
"""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Recorded:
    """The new balances of the accounts posted to: of those that count, and of those that hold value."""

    balances: Mapping[AccountKey, int]
    holdings: Mapping[AccountKey, Holdings]


async def record(
    connection: Connection,
    project_id: int,
    version: int,
    *,
    postings: Sequence[Posting],
    movements: Sequence[Movement],
    orders: Sequence[Row],
    order_seen_at: Any,
    redemptions: Sequence[Row],
    events: Sequence[Row],
) -> Recorded:
    """Write all of it: `postings` to accounts that count, `movements` to accounts that hold value, and the rows.

    Rows are dictionaries by column name. `order_seen_at` is the order's `updated_at` as it was read.
    Raises RanOut, or Outdated when configuration or order have changed since they were read; then nothing is written.
    """
    moves = movement_rows(movements)
    try:
        row = await connection.fetchrow(
            RECORD,
            project_id,
            version,
            *posting_arrays(postings),
            to_json(orders),
            order_seen_at,
            to_json(redemptions),
            to_json(events),
            None if moves is None else to_json(moves),
        )
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == "orders_project_id_source_id_key":
            raise Outdated from error
        raise
    except asyncpg.PostgresError as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error
    balances = zip((posting.account for posting in postings), row["balances"] or (), strict=True)
    return Recorded(dict(balances), holdings_after(row["moved"]))
