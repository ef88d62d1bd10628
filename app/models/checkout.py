"""What was decided at the checkout and kept."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, column, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.tables import Id, Json, ProjectRow


def _counted_for(kind: str) -> Index:
    """Finds what was counted for one mail address, phone, device or card; only rows that have one are in it."""
    subject = column("subjects", JSONB)[kind].astext
    return Index(f"redemptions_{kind}_idx", "project_id", subject, "id", postgresql_where=subject.is_not(None))


class Redemption(ProjectRow):
    """A redemption, failed or not, or a rollback of one (`object`); the wire lists both together.

    A stack has a parent row (`related_object_type` redemption) and one child per redeemable (`parent_id`). A rollback
    names the redemption it undoes in `redemption_id`. `order_snapshot` is the calculated order as answered.
    `discounted_amount` and `ordered_amount` are what this redeemable took off and the order before any discount, in
    minor units of `currency`, which is empty for the project's: the figures that budgets count. `units` are those of
    products that its targets limit, by owner and subject of the accounts that count them. `subjects` are the identities
    that limits per customer counted this for, by kind (`{"customer": "cust_...", "email": a keyed hash}`); empty where
    the account alone counts. `allocation` is what this redeemable took off every single unit of the order
    (`engine.stored_allocation`); the redemption that stands for the request, a parent or an only child, says in
    `unit_amounts` what every unit costs after all of it. Both never change: refunds are computed from them.

    `amount` is what a gift card paid, in minor units, or the points that a loyalty card did; for what it is told by
    `reward`: the reward as it was, the assignment that offered it, and the ids of what was given for it.
    """

    __tablename__ = "redemptions"
    __table_args__ = (
        Index(
            "redemptions_rolled_back_once_idx",
            "project_id",
            "redemption_id",
            unique=True,
            postgresql_where=text("object = 'redemption_rollback' AND result = 'SUCCESS'"),
        ),
        Index(None, "project_id", "related_object_id", "id"),
        Index("redemptions_campaign_idx", "project_id", "campaign_id", "customer_id", "id"),
        Index("redemptions_customer_idx", "project_id", "customer_id", "id"),
        *(_counted_for(kind) for kind in ("email", "phone", "device", "payment")),
        Index("redemptions_parent_idx", "project_id", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
    )

    object: Mapped[str]
    parent_id: Mapped[Id | None]
    redemption_id: Mapped[Id | None]
    result: Mapped[str]
    status: Mapped[str]
    failure_code: Mapped[str | None]
    failure_message: Mapped[str | None]
    related_object_type: Mapped[str]
    related_object_id: Mapped[Id]
    campaign_id: Mapped[Id | None]
    voucher_code: Mapped[str | None]
    customer_id: Mapped[Id | None]
    tracking_id: Mapped[str | None]
    order_id: Mapped[Id | None]
    order_snapshot: Mapped[Json | None]
    ordered_amount: Mapped[int | None]
    discounted_amount: Mapped[int | None]
    currency: Mapped[str | None]
    units: Mapped[Json | None]
    subjects: Mapped[Json | None]
    allocation: Mapped[str | None]
    unit_amounts: Mapped[str | None]
    amount: Mapped[int | None]
    reward: Mapped[Json | None]
    reason: Mapped[str | None]
    redemption_metadata: Mapped[Json | None] = mapped_column("metadata")
    session_key: Mapped[str | None]
    api_key_id: Mapped[Id | None]
    user_login: Mapped[str | None]
    channel_type: Mapped[str]
    created_at: Mapped[datetime]


class Refund(ProjectRow):
    """Units of an order that came back, and what was given back for them; never changed, never deleted (a trigger).

    `redemption_id` is the redemption that was asked about, a parent or one without. The refunds of an order have
    `position`s from 1 without gaps, so that of two made at once from the same state only one can be written.

    `amount` is the money, in minor units of the order's `currency`; `credits` went back to gift cards, how much to
    which is in `redeemables` (`{redemption_id, credits, discount_amount}`). `lines` are `{index, units, quantity,
    amount, credits, discount_amount}`, units as spans from the `first` number to the `last`, from 1.
    `adjustment_amount` is what was given back beyond the lines, or, when negative, charged back.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        UniqueConstraint("project_id", "order_id", "position"),
        CheckConstraint("amount >= 0 AND credits >= 0", "never_negative"),
    )

    redemption_id: Mapped[Id]
    order_id: Mapped[Id]
    position: Mapped[int]
    policy: Mapped[str]
    currency: Mapped[str | None]
    amount: Mapped[int]
    credits: Mapped[int]
    adjustment_amount: Mapped[int]
    lines: Mapped[list[Any]]
    redeemables: Mapped[list[Any]]
    reason: Mapped[str | None]
    refund_metadata: Mapped[Json] = mapped_column("metadata", default=dict)
    api_key_id: Mapped[Id | None]
    user_login: Mapped[str | None]
    created_at: Mapped[datetime]
