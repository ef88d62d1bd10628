"""Who stood in auto-update segments when they were last looked at. What there is is watched once it is made anew."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("segments", sa.Column("watched_since", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "segment_standings",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Text(collation="C"), nullable=False),
        sa.Column("segment_id", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "customer_id", "segment_id", name=op.f("segment_standings_pkey")),
    )
    op.create_table(
        "segment_watches",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("outbox_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", name=op.f("segment_watches_pkey")),
    )


def downgrade() -> None:
    op.drop_table("segment_watches")
    op.drop_table("segment_standings")
    op.drop_column("segments", "watched_since")
