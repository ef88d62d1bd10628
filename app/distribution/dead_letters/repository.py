"""Dead letters in the database."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Row, Select, func, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.following import READER
from app.kit.outbox import LAST, OutboxDelivery, OutboxEvent

MOST_COUNTED = 10_000

# What is due and was not handled, and what was announced and not passed on: each by its index.
_WAITING_SINCE = text(f"""
SELECT least(
    (SELECT min(due_at) FROM outbox_deliveries WHERE project_id = :project_id AND died_at IS NULL AND due_at <= now()),
    (
        SELECT event.created_at FROM outbox_events AS event WHERE event.project_id = :project_id
        AND (event.transaction_id, event.id) > (coalesce(cursor.transaction_id, 0), coalesce(cursor.event_id, {LAST}))
        ORDER BY event.transaction_id, event.id LIMIT 1
    )
)
FROM (SELECT 1) AS one
LEFT JOIN outbox_cursors AS cursor ON cursor.project_id = :project_id AND cursor.reader = :reader
""")


class LetterKey(NamedTuple):
    """A dead letter: the event and who failed on it."""

    event_id: int
    follower: str


class DeadLetterRepository:
    """Deliveries of one project that were given up."""

    def __init__(self, session: AsyncSession, project_id: int) -> None:
        self.session = session
        self.project_id = project_id

    async def page(
        self, *, before: LetterKey | None, follower: str | None, limit: int
    ) -> Sequence[Row[OutboxDelivery, OutboxEvent]]:
        """Deliveries with their events, the newest event first."""
        dead = self._dead(follower).join(
            OutboxEvent,
            (OutboxEvent.project_id == OutboxDelivery.project_id)
            & (OutboxEvent.transaction_id == OutboxDelivery.transaction_id)
            & (OutboxEvent.id == OutboxDelivery.event_id),
        )
        if before is not None:
            dead = dead.where(tuple_(OutboxDelivery.event_id, OutboxDelivery.follower) < tuple_(*before))
        newest_first = dead.order_by(OutboxDelivery.event_id.desc(), OutboxDelivery.follower.desc())
        columns = newest_first.with_only_columns(OutboxDelivery, OutboxEvent).limit(limit)
        return (await self.session.execute(columns)).all()

    async def count(self, follower: str | None) -> int:
        """How many there are, as far as `MOST_COUNTED`."""
        some = self._dead(follower).with_only_columns(OutboxDelivery.event_id).limit(MOST_COUNTED).subquery()
        return await self.session.scalar(select(func.count()).select_from(some)) or 0

    async def waiting_since(self) -> datetime | None:
        """Since when something has been due that is not handled yet."""
        parameters = {"project_id": self.project_id, "reader": READER}
        since: datetime | None = await self.session.scalar(_WAITING_SINCE, parameters)
        return since

    async def revive(self, key: LetterKey) -> bool:
        """Have it tried again, as if for the first time. False when there is no such dead letter."""
        revived = await self.session.execute(
            update(OutboxDelivery)
            .where(
                OutboxDelivery.project_id == self.project_id,
                OutboxDelivery.event_id == key.event_id,
                OutboxDelivery.follower == key.follower,
                OutboxDelivery.died_at.is_not(None),
            )
            .values(died_at=None, attempts=0, due_at=func.now())
            .returning(OutboxDelivery.event_id)
        )
        return revived.first() is not None

    def _dead(self, follower: str | None) -> Select[OutboxDelivery]:
        dead = select(OutboxDelivery).where(
            OutboxDelivery.project_id == self.project_id, OutboxDelivery.died_at.is_not(None)
        )
        return dead if follower is None else dead.where(OutboxDelivery.follower == follower)
