"""What happened, written in the transaction in which it happened; the worker delivers it later."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Integer
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kit import clock
from app.kit.tables import Base, Id, Json


class OutboxEvent(Base):
    """One announcement, waiting for the worker."""

    __tablename__ = "outbox_events"

    project_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    type: Mapped[str]
    entity_id: Mapped[Id]
    data: Mapped[Json]
    created_at: Mapped[datetime]


def announce(session: AsyncSession, project_id: int, event_type: str, entity_id: str, data: Mapping[str, Any]) -> None:
    """Add an event, such as `voucher.created`, to this transaction."""
    event = OutboxEvent(
        project_id=project_id, type=event_type, entity_id=entity_id, data=dict(data), created_at=clock.now()
    )
    session.add(event)
