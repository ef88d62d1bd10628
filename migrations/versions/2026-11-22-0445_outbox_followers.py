"""Events are read by the number of their transaction; how far readers are, and what followers have not handled yet.

What was announced before is not told to anybody. Segments follow what happens from now on; what they have missed in
the last minute they notice when all customers are looked at, every night.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations.statistics import expect_one_project, forget_projects

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

KEY = "outbox_events_pkey"
NUMBER = "(pg_current_xact_id()::text)::bigint"


def upgrade() -> None:
    # Rows there are get the constant, without being written anew.
    op.add_column("outbox_events", sa.Column("transaction_id", sa.BigInteger(), server_default="0", nullable=False))
    op.alter_column("outbox_events", "transaction_id", server_default=sa.text(NUMBER))
    op.drop_constraint(KEY, "outbox_events")
    op.create_primary_key(KEY, "outbox_events", ["project_id", "transaction_id", "id"])
    op.create_table(
        "outbox_cursors",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reader", sa.Text(collation="C"), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "reader", name=op.f("outbox_cursors_pkey")),
    )
    op.create_table(
        "outbox_deliveries",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("follower", sa.Text(collation="C"), nullable=False),
        sa.Column("entity_id", sa.Text(collation="C"), nullable=False),
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("died_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "follower", "entity_id", "event_id", name=op.f("outbox_deliveries_pkey")),
    )
    op.create_index(
        "outbox_deliveries_due_idx",
        "outbox_deliveries",
        ["project_id", "due_at", "event_id"],
        postgresql_where=sa.text("died_at IS NULL"),
    )
    op.create_index(
        "outbox_deliveries_dead_idx",
        "outbox_deliveries",
        ["project_id", "event_id", "follower"],
        postgresql_where=sa.text("died_at IS NOT NULL"),
    )
    expect_one_project(op, "outbox_cursors", "outbox_deliveries")
    op.execute(
        "INSERT INTO outbox_cursors (project_id, reader, transaction_id, event_id)"
        f" SELECT project_id, 'segments', 0, {2**63 - 1} FROM segment_watches"
    )
    op.drop_table("segment_watches")


def downgrade() -> None:
    op.create_table(
        "segment_watches",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("outbox_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", name=op.f("segment_watches_pkey")),
    )
    expect_one_project(op, "segment_watches")
    op.execute(
        "INSERT INTO segment_watches (project_id, outbox_id) SELECT project_id,"
        " (SELECT coalesce(max(id), 0) FROM outbox_events AS event WHERE event.project_id = outbox_cursors.project_id)"
        " FROM outbox_cursors WHERE reader = 'segments'"
    )
    forget_projects(op, "outbox_cursors", "outbox_deliveries")
    op.drop_table("outbox_deliveries")
    op.drop_table("outbox_cursors")
    op.drop_constraint(KEY, "outbox_events")
    op.create_primary_key(KEY, "outbox_events", ["project_id", "id"])
    op.drop_column("outbox_events", "transaction_id")
