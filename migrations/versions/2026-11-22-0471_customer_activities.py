"""Which events are about which customer, and whose birthday was announced when. Events before count for nobody."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations.statistics import expect_one_project

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "customer_activities",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Text(collation="C"), nullable=False),
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(collation="C"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "customer_id", "event_id", name=op.f("customer_activities_pkey")),
    )
    op.create_table(
        "customer_birthdays",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Text(collation="C"), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "customer_id", name=op.f("customer_birthdays_pkey")),
    )
    expect_one_project(op, "customer_activities", "customer_birthdays")
    op.create_index(
        "customers_birthday_idx",
        "customers",
        ["project_id", sa.text("date_part('month', birthdate)"), sa.text("date_part('day', birthdate)")],
        postgresql_where=sa.text("birthdate IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("customers_birthday_idx", table_name="customers")
    op.drop_table("customer_birthdays")
    op.drop_table("customer_activities")
