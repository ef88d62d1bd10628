"""Milestones, and who reached them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.statistics import expect_one_project

revision: str = "0025"
down_revision: str | None = "0024"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "milestones",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("threshold", sa.BigInteger(), nullable=False),
        sa.Column("repeats", sa.Boolean(), nullable=False),
        sa.Column("campaign_id", sa.Text(collation="C"), nullable=True),
        sa.Column("reward_ids", postgresql.JSONB(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("threshold > 0", name=op.f("milestones_is_ahead_check")),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("milestones_pkey")),
    )
    op.create_index(
        "milestones_live_idx",
        "milestones",
        ["project_id", "metric", "id"],
        postgresql_where=sa.text("active AND deleted_at IS NULL"),
    )
    op.create_table(
        "milestone_crossings",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("milestone_id", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.Text(collation="C"), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("reward_id", sa.Text(collation="C"), nullable=True),
        sa.Column("given", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("milestone_crossings_pkey")),
        sa.UniqueConstraint("project_id", "milestone_id", "customer_id", "number", name="milestone_crossings_once_key"),
    )
    op.create_index(
        op.f("milestone_crossings_project_id_milestone_id_id_idx"),
        "milestone_crossings",
        ["project_id", "milestone_id", "id"],
    )
    op.create_index(
        op.f("milestone_crossings_project_id_customer_id_id_idx"),
        "milestone_crossings",
        ["project_id", "customer_id", "id"],
    )
    expect_one_project(op, "milestones", "milestone_crossings")


def downgrade() -> None:
    op.drop_table("milestone_crossings")
    op.drop_table("milestones")
