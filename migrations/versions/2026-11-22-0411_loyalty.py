"""Loyalty programs and cards, and points that are still held back."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.statistics import expect_one_project

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

PENDING = sa.text("status = 'PENDING'")


def upgrade() -> None:
    op.add_column("campaigns", sa.Column("loyalty", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("vouchers", sa.Column("loyalty", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.create_table(
        "pending_points",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("voucher_id", sa.Text(collation="C"), nullable=False),
        sa.Column("campaign_id", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.Text(collation="C"), nullable=False),
        sa.Column("order_id", sa.Text(collation="C"), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("activates_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause_type", sa.Text(collation="C"), nullable=False),
        sa.Column("cause_id", sa.Text(collation="C"), nullable=False),
        sa.Column("expiration_rules", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("points > 0", name=op.f("pending_points_points_to_come_check")),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("pending_points_pkey")),
        sa.UniqueConstraint("project_id", "voucher_id", "cause_type", "cause_id", name="pending_points_cause_key"),
    )
    for name, columns in (
        ("pending_points_card_idx", ["project_id", "voucher_id", "id"]),
        ("pending_points_campaign_idx", ["project_id", "campaign_id", "id"]),
        ("pending_points_due_idx", ["project_id", "activates_at"]),
    ):
        op.create_index(name, "pending_points", columns, unique=False, postgresql_where=PENDING)
    expect_one_project(op, "pending_points")


def downgrade() -> None:
    op.drop_table("pending_points")
    op.drop_column("vouchers", "loyalty")
    op.drop_column("campaigns", "loyalty")
