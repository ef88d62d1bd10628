"""How points are earned."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.tables import Id, Json, ProjectRow, Timestamps


class EarningRule(ProjectRow, Timestamps):
    """What earns points in a loyalty program. A deleted rule stays for what was earned by it.

    `event` is what it waits for as on the wire, `trigger` what kind of thing that is (`engine.earning.Trigger`), and
    `target_id` the segment, the loyalty tier (`__ANY__` for all) or the schema of the custom event. `loyalty` is an
    `engine.earning.Loyalty`, `validity` holds timeframe, days of the week and hours as on the wire, `limits` are what a
    member can earn at most.
    """

    __tablename__ = "earning_rules"
    __table_args__ = (
        Index(None, "project_id", "campaign_id", "id"),
        Index(
            "earning_rules_live_idx",
            "project_id",
            "trigger",
            "event",
            postgresql_where=text("active AND deleted_at IS NULL"),
        ),
    )

    campaign_id: Mapped[Id]
    event: Mapped[Id]
    trigger: Mapped[Id]
    target_id: Mapped[Id | None]
    loyalty: Mapped[Json]
    banner: Mapped[str | None]
    active: Mapped[bool] = mapped_column(default=True)
    start_date: Mapped[datetime | None]
    expiration_date: Mapped[datetime | None]
    validity: Mapped[Json] = mapped_column(default=dict)
    pending_points: Mapped[Json | None]
    expiration_rules: Mapped[Json | None]
    limits: Mapped[list[Any]] = mapped_column(default=list)
    rule_metadata: Mapped[Json] = mapped_column("metadata", default=dict)
    deleted_at: Mapped[datetime | None]
