"""Referral programs: who was referred by whom, and under which identities."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.statistics import expect_one_project

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

ID = sa.Text(collation="C")


def upgrade() -> None:
    op.add_column("campaigns", sa.Column("referral_program", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.create_table(
        "referrals",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("campaign_id", ID, nullable=False),
        sa.Column("voucher_id", ID, nullable=False),
        sa.Column("referrer_id", ID, nullable=False),
        sa.Column("referee_id", ID, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("rejection", sa.Text(), nullable=True),
        sa.Column("redemption_id", ID, nullable=True),
        sa.Column("order_id", ID, nullable=True),
        sa.Column("event_id", ID, nullable=True),
        sa.Column("attributed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("qualified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("rewards", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("referrals_pkey")),
    )
    for column in ("campaign_id", "voucher_id", "referrer_id", "referee_id"):
        op.create_index(op.f(f"referrals_project_id_{column}_id_idx"), "referrals", ["project_id", column, "id"])
    op.create_index(
        "referrals_invited_once_idx",
        "referrals",
        ["project_id", "voucher_id", "referee_id"],
        unique=True,
        postgresql_where=sa.text("status = 'INVITED'"),
    )
    for name, column in (("due", "due_at"), ("order", "order_id"), ("redemption", "redemption_id")):
        op.create_index(
            f"referrals_{name}_idx",
            "referrals",
            ["project_id", column],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    op.create_table(
        "referral_claims",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", ID, nullable=False),
        sa.Column("subject", ID, nullable=False),
        sa.Column("referral_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "campaign_id", "subject", name=op.f("referral_claims_pkey")),
    )
    op.create_index(
        op.f("referral_claims_project_id_referral_id_idx"), "referral_claims", ["project_id", "referral_id"]
    )
    expect_one_project(op, "referrals", "referral_claims")


def downgrade() -> None:
    op.drop_table("referral_claims")
    op.drop_table("referrals")
    op.drop_column("campaigns", "referral_program")
