"""Holds: what a session has reserved of accounts until it is released, redeemed or expires by the database's clock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.engine.postings import AccountKey, Posting
from app.kit import clock
from app.kit.db import Connection, to_json
from app.ledger.errors import refusal_of
from app.ledger.movements import Opening, opening_row

HOLD: Final = """
WITH guarded AS MATERIALIZED (SELECT $1::integer AS project, require_configuration($1, $2))
SELECT hold(guarded.project, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) FROM guarded
"""

# `held` counts expired holds and the session's own; both are few, so the cost does not grow with what others hold.
HELD_BY_OTHERS: Final = """
SELECT account.owner_id, account.measure, account.subject, account.period,
    (account.held - expired.amount - own.amount)::bigint AS held
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS wanted (owner_id, measure, subject, period)
JOIN accounts AS account ON account.project_id = $1 AND account.owner_id = wanted.owner_id
    AND account.measure = wanted.measure AND account.subject = wanted.subject AND account.period = wanted.period
CROSS JOIN LATERAL (
    SELECT coalesce(sum(amount), 0) AS amount FROM holds
    WHERE project_id = $1 AND owner_id = account.owner_id AND measure = account.measure AND subject = account.subject
        AND period = account.period AND expires_at <= statement_timestamp()
) AS expired
CROSS JOIN LATERAL (
    SELECT coalesce(sum(amount), 0) AS amount FROM holds
    WHERE project_id = $1 AND session_key = $6 AND owner_id = account.owner_id AND measure = account.measure
        AND subject = account.subject AND period = account.period AND expires_at > statement_timestamp()
) AS own
"""

IS_OF_SUBJECT = "(subject = :subject OR right(subject, length(:subject) + 1) = '|' || :subject)"
HELD_FOR: Final = f"""
SELECT DISTINCT owner_id, measure, subject, period FROM holds WHERE project_id = :project AND {IS_OF_SUBJECT}
"""
MOVE_HOLDS: Final = f"""
WITH gone AS (
    DELETE FROM holds WHERE project_id = :project AND {IS_OF_SUBJECT} RETURNING *
), moved AS (
    SELECT gone.*, left(subject, -length(:subject)) || :other AS new_subject FROM gone
), kept AS (
    INSERT INTO holds (project_id, session_key, object_id, owner_id, measure, subject, period, amount, expires_at)
    SELECT project_id, session_key, object_id, owner_id, measure, new_subject, period, amount, expires_at FROM moved
    ON CONFLICT (project_id, session_key, object_id, owner_id, measure, subject, period) DO UPDATE
        SET amount = holds.amount + excluded.amount, expires_at = greatest(holds.expires_at, excluded.expires_at)
), change AS (
    SELECT owner_id, measure, subject, period, sum(amount) AS amount FROM (
        SELECT owner_id, measure, subject, period, -amount AS amount FROM moved
        UNION ALL SELECT owner_id, measure, new_subject, period, amount FROM moved
    ) AS changes
    GROUP BY owner_id, measure, subject, period
)
UPDATE accounts AS account SET held = account.held + change.amount FROM change
WHERE account.project_id = :project AND account.owner_id = change.owner_id AND account.measure = change.measure
    AND account.subject = change.subject AND account.period = change.period
"""


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a redeemable would post to an account that can run out, and what the account was made with, if it holds
    value and may have no row yet."""

    object_id: str
    posting: Posting
    opening: Opening | None = None
    campaign_id: str | None = None


async def hold(
    connection: Connection,
    project_id: int,
    version: int,
    session_key: str,
    lasting: timedelta,
    reservations: Sequence[Reservation],
    *,
    actor: str,
) -> None:
    """Let the session hold exactly these from now on, instead of all that it held before. Every posting has a floor.

    Raises RanOut, or Outdated when the configuration has changed since `version`; then it holds what it held.
    """
    accounts = [reservation.posting.account for reservation in reservations]
    openings = [
        {
            **reservation.posting.account._asdict(),
            "actor": actor,
            "campaign_id": reservation.campaign_id,
            **opening_row(reservation.opening),
        }
        for reservation in reservations
        if reservation.opening is not None
    ]
    try:
        await connection.execute(
            HOLD,
            project_id,
            version,
            session_key,
            lasting,
            [reservation.object_id for reservation in reservations],
            *_names(accounts),
            [-reservation.posting.amount for reservation in reservations],
            [reservation.posting.floor for reservation in reservations],
            to_json(openings),
            clock.now(),
        )
    except asyncpg.PostgresError as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error


async def release(session: AsyncSession, project_id: int, session_key: str, object_id: str | None = None) -> None:
    """Give back what the session holds, for this redeemable or for all; nothing happens when that is nothing."""
    await session.execute(
        text("SELECT end_session(:project, :key, :object, '{}', '{}', '{}', '{}', '[]')"),
        {"project": project_id, "key": session_key, "object": object_id},
    )


async def held_for(session: AsyncSession, project_id: int, subject: str) -> list[AccountKey]:
    """The accounts of this subject that sessions hold something of, be it the whole subject or its last part."""
    rows = await session.execute(text(HELD_FOR), {"project": project_id, "subject": subject})
    return [AccountKey(*row) for row in rows]


async def move_holds(session: AsyncSession, project_id: int, subject: str, other: str) -> None:
    """Let sessions hold of the other subject's accounts what they hold of this one's, even if that is more than is
    left. Both have their rows, and these are locked (`lock_accounts`)."""
    await session.execute(text(MOVE_HOLDS), {"project": project_id, "subject": subject, "other": other})


async def lock_accounts(session: AsyncSession, project_id: int, accounts: Sequence[AccountKey]) -> None:
    """Keep accounts as they are until the transaction ends, in the order in which everybody locks them. Their rows are
    made if there are none; one that holds value is opened with nothing yet entered."""
    owners, measures, subjects, periods = _names(accounts)
    await session.execute(
        text("SELECT lock_accounts(:project, :owners, :measures, :subjects, :periods, '[]')"),
        {"project": project_id, "owners": owners, "measures": measures, "subjects": subjects, "periods": periods},
    )


async def held_by_others(
    connection: Connection, project_id: int, accounts: Iterable[Mapping[str, Any]], session_key: str | None
) -> dict[AccountKey, int]:
    """How much of these rows of accounts live sessions hold, this one apart; one statement where any hold something."""
    held = [_key(account) for account in accounts if account["held"]]
    if not held:
        return {}
    rows = await connection.fetch(HELD_BY_OTHERS, project_id, *_names(held), session_key)
    return {_key(row): row["held"] for row in rows if row["held"]}


async def clear_expired(session: AsyncSession, project_id: int, *, at_most: int) -> int:
    """Forget expired holds, at most so many; gives the number of accounts they were of. They count for nothing anyway,
    but cost the next one who looks at the account."""
    cleared: int = await session.scalar(
        text("SELECT clear_expired_holds(:project, :at_most)"), {"project": project_id, "at_most": at_most}
    )
    return cleared


def _names(accounts: Sequence[AccountKey]) -> tuple[list[str], list[str], list[str], list[str]]:
    return (
        [account.owner_id for account in accounts],
        [account.measure for account in accounts],
        [account.subject for account in accounts],
        [account.period for account in accounts],
    )


def _key(account: Mapping[str, Any]) -> AccountKey:
    return AccountKey(account["owner_id"], account["measure"], account["subject"], account["period"])
