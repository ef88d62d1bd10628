"""Lots of points, and what entries say of lots, transactions and reversals."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.functions import v5
from migrations.statistics import expect_one_project

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "lots",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("owner_id", sa.Text(collation="C"), nullable=False),
        sa.Column("measure", sa.Text(collation="C"), nullable=False),
        sa.Column("subject", sa.Text(collation="C"), nullable=False),
        sa.Column("period", sa.Text(collation="C"), nullable=False),
        sa.Column("issued_points", sa.BigInteger(), nullable=False),
        sa.Column("left_points", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("has_points", sa.Boolean(), sa.Computed("left_points > 0", persisted=True), nullable=False),
        sa.CheckConstraint("left_points BETWEEN 0 AND issued_points", name=op.f("lots_left_of_what_was_issued_check")),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("lots_pkey")),
        sa.UniqueConstraint(
            "project_id",
            "owner_id",
            "measure",
            "subject",
            "period",
            "expires_at",
            name="lots_account_key",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(
        "lots_expiry_idx",
        "lots",
        ["project_id", "expires_at", "id"],
        unique=False,
        postgresql_where=sa.text("has_points AND expires_at IS NOT NULL"),
    )
    expect_one_project(op, "lots")
    op.add_column("accounts", sa.Column("last_entry_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("entries", sa.Column("transaction_id", sa.Text(collation="C"), nullable=True))
    op.add_column("entries", sa.Column("reverses_id", sa.Text(collation="C"), nullable=True))
    op.add_column("entries", sa.Column("lots", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("entries", sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.create_index(
        "entries_reverses_idx",
        "entries",
        ["project_id", "reverses_id"],
        unique=False,
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
    )
    v5.create(op)


def downgrade() -> None:
    v5.drop(op)
    op.drop_index("entries_reverses_idx", table_name="entries")
    for column in ("details", "lots", "reverses_id", "transaction_id"):
        op.drop_column("entries", column)
    op.drop_column("accounts", "last_entry_at")
    op.drop_table("lots")
