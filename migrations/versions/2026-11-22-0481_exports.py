"""Exports and their files."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.statistics import expect_one_project

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "exports",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("exported_object", sa.Text(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("last_id", sa.Text(collation="C"), nullable=True),
        sa.Column("rows_count", sa.BigInteger(), nullable=False),
        sa.Column("chunks_count", sa.Integer(), nullable=False),
        sa.Column("user_login", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("exports_pkey")),
    )
    op.create_index(
        "exports_unfinished_idx",
        "exports",
        ["project_id"],
        postgresql_where=sa.text("status = ANY (ARRAY['SCHEDULED'::text, 'IN_PROGRESS'::text])"),
    )
    op.create_table(
        "export_chunks",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("export_id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "export_id", "position", name=op.f("export_chunks_pkey")),
    )
    expect_one_project(op, "exports", "export_chunks")


def downgrade() -> None:
    op.drop_table("export_chunks")
    op.drop_table("exports")
