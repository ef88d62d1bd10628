"""Allocations of redemptions to single units, and the refunds that are computed from them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

REFUNDS_ARE_ONLY_ADDED = """
CREATE TRIGGER refunds_are_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON refunds
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""


def upgrade() -> None:
    op.create_table(
        "refunds",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("redemption_id", sa.Text(collation="C"), nullable=False),
        sa.Column("order_id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("adjustment_amount", sa.BigInteger(), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("redeemables", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("api_key_id", sa.Text(collation="C"), nullable=True),
        sa.Column("user_login", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount >= 0 AND credits >= 0", name=op.f("refunds_never_negative_check")),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("refunds_pkey")),
        sa.UniqueConstraint(
            "project_id", "order_id", "position", name=op.f("refunds_project_id_order_id_position_key")
        ),
    )
    op.execute(REFUNDS_ARE_ONLY_ADDED)
    op.add_column("redemptions", sa.Column("allocation", sa.Text(), nullable=True))
    op.add_column("redemptions", sa.Column("unit_amounts", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("redemptions", "unit_amounts")
    op.drop_column("redemptions", "allocation")
    op.drop_table("refunds")
