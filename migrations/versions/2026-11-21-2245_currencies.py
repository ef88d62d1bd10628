"""The currency of orders and of what redemptions counted; empty for the project's."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("currency", sa.Text(), nullable=True))
    op.add_column("redemptions", sa.Column("currency", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("redemptions", "currency")
    op.drop_column("orders", "currency")
