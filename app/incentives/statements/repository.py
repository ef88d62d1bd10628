"""SQL of accounts that hold value and of their entries, always inside one project."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from sqlalchemy import Select, select, text

from app.engine.postings import KEPT_IN_LOTS, AccountKey
from app.kit.repository import Repository
from app.models import Account, Entry

MOST_ACCOUNTS = 200
"""Of one owner: each measure, and one for each currency."""

# Entries are recorded in the sequence of their positions, so an instant is found among a million in twenty steps.
ENTRIES_BEFORE = text(
    """
WITH RECURSIVE search AS (
    SELECT 0::bigint AS low, CAST(:count AS bigint) AS high
    UNION ALL
    SELECT CASE WHEN is_before THEN middle ELSE low END, CASE WHEN is_before THEN high ELSE middle - 1 END
    FROM search
    CROSS JOIN LATERAL (SELECT (low + high + 1) / 2 AS middle) AS halved
    CROSS JOIN LATERAL (
        SELECT CASE cause_type WHEN 'opening' THEN effective_at ELSE recorded_at END < :instant AS is_before
        FROM entries
        WHERE project_id = :project AND owner_id = :owner_id AND measure = :measure AND subject = :subject
            AND period = :period AND position = middle
    ) AS looked_at
    WHERE low < high
)
SELECT low FROM search WHERE low = high
"""
)
EXPIRED = text("SELECT expired_points(:project, :owner_id, :measure, :subject, :period, :now)")


class StatementRepository(Repository[Entry]):
    """Accounts that hold value, and their entries."""

    model: ClassVar = Entry

    async def accounts_of(self, owner_id: str) -> Sequence[Account]:
        """What this voucher, reward or customer holds, as many accounts as there are."""
        rows = select(Account).where(
            Account.project_id == self.project_id, Account.owner_id == owner_id, Account.holds_value
        )
        return (await self.session.scalars(rows.order_by(Account.measure, Account.subject).limit(MOST_ACCOUNTS))).all()

    async def entries_before(self, account: AccountKey, entries_count: int, instant: datetime) -> int:
        """How many of the account's entries count before `instant`: an opening from when the voucher was made."""
        found = {"project": self.project_id, **account._asdict(), "count": entries_count, "instant": instant}
        count: int = await self.session.scalar(ENTRIES_BEFORE, found)
        return count

    async def balance_after(self, account: AccountKey, position: int) -> int:
        """What the account held after so many entries."""
        row = self._of(account).where(Entry.position == position).with_only_columns(Entry.balance)
        return await self.session.scalar(row) or 0

    async def position_of(self, account: AccountKey, entry_id: str) -> int | None:
        row = self._of(account).where(Entry.id == entry_id).with_only_columns(Entry.position)
        return await self.session.scalar(row)

    async def between(self, account: AccountKey, first: int, last: int, limit: int) -> Sequence[Entry]:
        """Entries after position `first` up to `last`, at most so many."""
        rows = self._of(account).where(Entry.position > first, Entry.position <= last)
        return (await self.session.scalars(rows.order_by(Entry.position).limit(limit))).all()

    async def expired(self, account: AccountKey, now: datetime) -> int:
        """How many points on the account have expired and were not entered as expired yet."""
        if account.measure != KEPT_IN_LOTS:
            return 0
        points: int = await self.session.scalar(EXPIRED, {"project": self.project_id, **account._asdict(), "now": now})
        return points

    def _of(self, account: AccountKey) -> Select[Entry]:
        return self.rows().where(
            Entry.owner_id == account.owner_id,
            Entry.measure == account.measure,
            Entry.subject == account.subject,
            Entry.period == account.period,
        )
