"""Who was referred by whom, and what came of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.tables import Base, Id, Json, ProjectRow


def _where_given(name: str, column: str) -> Index:
    """Finds the referrals that have one."""
    return Index(f"referrals_{name}_idx", "project_id", column, postgresql_where=text(f"{column} IS NOT NULL"))


class Referral(ProjectRow):
    """A referee of a referrer in a program, in one of the states of `engine.referrals.Status`.

    `voucher_id` is the referrer's code. `source` tells how the referee came: `holders`, `redemption`, `custom_event` or
    `claim`. `redemption_id`, `order_id` and `event_id` are what made them qualify. `due_at` is when rewards are given,
    or tried again: `problem` says what was in the way the last time. `position` numbers the rewarded referees of a
    referrer from 1; `rewards` are what was given, to whom. `settled_at` is when a final state was reached.
    """

    __tablename__ = "referrals"
    __table_args__ = (
        Index(None, "project_id", "campaign_id", "id"),
        Index(None, "project_id", "voucher_id", "id"),
        Index(None, "project_id", "referrer_id", "id"),
        Index(None, "project_id", "referee_id", "id"),
        Index(
            "referrals_invited_once_idx",
            "project_id",
            "voucher_id",
            "referee_id",
            unique=True,
            postgresql_where=text("status = 'INVITED'"),
        ),
        Index("referrals_due_idx", "project_id", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("referrals_order_idx", "project_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        Index(
            "referrals_redemption_idx",
            "project_id",
            "redemption_id",
            postgresql_where=text("redemption_id IS NOT NULL"),
        ),
    )

    campaign_id: Mapped[Id]
    voucher_id: Mapped[Id]
    referrer_id: Mapped[Id]
    referee_id: Mapped[Id]
    status: Mapped[str]
    source: Mapped[str]
    rejection: Mapped[str | None]
    redemption_id: Mapped[Id | None]
    order_id: Mapped[Id | None]
    event_id: Mapped[Id | None]
    attributed_at: Mapped[datetime | None]
    qualified_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    position: Mapped[int | None]
    rewards: Mapped[list[Any]] = mapped_column(default=list)
    problem: Mapped[str | None]
    referral_metadata: Mapped[Json] = mapped_column("metadata", default=dict)
    created_at: Mapped[datetime]


class ReferralClaim(Base):
    """An identity of a referee (`customer:cust_...`, `email:` and a keyed hash): in one program nobody else can be
    referred under it as long as the referral stands."""

    __tablename__ = "referral_claims"
    __table_args__ = (Index(None, "project_id", "referral_id"),)

    project_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    campaign_id: Mapped[Id] = mapped_column(primary_key=True)
    subject: Mapped[Id] = mapped_column(primary_key=True)
    referral_id: Mapped[Id]
