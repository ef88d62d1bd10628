"""Writing decisions down: postings, orders, redemptions and announcements in one statement, all or nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg

from app.engine.postings import AccountKey, Posting
from app.kit.db import Connection, Database, to_json
from app.ledger.accounts import posting_arrays
from app.ledger.errors import Outdated, refusal_of
from app.ledger.movements import Holdings, Movement, holdings_after, movement_rows

# The configuration is held still first, then orders are kept, and accounts are posted to last. Every recording locks
# in this sequence, and a code that everybody redeems is locked only for the posting and the commit. An order that
# somebody else changed since it was read ($10 knows when it was last changed, by id), or made under the same source id,
# makes the whole statement fail, as does an account that ran out.
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
    WHERE known.updated_at IS NOT DISTINCT FROM ($10::jsonb ->> excluded.id)::timestamptz
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

# With a session ($14) what it holds is given back first, and its accounts are locked together with those posted to.
RECORD_ENDING_SESSION: Final = RECORD.replace(
    """
)
SELECT""",
    """
), ended AS MATERIALIZED (
    SELECT written.*, end_session(written.project, $14, NULL, $3, $4, $5, $6, $13) FROM written
)
SELECT""",
).replace("FROM written, apply_postings(written.", "FROM ended, apply_postings(ended.")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Recording:
    """What one request writes: `postings` to accounts that count, `movements` of those that hold value, and rows.

    Rows are dictionaries by column name. `order_seen_at` is the kept order's `updated_at` as it was read. All that the
    session with `session_key` holds is given back first, so that the postings find it free.
    """

    redemptions: Sequence[Row]
    events: Sequence[Row]
    postings: Sequence[Posting] = ()
    movements: Sequence[Movement] = ()
    order: Row | None = None
    order_seen_at: datetime | None = None
    session_key: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """The new balances of the accounts posted to: of those that count, and of those that hold value."""

    balances: Mapping[AccountKey, int]
    holdings: Mapping[AccountKey, Holdings]


async def record(db: Database, project_id: int, version: int, recording: Recording) -> Recorded:
    """Write all of it, decided on the configuration of `version`, together with what other requests have to write.

    Raises RanOut, or Outdated when configuration or order have changed since they were read; then nothing is written.
    """

    async def write(connection: Connection, recordings: Sequence[Recording]) -> Sequence[Recorded]:
        return await _write(connection, project_id, version, recordings)

    # The statement tells one balance for each account that holds value, and ends one session: what moves value or has a
    # session is written by itself.
    is_alone = bool(recording.movements) or recording.session_key is not None
    kind = (project_id, version, recording.redemptions[0]["id"] if is_alone else None)
    return await db.together(kind, recording, write)


async def _write(
    connection: Connection, project_id: int, version: int, recordings: Sequence[Recording]
) -> Sequence[Recorded]:
    postings = merged(posting for recording in recordings for posting in recording.postings)
    moves = movement_rows([movement for recording in recordings for movement in recording.movements])
    # Two groups with some of the same orders must meet them in the same sequence.
    orders = sorted(
        (each.order for each in recordings if each.order), key=lambda order: order["source_id"] or order["id"]
    )
    seen = {each.order["id"]: each.order_seen_at for each in recordings if each.order and each.order_seen_at}
    session_key = recordings[0].session_key
    try:
        row = await connection.fetchrow(
            RECORD if session_key is None else RECORD_ENDING_SESSION,
            project_id,
            version,
            *posting_arrays(postings),
            to_json(orders),
            to_json(seen),
            to_json([row for recording in recordings for row in recording.redemptions]),
            to_json([event for recording in recordings for event in recording.events]),
            None if moves is None else to_json(moves),
            *(() if session_key is None else (session_key,)),
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
    balances = dict(zip((posting.account for posting in postings), row["balances"] or (), strict=True))
    holdings = holdings_after(row["moved"])
    return [Recorded(own, holdings) for own in balances_of_each(recordings, balances)]


def merged(postings: Iterable[Posting]) -> list[Posting]:
    """One posting for each account: their sum, which may not fall below the highest of their floors."""
    merged: dict[AccountKey, Posting] = {}
    for posting in postings:
        other = merged.get(posting.account)
        if other is not None:
            floors = [each.floor for each in (other, posting) if each.floor is not None]
            posting = Posting(posting.account, other.amount + posting.amount, max(floors, default=None))
        merged[posting.account] = posting
    return list(merged.values())


def balances_of_each(
    recordings: Sequence[Recording], balances: dict[AccountKey, int]
) -> Sequence[Mapping[AccountKey, int]]:
    """Where the accounts of each recording stood after it, as if they had been written in turn. `balances` is where
    they stand after all, and is used up."""
    each: list[dict[AccountKey, int]] = []
    for recording in reversed(recordings):
        each.append({posting.account: balances[posting.account] for posting in recording.postings})
        for posting in recording.postings:
            balances[posting.account] -= posting.amount
    return each[::-1]
