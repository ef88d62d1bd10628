"""What qualifies members of loyalty programs: the points they have, and those they gathered, from the books."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.engine.postings import AccountKey
from app.models import Account

# Entries know what was ever put in up to themselves, and their positions ascend with time: the last one before an
# instant is found by halving, in a look-up per doubling of the account's entries.
_GATHERED = text("""
WITH RECURSIVE account AS (
    SELECT * FROM accounts WHERE project_id = :project_id AND owner_id = :owner_id AND measure = :measure
        AND subject = :subject AND period = :period
), search AS (
    SELECT number, instant, 0::bigint AS low, coalesce((SELECT entries_count FROM account), 0) AS high
    FROM unnest(CAST(:instants AS timestamptz[])) WITH ORDINALITY AS asked (instant, number)
    UNION ALL
    SELECT number, instant,
        CASE WHEN entry.effective_at < instant THEN middle ELSE low END,
        CASE WHEN entry.effective_at < instant THEN high ELSE middle - 1 END
    FROM search
    CROSS JOIN LATERAL (SELECT (low + high + 1) / 2 AS middle) AS halved
    CROSS JOIN LATERAL (
        SELECT effective_at FROM entries WHERE project_id = :project_id AND owner_id = :owner_id
            AND measure = :measure AND subject = :subject AND period = :period AND position = middle
    ) AS entry
    WHERE low < high
)
SELECT coalesce((
    SELECT total FROM entries WHERE project_id = :project_id AND owner_id = :owner_id
        AND measure = :measure AND subject = :subject AND period = :period AND position = search.low
), 0)
FROM search WHERE low = high ORDER BY number
""")


async def usable(session: AsyncSession, project_id: int, account: AccountKey, now: datetime) -> int:
    """What the account holds at `now`: what has expired counts no more, even if it was not entered as expired yet."""
    key = (account.owner_id, account.measure, account.subject, account.period)
    balance = select(Account.balance - func.expired_points(project_id, *key, now)).where(
        Account.project_id == project_id,
        Account.owner_id == account.owner_id,
        Account.measure == account.measure,
        Account.subject == account.subject,
        Account.period == account.period,
    )
    return await session.scalar(balance) or 0


async def gathered_before(
    session: AsyncSession, project_id: int, account: AccountKey, instants: Sequence[datetime]
) -> list[int]:
    """All that was given to the account or earned, less what of it was reversed, before each instant. Spending, expiry
    and transfers change nothing."""
    values = {"project_id": project_id, **account._asdict(), "instants": list(instants)}
    return list(await session.scalars(_GATHERED, values))
