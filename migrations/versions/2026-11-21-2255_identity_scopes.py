"""Identity scopes: whom limits per customer count a redemption for, and customers merged into others."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

KINDS = ("email", "phone", "device", "payment")


def upgrade() -> None:
    op.add_column("projects", sa.Column("identity_key", sa.LargeBinary(), nullable=True))
    # There are few projects. Random UUIDs come from the source of strong random numbers; two have 244 bits of it.
    op.execute(
        "UPDATE projects SET identity_key = "
        "decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')"
    )
    op.alter_column("projects", "identity_key", nullable=False)
    op.add_column("customers", sa.Column("merged_into", sa.Text(collation="C"), nullable=True))
    op.create_index(
        "customers_merged_idx",
        "customers",
        ["project_id", "merged_into"],
        unique=False,
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )
    op.add_column("redemptions", sa.Column("subjects", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    for kind in KINDS:
        subject = f"(subjects ->> '{kind}')"
        op.create_index(
            f"redemptions_{kind}_idx",
            "redemptions",
            ["project_id", sa.literal_column(subject), "id"],
            unique=False,
            postgresql_where=sa.text(f"{subject} IS NOT NULL"),
        )


def downgrade() -> None:
    for kind in KINDS:
        op.drop_index(f"redemptions_{kind}_idx", table_name="redemptions")
    op.drop_column("redemptions", "subjects")
    op.drop_index("customers_merged_idx", table_name="customers")
    op.drop_column("customers", "merged_into")
    op.drop_column("projects", "identity_key")
