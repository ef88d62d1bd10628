"""Finding what is owed to customers who refer others, and whether a project has referral programs."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_index(
        "accounts_payable_idx",
        "accounts",
        ["project_id", "owner_id", "subject"],
        postgresql_where=sa.text("measure = 'payable'"),
    )
    op.create_index(
        "campaigns_referral_idx",
        "campaigns",
        ["project_id"],
        postgresql_where=sa.text("campaign_type = 'REFERRAL_PROGRAM' AND deleted_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("campaigns_referral_idx", table_name="campaigns")
    op.drop_index("accounts_payable_idx", table_name="accounts")
