"""First schema.

Projects and keys, the catalogue, campaigns and vouchers, accounts, redemptions, jobs, and the functions of the ledger.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.functions import v1

revision: str = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Text(collation="C"), nullable=False),
        sa.Column("measure", sa.Text(collation="C"), nullable=False),
        sa.Column("subject", sa.Text(collation="C"), nullable=False),
        sa.Column("period", sa.Text(collation="C"), nullable=False),
        sa.Column("holds_value", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("floor", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("NOT holds_value OR balance >= 0", name=op.f("accounts_value_never_negative_check")),
        sa.PrimaryKeyConstraint("project_id", "owner_id", "measure", "subject", "period", name=op.f("accounts_pkey")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("api_keys_pkey")),
    )
    op.create_index(op.f("api_keys_project_id_idx"), "api_keys", ["project_id"], unique=False)
    op.create_table(
        "async_actions",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("operation_status", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("progress", sa.BigInteger(), nullable=False),
        sa.Column("processing_time", sa.BigInteger(), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("async_actions_pkey")),
    )
    op.create_index(
        "async_actions_unfinished_idx",
        "async_actions",
        ["project_id"],
        unique=False,
        postgresql_where=sa.text("status = ANY (ARRAY['ENQUEUED'::text, 'IN_PROGRESS'::text])"),
    )
    op.create_table(
        "audit_entries",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("actor_type", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(collation="C"), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("resource_type", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Text(collation="C"), nullable=False),
        sa.Column("changes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("audit_entries_pkey")),
    )
    op.create_index(
        op.f("audit_entries_project_id_resource_id_idx"), "audit_entries", ["project_id", "resource_id"], unique=False
    )
    op.create_table(
        "campaigns",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("campaign_type", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("join_once", sa.Boolean(), nullable=False),
        sa.Column("auto_join", sa.Boolean(), nullable=False),
        sa.Column("use_voucher_metadata_schema", sa.Boolean(), nullable=False),
        sa.Column("start_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expiration_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("validity", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("activity_duration_after_publishing", sa.Text(), nullable=True),
        sa.Column("discount", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("redemption_quantity", sa.BigInteger(), nullable=True),
        sa.Column("code_config", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("vouchers_count", sa.BigInteger(), nullable=False),
        sa.Column("generation_status", sa.Text(), nullable=False),
        sa.Column("counted", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("campaigns_pkey")),
        sa.UniqueConstraint("project_id", "name", name=op.f("campaigns_project_id_name_key")),
    )
    op.create_table(
        "customers",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("source_id", sa.Text(collation="C"), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("normal_email", sa.Text(collation="C"), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("birthdate", sa.Date(), nullable=True),
        sa.Column("address", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("customers_pkey")),
        sa.UniqueConstraint("project_id", "source_id", name=op.f("customers_project_id_source_id_key")),
    )
    op.create_index(
        op.f("customers_project_id_normal_email_idx"), "customers", ["project_id", "normal_email"], unique=False
    )
    op.create_table(
        "idempotency_records",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("credential", sa.Text(collation="C"), nullable=False),
        sa.Column("route", sa.Text(collation="C"), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "credential", "route", "key", name=op.f("idempotency_records_pkey")),
    )
    op.create_index(
        op.f("idempotency_records_project_id_expires_at_idx"),
        "idempotency_records",
        ["project_id", "expires_at"],
        unique=False,
    )
    op.create_table(
        "oauth_tokens",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("api_key_id", sa.Text(collation="C"), nullable=False),
        sa.Column("scopes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "token_hash", name=op.f("oauth_tokens_pkey")),
    )
    op.create_table(
        "orders",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("source_id", sa.Text(collation="C"), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(collation="C"), nullable=True),
        sa.Column("referrer_id", sa.Text(collation="C"), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("initial_amount", sa.BigInteger(), nullable=True),
        sa.Column("discount_amount", sa.BigInteger(), nullable=False),
        sa.Column("items_discount_amount", sa.BigInteger(), nullable=False),
        sa.Column("items", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("redemptions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("orders_pkey")),
        sa.UniqueConstraint("project_id", "source_id", name=op.f("orders_project_id_source_id_key")),
    )
    op.create_index(
        op.f("orders_project_id_created_at_id_idx"), "orders", ["project_id", "created_at", "id"], unique=False
    )
    op.create_index(op.f("orders_project_id_customer_id_idx"), "orders", ["project_id", "customer_id"], unique=False)
    op.create_table(
        "outbox_events",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(collation="C"), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("outbox_events_pkey")),
    )
    op.create_table(
        "products",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("source_id", sa.Text(collation="C"), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("image_url", sa.Text(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("products_pkey")),
        sa.UniqueConstraint("project_id", "source_id", name=op.f("products_project_id_source_id_key")),
    )
    op.create_table(
        "projects",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("case_sensitive_codes", sa.Boolean(), nullable=False),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("webhook_token", sa.Text(), nullable=False),
        sa.Column("configuration_version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("projects_pkey")),
        sa.UniqueConstraint("public_id", name=op.f("projects_public_id_key")),
    )
    op.create_table(
        "publications",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.Text(collation="C"), nullable=False),
        sa.Column("campaign_id", sa.Text(collation="C"), nullable=True),
        sa.Column("source_id", sa.Text(collation="C"), nullable=True),
        sa.Column("tracking_id", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("voucher_ids", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("voucher_codes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("failure_code", sa.Text(), nullable=True),
        sa.Column("failure_message", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("publications_pkey")),
    )
    op.create_index(
        op.f("publications_project_id_campaign_id_idx"), "publications", ["project_id", "campaign_id"], unique=False
    )
    op.create_index(
        op.f("publications_project_id_customer_id_idx"), "publications", ["project_id", "customer_id"], unique=False
    )
    op.create_index(
        "publications_source_idx",
        "publications",
        ["project_id", "source_id"],
        unique=True,
        postgresql_where=sa.text("result = 'SUCCESS'"),
    )
    op.create_table(
        "redemptions",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(collation="C"), nullable=True),
        sa.Column("redemption_id", sa.Text(collation="C"), nullable=True),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("failure_code", sa.Text(), nullable=True),
        sa.Column("failure_message", sa.Text(), nullable=True),
        sa.Column("related_object_type", sa.Text(), nullable=False),
        sa.Column("related_object_id", sa.Text(collation="C"), nullable=False),
        sa.Column("campaign_id", sa.Text(collation="C"), nullable=True),
        sa.Column("voucher_code", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Text(collation="C"), nullable=True),
        sa.Column("tracking_id", sa.Text(), nullable=True),
        sa.Column("order_id", sa.Text(collation="C"), nullable=True),
        sa.Column("order_snapshot", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("ordered_amount", sa.BigInteger(), nullable=True),
        sa.Column("discounted_amount", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("session_key", sa.Text(), nullable=True),
        sa.Column("api_key_id", sa.Text(collation="C"), nullable=True),
        sa.Column("user_login", sa.Text(), nullable=True),
        sa.Column("channel_type", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("redemptions_pkey")),
    )
    op.create_index(
        "redemptions_campaign_idx", "redemptions", ["project_id", "campaign_id", "customer_id", "id"], unique=False
    )
    op.create_index("redemptions_customer_idx", "redemptions", ["project_id", "customer_id", "id"], unique=False)
    op.create_index(
        "redemptions_parent_idx",
        "redemptions",
        ["project_id", "parent_id"],
        unique=False,
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.create_index(
        op.f("redemptions_project_id_related_object_id_id_idx"),
        "redemptions",
        ["project_id", "related_object_id", "id"],
        unique=False,
    )
    op.create_index(
        "redemptions_rolled_back_once_idx",
        "redemptions",
        ["project_id", "redemption_id"],
        unique=True,
        postgresql_where=sa.text("object = 'redemption_rollback' AND result = 'SUCCESS'"),
    )
    op.create_table(
        "skus",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("product_id", sa.Text(collation="C"), nullable=False),
        sa.Column("source_id", sa.Text(collation="C"), nullable=True),
        sa.Column("sku", sa.Text(), nullable=True),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("image_url", sa.Text(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("skus_pkey")),
        sa.UniqueConstraint("project_id", "source_id", name=op.f("skus_project_id_source_id_key")),
    )
    op.create_index(op.f("skus_project_id_product_id_idx"), "skus", ["project_id", "product_id"], unique=False)
    op.create_table(
        "validation_rules",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("bundle_rules", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("applicable_to", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("context_type", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("validation_rules_pkey")),
    )
    op.create_table(
        "vouchers",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("campaign_id", sa.Text(collation="C"), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("normal_code", sa.Text(collation="C"), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("discount", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("redemption_quantity", sa.BigInteger(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("start_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expiration_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("validity", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("holder_id", sa.Text(collation="C"), nullable=True),
        sa.Column("publish_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("additional_info", sa.Text(), nullable=True),
        sa.Column("counted", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("vouchers_pkey")),
        sa.UniqueConstraint("project_id", "normal_code", name=op.f("vouchers_project_id_normal_code_key")),
    )
    op.create_index(
        "vouchers_pool_idx",
        "vouchers",
        ["project_id", "campaign_id", "publish_count", "id"],
        unique=False,
        postgresql_where=sa.text("publish_count < 1 AND active AND deleted_at IS NULL"),
    )
    op.create_index(
        op.f("vouchers_project_id_campaign_id_id_idx"), "vouchers", ["project_id", "campaign_id", "id"], unique=False
    )
    op.create_index(
        "vouchers_standalone_idx",
        "vouchers",
        ["project_id", "id"],
        unique=False,
        postgresql_where=sa.text("campaign_id IS NULL"),
    )
    op.create_index(
        "vouchers_wallet_idx",
        "vouchers",
        ["project_id", "holder_id"],
        unique=False,
        postgresql_where=sa.text("holder_id IS NOT NULL"),
    )
    op.create_table(
        "validation_rule_assignments",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("rule_id", sa.Text(collation="C"), nullable=False),
        sa.Column("related_object_type", sa.Text(), nullable=False),
        sa.Column("related_object_id", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id", "rule_id"],
            ["validation_rules.project_id", "validation_rules.id"],
            name=op.f("validation_rule_assignments_project_id_rule_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("validation_rule_assignments_pkey")),
        sa.UniqueConstraint(
            "project_id",
            "related_object_id",
            "rule_id",
            name=op.f("validation_rule_assignments_project_id_related_object_id_rule_id_key"),
        ),
    )
    op.create_index(
        op.f("validation_rule_assignments_project_id_rule_id_idx"),
        "validation_rule_assignments",
        ["project_id", "rule_id"],
        unique=False,
    )
    v1.create(op)


def downgrade() -> None:
    v1.drop(op)
    op.drop_index(op.f("validation_rule_assignments_project_id_rule_id_idx"), table_name="validation_rule_assignments")
    op.drop_table("validation_rule_assignments")
    op.drop_index("vouchers_wallet_idx", table_name="vouchers", postgresql_where=sa.text("holder_id IS NOT NULL"))
    op.drop_index("vouchers_standalone_idx", table_name="vouchers", postgresql_where=sa.text("campaign_id IS NULL"))
    op.drop_index(op.f("vouchers_project_id_campaign_id_id_idx"), table_name="vouchers")
    op.drop_index(
        "vouchers_pool_idx",
        table_name="vouchers",
        postgresql_where=sa.text("publish_count < 1 AND active AND deleted_at IS NULL"),
    )
    op.drop_table("vouchers")
    op.drop_table("validation_rules")
    op.drop_index(op.f("skus_project_id_product_id_idx"), table_name="skus")
    op.drop_table("skus")
    op.drop_index(
        "redemptions_rolled_back_once_idx",
        table_name="redemptions",
        postgresql_where=sa.text("object = 'redemption_rollback' AND result = 'SUCCESS'"),
    )
    op.drop_index(op.f("redemptions_project_id_related_object_id_id_idx"), table_name="redemptions")
    op.drop_index("redemptions_parent_idx", table_name="redemptions", postgresql_where=sa.text("parent_id IS NOT NULL"))
    op.drop_index("redemptions_customer_idx", table_name="redemptions")
    op.drop_index("redemptions_campaign_idx", table_name="redemptions")
    op.drop_table("redemptions")
    op.drop_index("publications_source_idx", table_name="publications", postgresql_where=sa.text("result = 'SUCCESS'"))
    op.drop_index(op.f("publications_project_id_customer_id_idx"), table_name="publications")
    op.drop_index(op.f("publications_project_id_campaign_id_idx"), table_name="publications")
    op.drop_table("publications")
    op.drop_table("projects")
    op.drop_table("products")
    op.drop_table("outbox_events")
    op.drop_index(op.f("orders_project_id_customer_id_idx"), table_name="orders")
    op.drop_index(op.f("orders_project_id_created_at_id_idx"), table_name="orders")
    op.drop_table("orders")
    op.drop_table("oauth_tokens")
    op.drop_index(op.f("idempotency_records_project_id_expires_at_idx"), table_name="idempotency_records")
    op.drop_table("idempotency_records")
    op.drop_index(op.f("customers_project_id_normal_email_idx"), table_name="customers")
    op.drop_table("customers")
    op.drop_table("campaigns")
    op.drop_index(op.f("audit_entries_project_id_resource_id_idx"), table_name="audit_entries")
    op.drop_table("audit_entries")
    op.drop_index(
        "async_actions_unfinished_idx",
        table_name="async_actions",
        postgresql_where=sa.text("status = ANY (ARRAY['ENQUEUED'::text, 'IN_PROGRESS'::text])"),
    )
    op.drop_table("async_actions")
    op.drop_index(op.f("api_keys_project_id_idx"), table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_table("accounts")
