"""Everything a checkout can redeem: promotions, gift cards, holds, categories, segments, collections, refunds."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.functions import v2

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "custom_event_schemas",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("properties", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("custom_event_schemas_pkey")),
        sa.UniqueConstraint("project_id", "name", name=op.f("custom_event_schemas_project_id_name_key")),
    )
    op.create_table(
        "custom_events",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(collation="C"), nullable=False),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("custom_events_pkey")),
    )
    op.create_index(
        op.f("custom_events_project_id_customer_id_id_idx"),
        "custom_events",
        ["project_id", "customer_id", "id"],
        unique=False,
    )
    op.create_table(
        "customer_event_counts",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Text(collation="C"), nullable=False),
        sa.Column("event", sa.Text(collation="C"), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "customer_id", "event", name=op.f("customer_event_counts_pkey")),
    )
    op.create_table(
        "metadata_schemas",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("related_object", sa.Text(collation="C"), nullable=False),
        sa.Column("allow_defined_only", sa.Boolean(), nullable=False),
        sa.Column("properties", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("metadata_schemas_pkey")),
        sa.UniqueConstraint(
            "project_id", "related_object", name=op.f("metadata_schemas_project_id_related_object_key")
        ),
    )
    op.create_table(
        "product_collection_members",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("collection_id", sa.Text(collation="C"), nullable=False),
        sa.Column("item_id", sa.Text(collation="C"), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "collection_id", "item_id", name=op.f("product_collection_members_pkey")),
    )
    op.create_table(
        "product_collections",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("filter", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("product_collections_pkey")),
    )
    op.create_table(
        "segment_members",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("segment_id", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "segment_id", "customer_id", name=op.f("segment_members_pkey")),
    )
    op.create_index(
        op.f("segment_members_project_id_customer_id_idx"),
        "segment_members",
        ["project_id", "customer_id"],
        unique=False,
    )
    op.create_table(
        "segments",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("filter", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("segments_pkey")),
    )
    v2.create(op)


def downgrade() -> None:
    v2.drop(op)
    op.drop_table("segments")
    op.drop_index(op.f("segment_members_project_id_customer_id_idx"), table_name="segment_members")
    op.drop_table("segment_members")
    op.drop_table("product_collections")
    op.drop_table("product_collection_members")
    op.drop_table("metadata_schemas")
    op.drop_table("customer_event_counts")
    op.drop_index(op.f("custom_events_project_id_customer_id_id_idx"), table_name="custom_events")
    op.drop_table("custom_events")
    op.drop_table("custom_event_schemas")
