"""What happened, written in the transaction in which it happened; the worker delivers it later."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, Integer, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kit import clock
from app.kit.tables import Base, Id, Json

SETTLED = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
"""SQL: every transaction with a smaller number has ended, and what it has written is to be seen."""
LAST = 2**63 - 1
"""An id behind every event of a transaction."""


class OutboxEvent(Base):
    """One announcement, waiting for the worker.

    Ids are given before their transaction commits, so a reader that remembers the last id it saw misses what commits
    late. Readers go by `transaction_id`, the number of the transaction that wrote the event, and no further than
    `SETTLED`. Events from before there was this number have 0 and are read by nobody.
    """

    __tablename__ = "outbox_events"

    project_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    transaction_id: Mapped[int] = mapped_column(
        BigInteger,
        primary_key=True,
        autoincrement=False,
        server_default=text("(pg_current_xact_id()::text)::bigint"),
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    type: Mapped[str]
    entity_id: Mapped[Id]
    data: Mapped[Json]
    created_at: Mapped[datetime]


class OutboxCursor(Base):
    """How far a reader has read the events of a project: all up to event `event_id` of this transaction."""

    __tablename__ = "outbox_cursors"

    project_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    reader: Mapped[Id] = mapped_column(primary_key=True)
    transaction_id: Mapped[int]
    event_id: Mapped[int]


class OutboxDelivery(Base):
    """An event that a follower has not handled yet; the row goes in the transaction that handles it.

    After `attempts` that failed it is tried again at `due_at`, or never, when it `died_at` some time: then it is a dead
    letter, and what happened to the same object later does not wait for it any more.
    """

    __tablename__ = "outbox_deliveries"
    __table_args__ = (
        Index(
            "outbox_deliveries_due_idx", "project_id", "due_at", "event_id", postgresql_where=text("died_at IS NULL")
        ),
        Index(
            "outbox_deliveries_dead_idx",
            "project_id",
            "event_id",
            "follower",
            postgresql_where=text("died_at IS NOT NULL"),
        ),
    )

    project_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    follower: Mapped[Id] = mapped_column(primary_key=True)
    entity_id: Mapped[Id] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    transaction_id: Mapped[int]
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    due_at: Mapped[datetime]
    died_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


def announce(session: AsyncSession, project_id: int, event_type: str, entity_id: str, data: Mapping[str, Any]) -> None:
    """Add an event, such as `voucher.created`, to this transaction."""
    event = OutboxEvent(
        project_id=project_id, type=event_type, entity_id=entity_id, data=dict(data), created_at=clock.now()
    )
    session.add(event)
