"""What loyalty programs keep besides their campaigns, cards and the ledger."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.tables import Id, Json, ProjectRow, Timestamps


class PendingPoints(ProjectRow, Timestamps):
    """Points that were earned and are held back until `activates_at`; on no account before.

    `status` goes from PENDING to ACTIVATED or CANCELED, once. `cause_type` and `cause_id` say what earned them: once
    for a card. `expiration_rules` are those of the earning rule, where it has its own. `details` is JSON of ids for
    whoever reads of them.
    """

    __tablename__ = "pending_points"
    __table_args__ = (
        UniqueConstraint("project_id", "voucher_id", "cause_type", "cause_id", name="pending_points_cause_key"),
        Index("pending_points_card_idx", "project_id", "voucher_id", "id", postgresql_where=text("status = 'PENDING'")),
        Index(
            "pending_points_campaign_idx",
            "project_id",
            "campaign_id",
            "id",
            postgresql_where=text("status = 'PENDING'"),
        ),
        Index("pending_points_due_idx", "project_id", "activates_at", postgresql_where=text("status = 'PENDING'")),
        CheckConstraint("points > 0", "points_to_come"),
    )

    voucher_id: Mapped[Id]
    campaign_id: Mapped[Id]
    customer_id: Mapped[Id]
    order_id: Mapped[Id | None]
    points: Mapped[int]
    status: Mapped[str] = mapped_column(default="PENDING")
    activates_at: Mapped[datetime]
    cause_type: Mapped[Id]
    cause_id: Mapped[Id]
    expiration_rules: Mapped[Json | None]
    details: Mapped[Json] = mapped_column(default=dict)
