"""What support gives away: the catalogue of reasons, budgets, codes for one customer alone."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "goodwill",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("voucher_id", sa.Text(collation="C"), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(collation="C"), nullable=False),
        sa.Column("reason_id", sa.Text(collation="C"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("api_key_id", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("goodwill_pkey")),
        sa.UniqueConstraint("project_id", "voucher_id", name=op.f("goodwill_project_id_voucher_id_key")),
    )
    op.create_index(
        op.f("goodwill_project_id_customer_id_id_idx"), "goodwill", ["project_id", "customer_id", "id"], unique=False
    )
    op.create_table(
        "goodwill_budgets",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("goodwill_budgets_pkey")),
    )
    op.create_table(
        "goodwill_reasons",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("budget_amount", sa.BigInteger(), nullable=True),
        sa.Column("budget_period", sa.Text(), nullable=False),
        sa.Column("valid_days", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("goodwill_reasons_pkey")),
        sa.UniqueConstraint("project_id", "key", name=op.f("goodwill_reasons_project_id_key_key")),
    )
    op.add_column("vouchers", sa.Column("holder_only", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("vouchers", sa.Column("auto_apply", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_index(
        "vouchers_automatic_idx",
        "vouchers",
        ["project_id", "holder_id", "id"],
        unique=False,
        postgresql_where=sa.text("auto_apply AND active AND deleted_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "vouchers_automatic_idx",
        table_name="vouchers",
        postgresql_where=sa.text("auto_apply AND active AND deleted_at IS NULL"),
    )
    op.drop_column("vouchers", "auto_apply")
    op.drop_column("vouchers", "holder_only")
    op.drop_table("goodwill_reasons")
    op.drop_table("goodwill_budgets")
    op.drop_index(op.f("goodwill_project_id_customer_id_id_idx"), table_name="goodwill")
    op.drop_table("goodwill")
