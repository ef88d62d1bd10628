"""Tiers of loyalty programs, and where members stand."""

from datetime import datetime

from sqlalchemy import Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.tables import Base, Id, Json, ProjectRow, Timestamps


class LoyaltyTier(ProjectRow, Timestamps):
    """A level of a loyalty program, for members with `points_from` to `points_to` points, both included.

    `earning_rules` and `rewards` say by id what the tier makes of the points of an earning rule and of the price of a
    reward or reward assignment (`engine.loyalty_tiers.PointsMapping`). A deleted tier stays for those who were in it.
    """

    __tablename__ = "loyalty_tiers"
    __table_args__ = (Index(None, "project_id", "campaign_id", "id"),)

    campaign_id: Mapped[Id]
    name: Mapped[str]
    points_from: Mapped[int]
    points_to: Mapped[int | None]
    earning_rules: Mapped[Json] = mapped_column(default=dict)
    rewards: Mapped[Json] = mapped_column(default=dict)
    tier_metadata: Mapped[Json] = mapped_column("metadata", default=dict)
    deleted_at: Mapped[datetime | None]


class LoyaltyStanding(Base, Timestamps):
    """The tier that a loyalty card is in, since when and until when, and a higher one that begins later
    (`engine.loyalty_tiers.Standing`). The row is the lock under which that is worked out.

    At `due_at` it changes by itself. Nothing here names the customer: that is who holds the card.
    """

    __tablename__ = "loyalty_standings"
    __table_args__ = (
        Index("loyalty_standings_due_idx", "project_id", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    project_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    voucher_id: Mapped[Id] = mapped_column(primary_key=True)
    campaign_id: Mapped[Id]
    tier_id: Mapped[Id | None]
    starts_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    next_tier_id: Mapped[Id | None]
    next_starts_at: Mapped[datetime | None]
    next_expires_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
