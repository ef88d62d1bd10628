"""What was earned by earning rules, once for each cause."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.statistics import expect_one_project

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "points_earnings",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("rule_id", sa.Text(collation="C"), nullable=False),
        sa.Column("cause_id", sa.Text(collation="C"), nullable=False),
        sa.Column("campaign_id", sa.Text(collation="C"), nullable=False),
        sa.Column("voucher_id", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.Text(collation="C"), nullable=False),
        sa.Column("order_id", sa.Text(collation="C"), nullable=True),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("taken_back_points", sa.BigInteger(), nullable=False),
        sa.Column("allocation", sa.Text(), nullable=True),
        sa.Column("counted", postgresql.JSONB(), nullable=False),
        sa.Column("earned_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "points > 0 AND taken_back_points BETWEEN 0 AND points",
            name=op.f("points_earnings_takes_back_no_more_check"),
        ),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("points_earnings_pkey")),
        sa.UniqueConstraint("project_id", "rule_id", "cause_id", name="points_earnings_once_key"),
    )
    op.create_index(
        "points_earnings_order_idx",
        "points_earnings",
        ["project_id", "order_id"],
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_index(
        op.f("points_earnings_project_id_customer_id_idx"), "points_earnings", ["project_id", "customer_id"]
    )
    expect_one_project(op, "points_earnings")


def downgrade() -> None:
    op.drop_table("points_earnings")
