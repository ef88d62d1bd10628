"""Rewards, and what loyalty programs offer them for."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.statistics import expect_one_project

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "rewards",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(), nullable=False),
        sa.Column("is_stocked", sa.Boolean(), nullable=False),
        sa.Column("attributes", postgresql.JSONB(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("rewards_pkey")),
    )
    op.create_table(
        "reward_assignments",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("reward_id", sa.Text(collation="C"), nullable=False),
        sa.Column("campaign_id", sa.Text(collation="C"), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=True),
        sa.Column("auto_redeem", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("points > 0", name=op.f("reward_assignments_has_a_price_check")),
        sa.ForeignKeyConstraint(
            ["project_id", "reward_id"],
            ["rewards.project_id", "rewards.id"],
            name=op.f("reward_assignments_project_id_reward_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("reward_assignments_pkey")),
        sa.UniqueConstraint(
            "project_id",
            "campaign_id",
            "reward_id",
            name=op.f("reward_assignments_project_id_campaign_id_reward_id_key"),
        ),
    )
    op.create_index(
        op.f("reward_assignments_project_id_reward_id_id_idx"),
        "reward_assignments",
        ["project_id", "reward_id", "id"],
    )
    expect_one_project(op, "rewards", "reward_assignments")


def downgrade() -> None:
    op.drop_table("reward_assignments")
    op.drop_table("rewards")
