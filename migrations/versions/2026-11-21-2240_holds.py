"""Holds: what sessions have reserved."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations.functions import v3

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "holds",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("session_key", sa.Text(collation="C"), nullable=False),
        sa.Column("object_id", sa.Text(collation="C"), nullable=False),
        sa.Column("owner_id", sa.Text(collation="C"), nullable=False),
        sa.Column("measure", sa.Text(collation="C"), nullable=False),
        sa.Column("subject", sa.Text(collation="C"), nullable=False),
        sa.Column("period", sa.Text(collation="C"), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("holds_holds_something_check")),
        sa.PrimaryKeyConstraint(
            "project_id",
            "session_key",
            "object_id",
            "owner_id",
            "measure",
            "subject",
            "period",
            name=op.f("holds_pkey"),
        ),
    )
    op.create_index(
        "holds_account_idx",
        "holds",
        ["project_id", "owner_id", "measure", "subject", "period", "expires_at"],
        unique=False,
    )
    op.create_index(op.f("holds_project_id_expires_at_idx"), "holds", ["project_id", "expires_at"], unique=False)
    op.add_column("accounts", sa.Column("held", sa.BigInteger(), server_default="0", nullable=False))
    op.execute(
        "ALTER TABLE accounts ADD CONSTRAINT accounts_held_is_there_check"
        " CHECK (held >= 0 AND (NOT holds_value OR balance >= held)) NOT VALID"
    )
    op.execute("ALTER TABLE accounts VALIDATE CONSTRAINT accounts_held_is_there_check")
    v3.create(op)


def downgrade() -> None:
    v3.drop(op)
    op.drop_constraint("accounts_held_is_there_check", "accounts")
    op.drop_column("accounts", "held")
    op.drop_table("holds")
