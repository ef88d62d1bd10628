"""Tiers of loyalty programs, and where members stand."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.statistics import expect_one_project

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("campaigns", sa.Column("loyalty_tiers_expiration", postgresql.JSONB(), nullable=True))
    op.create_table(
        "loyalty_tiers",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("campaign_id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("points_from", sa.BigInteger(), nullable=False),
        sa.Column("points_to", sa.BigInteger(), nullable=True),
        sa.Column("earning_rules", postgresql.JSONB(), nullable=False),
        sa.Column("rewards", postgresql.JSONB(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("loyalty_tiers_pkey")),
    )
    op.create_index(
        op.f("loyalty_tiers_project_id_campaign_id_id_idx"), "loyalty_tiers", ["project_id", "campaign_id", "id"]
    )
    op.create_table(
        "loyalty_standings",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("voucher_id", sa.Text(collation="C"), nullable=False),
        sa.Column("campaign_id", sa.Text(collation="C"), nullable=False),
        sa.Column("tier_id", sa.Text(collation="C"), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_tier_id", sa.Text(collation="C"), nullable=True),
        sa.Column("next_starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "voucher_id", name=op.f("loyalty_standings_pkey")),
    )
    op.create_index(
        "loyalty_standings_due_idx",
        "loyalty_standings",
        ["project_id", "due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    expect_one_project(op, "loyalty_tiers", "loyalty_standings")


def downgrade() -> None:
    op.drop_table("loyalty_standings")
    op.drop_table("loyalty_tiers")
    op.drop_column("campaigns", "loyalty_tiers_expiration")
