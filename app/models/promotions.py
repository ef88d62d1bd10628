"""Discounts that need no code: the tiers of promotion campaigns, and stacks of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.tables import Id, Json, ProjectRow, Timestamps


class PromotionTier(ProjectRow, Timestamps):
    """A discount of a promotion campaign, redeemed by its id. A deleted tier stays for the redemptions that name it.

    Of the tiers of a campaign the one with the lowest `hierarchy` comes first. `counted` is that of a campaign
    (`Campaign.counted`); from birth it names what the summary is made of.
    """

    __tablename__ = "promotion_tiers"
    __table_args__ = (
        Index(None, "project_id", "campaign_id", "id"),
        Index("promotion_tiers_live_idx", "project_id", "id", postgresql_where=text("active AND deleted_at IS NULL")),
    )

    campaign_id: Mapped[Id]
    name: Mapped[str]
    banner: Mapped[str | None]
    discount: Mapped[Json]
    hierarchy: Mapped[int]
    active: Mapped[bool] = mapped_column(default=True)
    start_date: Mapped[datetime | None]
    expiration_date: Mapped[datetime | None]
    validity: Mapped[Json] = mapped_column(default=dict)
    category_id: Mapped[Id | None]
    counted: Mapped[Json] = mapped_column(default=dict)
    tier_metadata: Mapped[Json] = mapped_column("metadata", default=dict)
    deleted_at: Mapped[datetime | None]


class PromotionStack(ProjectRow, Timestamps):
    """Tiers of one campaign that are redeemed together under one id, in the order of `tier_ids`."""

    __tablename__ = "promotion_stacks"
    __table_args__ = (Index(None, "project_id", "campaign_id", "id"),)

    campaign_id: Mapped[Id]
    name: Mapped[str]
    tier_ids: Mapped[list[Any]] = mapped_column(default=list)
    category_id: Mapped[Id | None]
