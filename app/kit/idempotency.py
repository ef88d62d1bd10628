"""Writes that can be retried: the key, the request's fingerprint and the answer commit with the effect."""

from datetime import datetime

from sqlalchemy import Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.tables import Base, Id


class IdempotencyRecord(Base):
    """The answer given to one key of one credential on one route. Without `expires_at` it is kept for good."""

    __tablename__ = "idempotency_records"

    project_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    credential: Mapped[Id] = mapped_column(primary_key=True)
    route: Mapped[Id] = mapped_column(primary_key=True)
    key: Mapped[Id] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    status: Mapped[int]
    media_type: Mapped[str | None]
    body: Mapped[bytes | None]
    expires_at: Mapped[datetime | None]
