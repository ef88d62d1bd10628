"""Projects in statistics: plans are made for the largest of them."""

from collections.abc import Sequence

from alembic import op

from migrations.statistics import expect_one_project, forget_projects

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

TABLES = (
    "accounts",
    "async_actions",
    "audit_entries",
    "campaigns",
    "categories",
    "client_allowances",
    "custom_event_schemas",
    "custom_events",
    "customer_event_counts",
    "customers",
    "entries",
    "goodwill",
    "goodwill_budgets",
    "goodwill_reasons",
    "holds",
    "idempotency_records",
    "metadata_schemas",
    "oauth_tokens",
    "orders",
    "outbox_events",
    "product_collection_members",
    "product_collections",
    "products",
    "promotion_stacks",
    "promotion_tiers",
    "publications",
    "redemptions",
    "refunds",
    "segment_members",
    "segment_standings",
    "segment_watches",
    "segments",
    "skus",
    "validation_rule_assignments",
    "validation_rules",
    "vouchers",
)


def upgrade() -> None:
    expect_one_project(op, *TABLES)


def downgrade() -> None:
    forget_projects(op, *TABLES)
