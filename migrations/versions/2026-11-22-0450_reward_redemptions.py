"""What a loyalty card was redeemed for."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("redemptions", sa.Column("reward", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("redemptions", "reward")
