"""How points are earned, and what was earned."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
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


class PointsEarning(ProjectRow):
    """What a rule gave for one cause: an order or an event earns once by each rule, however often it is told of.

    `points` were earned in the latest `round`: an order that is paid again after it was canceled begins a new one.
    `taken_back_points` of them were taken back since; a card that did not have them any more owes them, or is let off.
    `allocation` has the points of every unit of the order (`engine.stored_allocation`), empty where units have no part
    in it: then they are taken back when the whole order is. `counted` names the accounts that count this for limits:
    their periods, by measure.
    """

    __tablename__ = "points_earnings"
    __table_args__ = (
        UniqueConstraint("project_id", "rule_id", "cause_id", name="points_earnings_once_key"),
        Index("points_earnings_order_idx", "project_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        Index(None, "project_id", "customer_id"),
        CheckConstraint("points > 0 AND taken_back_points BETWEEN 0 AND points", "takes_back_no_more"),
    )

    rule_id: Mapped[Id]
    cause_id: Mapped[Id]
    campaign_id: Mapped[Id]
    voucher_id: Mapped[Id]
    customer_id: Mapped[Id]
    order_id: Mapped[Id | None]
    round: Mapped[int] = mapped_column(default=1)
    points: Mapped[int]
    taken_back_points: Mapped[int] = mapped_column(default=0)
    allocation: Mapped[str | None]
    counted: Mapped[Json] = mapped_column(default=dict)
    earned_at: Mapped[datetime]
