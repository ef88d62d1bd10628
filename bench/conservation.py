"""After the load: what was answered, what is stored and what is counted must be the same number, everywhere."""

from typing import NamedTuple

import asyncpg

from app.kit.db import Database
from app.ledger.doctor import examine

STORED = """
SELECT
    (SELECT coalesce(-sum(balance), 0)::bigint FROM accounts
        WHERE measure = 'uses' AND subject = '' AND period = '') AS uses,
    (SELECT count(*) FROM redemptions WHERE object = 'redemption' AND status = 'SUCCEEDED') AS redemptions,
    (SELECT count(*) FROM outbox_events WHERE type = 'redemption.succeeded') AS events,
    (SELECT count(*) FROM orders) AS orders,
    (SELECT coalesce(sum(redeemed_count), 0)::bigint FROM floor.voucher) AS floor_uses,
    (SELECT count(*) FROM floor.redemption) AS floor_redemptions,
    (SELECT count(*) FROM floor.outbox) AS floor_events,
    (SELECT count(*) FROM entries WHERE measure = 'points' AND cause_type = 'adjustment') AS points_moved
"""


class Counts(NamedTuple):
    """Redemptions, counted in every place that knows of them. `answered` is what clients were told."""

    answered: int
    uses: int
    redemptions: int
    events: int
    orders: int


class NotConserved(Exception):
    """Two places that must agree do not; the text has the figures."""


async def check_conservation(database_url: str, *, answered: int, floor_answered: int, points_moved: int) -> Counts:
    """`points_moved` is how often, not how many. Raises NotConserved."""
    connection = await asyncpg.connect(database_url)
    row = await connection.fetchrow(STORED)
    await connection.close()
    counts = Counts(answered, row["uses"], row["redemptions"], row["events"], row["orders"])
    floor = (floor_answered, row["floor_uses"], row["floor_redemptions"], row["floor_events"])
    if len(set(counts)) != 1 or len(set(floor)) != 1:
        raise NotConserved(f"{counts}; of the floor: {floor}")
    if row["points_moved"] != points_moved:
        raise NotConserved(f"Points were moved {points_moved} times, but there are {row['points_moved']} entries.")
    database = Database(database_url, pool_size=1)
    differences = await examine(database)
    await database.close()
    if differences:
        raise NotConserved(f"{len(differences)} differences, first {differences[0]}")
    return counts
