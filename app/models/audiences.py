"""Groups of customers, and what customers did that is not an order."""

from datetime import datetime

from sqlalchemy import Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.tables import Base, Id, Json, ProjectRow, Timestamps


class Segment(ProjectRow, Timestamps):
    """A group of customers: those named (`static`, see SegmentMember), or those a filter accepts when it is asked.

    Of `auto-update` ones it is announced who enters and leaves, from `watched_since` on: when it was known who was in.
    """

    __tablename__ = "segments"

    name: Mapped[str]
    type: Mapped[str]
    filter: Mapped[Json | None]
    watched_since: Mapped[datetime | None]


class SegmentMember(Base):
    """A customer who was put into a static segment."""

    __tablename__ = "segment_members"
    __table_args__ = (Index(None, "project_id", "customer_id"),)

    project_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    segment_id: Mapped[Id] = mapped_column(primary_key=True)
    customer_id: Mapped[Id] = mapped_column(primary_key=True)


class SegmentStanding(Base):
    """A customer who was in an auto-update segment when it was last looked at."""

    __tablename__ = "segment_standings"

    project_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    customer_id: Mapped[Id] = mapped_column(primary_key=True)
    segment_id: Mapped[Id] = mapped_column(primary_key=True)


class CustomEvent(ProjectRow):
    """Something a customer did, under a name that the shop made up."""

    __tablename__ = "custom_events"
    __table_args__ = (Index(None, "project_id", "customer_id", "id"),)

    event: Mapped[str]
    customer_id: Mapped[Id]
    event_metadata: Mapped[Json] = mapped_column("metadata", default=dict)
    created_at: Mapped[datetime]


class CustomerEventCount(Base):
    """How often a customer did what an event is about: a count, because a checkout cannot walk through all of them."""

    __tablename__ = "customer_event_counts"

    project_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    customer_id: Mapped[Id] = mapped_column(primary_key=True)
    event: Mapped[Id] = mapped_column(primary_key=True)
    count: Mapped[int]
