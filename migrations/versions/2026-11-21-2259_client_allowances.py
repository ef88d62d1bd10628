"""What clients of the client-side API have used of their limits."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations.functions import v4

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "client_allowances",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(collation="C"), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "subject", name=op.f("client_allowances_pkey")),
        prefixes=["UNLOGGED"],
    )
    op.create_index(
        op.f("client_allowances_project_id_ends_at_idx"), "client_allowances", ["project_id", "ends_at"], unique=False
    )
    v4.create(op)


def downgrade() -> None:
    v4.drop(op)
    op.drop_table("client_allowances")
