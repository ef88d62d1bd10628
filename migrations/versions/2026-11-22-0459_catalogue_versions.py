"""A version of each project's catalogue, so that processes may keep what they read of it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations.statistics import expect_one_project

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

# Once per transaction, whatever it changes, and at its end: whoever waits for the row of the version here holds all
# other locks already, so that two who change the catalogue cannot wait for each other in a circle.
NOTE_CATALOGUE_CHANGE = """
CREATE FUNCTION note_catalogue_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalogues AS known (project_id, version) VALUES (coalesce(NEW.project_id, OLD.project_id), 1)
    ON CONFLICT (project_id) DO UPDATE SET version = known.version + 1
    WHERE known.xmin <> pg_current_xact_id()::xid;
    RETURN NULL;
END $$
"""
CHANGES_ARE_NOTED = """
CREATE CONSTRAINT TRIGGER {table}_changes_are_noted AFTER INSERT OR UPDATE OR DELETE ON {table}
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note_catalogue_change()
"""


def upgrade() -> None:
    op.create_table(
        "catalogues",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", name=op.f("catalogues_pkey")),
    )
    expect_one_project(op, "catalogues")
    op.execute(NOTE_CATALOGUE_CHANGE)
    for table in ("products", "skus"):
        op.execute(CHANGES_ARE_NOTED.format(table=table))


def downgrade() -> None:
    for table in ("products", "skus"):
        op.execute(f"DROP TRIGGER {table}_changes_are_noted ON {table}")
    op.execute("DROP FUNCTION note_catalogue_change")
    op.drop_table("catalogues")
