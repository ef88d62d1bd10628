"""Earning rules of loyalty programs."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.statistics import expect_one_project

revision: str = "0019"
down_revision: str | None = "0017"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "earning_rules",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("campaign_id", sa.Text(collation="C"), nullable=False),
        sa.Column("event", sa.Text(collation="C"), nullable=False),
        sa.Column("trigger", sa.Text(collation="C"), nullable=False),
        sa.Column("target_id", sa.Text(collation="C"), nullable=True),
        sa.Column("loyalty", postgresql.JSONB(), nullable=False),
        sa.Column("banner", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("start_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expiration_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("validity", postgresql.JSONB(), nullable=False),
        sa.Column("pending_points", postgresql.JSONB(), nullable=True),
        sa.Column("expiration_rules", postgresql.JSONB(), nullable=True),
        sa.Column("limits", postgresql.JSONB(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("earning_rules_pkey")),
    )
    op.create_index(
        op.f("earning_rules_project_id_campaign_id_id_idx"), "earning_rules", ["project_id", "campaign_id", "id"]
    )
    op.create_index(
        "earning_rules_live_idx",
        "earning_rules",
        ["project_id", "trigger", "event"],
        postgresql_where=sa.text("active AND deleted_at IS NULL"),
    )
    expect_one_project(op, "earning_rules")


def downgrade() -> None:
    op.drop_table("earning_rules")
