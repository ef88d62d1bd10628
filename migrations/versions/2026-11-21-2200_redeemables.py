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
        "categories",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("hierarchy", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("categories_pkey")),
        sa.UniqueConstraint("project_id", "name", name=op.f("categories_project_id_name_key")),
    )
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
        "entries",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("owner_id", sa.Text(collation="C"), nullable=False),
        sa.Column("measure", sa.Text(collation="C"), nullable=False),
        sa.Column("subject", sa.Text(collation="C"), nullable=False),
        sa.Column("period", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("counterpart", sa.Text(collation="C"), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("cause_type", sa.Text(collation="C"), nullable=False),
        sa.Column("cause_id", sa.Text(collation="C"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("campaign_id", sa.Text(collation="C"), nullable=True),
        sa.Column("source_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("entries_moves_something_check")),
        sa.CheckConstraint("balance >= 0", name=op.f("entries_balance_never_negative_check")),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("entries_pkey")),
        sa.UniqueConstraint(
            "project_id", "owner_id", "measure", "subject", "period", "cause_type", "cause_id", name="entries_cause_key"
        ),
        sa.UniqueConstraint(
            "project_id", "owner_id", "measure", "subject", "period", "position", name="entries_chain_key"
        ),
    )
    op.create_index(
        "entries_campaign_idx",
        "entries",
        ["project_id", "campaign_id", "id"],
        unique=False,
        postgresql_where=sa.text("campaign_id IS NOT NULL"),
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
        "promotion_stacks",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("campaign_id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tier_ids", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("category_id", sa.Text(collation="C"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("promotion_stacks_pkey")),
    )
    op.create_index(
        op.f("promotion_stacks_project_id_campaign_id_id_idx"),
        "promotion_stacks",
        ["project_id", "campaign_id", "id"],
        unique=False,
    )
    op.create_table(
        "promotion_tiers",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("campaign_id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("banner", sa.Text(), nullable=True),
        sa.Column("discount", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("hierarchy", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("start_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expiration_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("validity", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("category_id", sa.Text(collation="C"), nullable=True),
        sa.Column("counted", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("promotion_tiers_pkey")),
    )
    op.create_index(
        "promotion_tiers_live_idx",
        "promotion_tiers",
        ["project_id", "id"],
        unique=False,
        postgresql_where=sa.text("active AND deleted_at IS NULL"),
    )
    op.create_index(
        op.f("promotion_tiers_project_id_campaign_id_id_idx"),
        "promotion_tiers",
        ["project_id", "campaign_id", "id"],
        unique=False,
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
    op.add_column("accounts", sa.Column("entries_count", sa.BigInteger(), nullable=True))
    op.add_column("accounts", sa.Column("last_hash", sa.LargeBinary(), nullable=True))
    op.add_column("accounts", sa.Column("totals", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("campaigns", sa.Column("gift", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("campaigns", sa.Column("category_id", sa.Text(collation="C"), nullable=True))
    op.add_column("projects", sa.Column("stacking_rules", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("redemptions", sa.Column("units", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("vouchers", sa.Column("gift", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("vouchers", sa.Column("category_id", sa.Text(collation="C"), nullable=True))
    op.drop_index(op.f("vouchers_standalone_idx"), table_name="vouchers", postgresql_where="(campaign_id IS NULL)")
    op.create_index(
        "vouchers_public_idx",
        "vouchers",
        ["project_id", "created_at"],
        unique=False,
        postgresql_where=sa.text("campaign_id IS NULL AND holder_id IS NULL AND active AND deleted_at IS NULL"),
    )
    v2.create(op)


def downgrade() -> None:
    v2.drop(op)
    op.drop_index(
        "vouchers_public_idx",
        table_name="vouchers",
        postgresql_where=sa.text("campaign_id IS NULL AND holder_id IS NULL AND active AND deleted_at IS NULL"),
    )
    op.create_index(
        op.f("vouchers_standalone_idx"),
        "vouchers",
        ["project_id", "id"],
        unique=False,
        postgresql_where="(campaign_id IS NULL)",
    )
    op.drop_column("vouchers", "category_id")
    op.drop_column("vouchers", "gift")
    op.drop_column("redemptions", "units")
    op.drop_column("projects", "stacking_rules")
    op.drop_column("campaigns", "category_id")
    op.drop_column("campaigns", "gift")
    op.drop_column("accounts", "totals")
    op.drop_column("accounts", "last_hash")
    op.drop_column("accounts", "entries_count")
    op.drop_table("segments")
    op.drop_index(op.f("segment_members_project_id_customer_id_idx"), table_name="segment_members")
    op.drop_table("segment_members")
    op.drop_index(op.f("promotion_tiers_project_id_campaign_id_id_idx"), table_name="promotion_tiers")
    op.drop_index(
        "promotion_tiers_live_idx",
        table_name="promotion_tiers",
        postgresql_where=sa.text("active AND deleted_at IS NULL"),
    )
    op.drop_table("promotion_tiers")
    op.drop_index(op.f("promotion_stacks_project_id_campaign_id_id_idx"), table_name="promotion_stacks")
    op.drop_table("promotion_stacks")
    op.drop_table("product_collections")
    op.drop_table("product_collection_members")
    op.drop_table("metadata_schemas")
    op.drop_index("entries_campaign_idx", table_name="entries", postgresql_where=sa.text("campaign_id IS NOT NULL"))
    op.drop_table("entries")
    op.drop_table("customer_event_counts")
    op.drop_index(op.f("custom_events_project_id_customer_id_id_idx"), table_name="custom_events")
    op.drop_table("custom_events")
    op.drop_table("custom_event_schemas")
    op.drop_table("categories")
