"""Limits on what may be done within a span of time: taking from them, giving back, and forgetting what has ended."""

import hashlib
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.db import Database
from app.models import ClientAllowance

# A customer is one subject under whichever of their ids they are named ($6 and $7); one that nobody knows is counted
# under the name that was given ($8).
TAKE: Final = """
SELECT taken.*, asked.subjects FROM (
    SELECT $2::text[] || CASE WHEN $8::text IS NULL THEN '{}' ELSE ARRAY[
        'failures:customer:' || COALESCE(
            (SELECT id FROM customers WHERE project_id = $1 AND (id = $6 OR source_id = $7)), $8
        )
    ] END AS subjects
) AS asked, take_allowances($1, asked.subjects, $3, $4, $5) AS taken
"""

# Rows are locked in the order of their names, as they are when taken from. A window that has ended owes nothing.
GIVE_BACK: Final = """
WITH locked AS MATERIALIZED (
    SELECT subject FROM client_allowances
    WHERE project_id = $1 AND subject = ANY ($2) AND ends_at = ($3::timestamptz[])[array_position($2, subject)]
    ORDER BY subject FOR UPDATE
)
UPDATE client_allowances SET used = used - $4
WHERE project_id = $1 AND subject = ANY (ARRAY(SELECT subject FROM locked))
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was asked of some limits, all or nothing.

    `used` is what each had counted before. `ends_at` tells when each begins anew; when nothing was taken,
    `seconds_left` is how long until all have enough again.
    """

    is_taken: bool
    subjects: Sequence[str]
    used: Sequence[int]
    ends_at: Sequence[datetime]
    seconds_left: float


@dataclass(frozen=True, slots=True)
class Named:
    """A customer as a request names them, whom a limit counts."""

    id: str | None
    source_id: str | None


async def take(
    db: Database,
    project_id: int,
    limits: Mapping[str, int],
    amount: int,
    seconds: float,
    *,
    customer: Named | None = None,
    per_customer: int = 0,
) -> Taken:
    """Take `amount` from each of `limits`, allowances by subject, and from the customer's; one statement.

    An allowance begins with its first use and is whole again `seconds` later.
    """
    name = customer.id or customer.source_id if customer else None
    async with db.connection() as connection:
        row = await connection.fetchrow(
            TAKE,
            project_id,
            list(limits),
            [*limits.values(), *([per_customer] if name else [])],
            amount,
            seconds,
            customer.id if customer else None,
            customer.source_id if customer and not customer.id else None,
            digest_of(name) if name else None,
        )
    return Taken(row["is_taken"], row["subjects"], row["used"], row["ends_at"], row["seconds_left"] or 0)


async def give_back(db: Database, project_id: int, taken: Taken, amount: int) -> None:
    """Return what was not needed after all."""
    async with db.connection() as connection:
        await connection.execute(GIVE_BACK, project_id, taken.subjects, taken.ends_at, amount)


async def delete_ended(session: AsyncSession, project_id: int, now: datetime, *, at_most: int = 1000) -> int:
    """Forget what has ended; fewer than `at_most` forgotten means none is left."""
    known = ClientAllowance
    ended = select(known.subject).where(known.project_id == project_id, known.ends_at <= now)
    # A CTE, because a subquery that locks may be run more than once, and would find other rows each time.
    locked = ended.limit(at_most).with_for_update(skip_locked=True).cte("locked")
    statement = delete(known).where(known.project_id == project_id, known.subject.in_(select(locked.c.subject)))
    result = await session.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    return result.rowcount


def network_of(address: str | None) -> str:
    """Whom an address stands for: itself or, because a household has that many, all of an IPv6 /64."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return address or "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))


def digest_of(name: str) -> str:
    """Addresses and names of customers are personal: no table but that of the customers says them."""
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
