"""What the planner is told about tables."""

from typing import Any


def expect_one_project(op: Any, *tables: str) -> None:
    """Have plans assume that one project may own all rows of these tables.

    Otherwise they are made for a project of average size. Beside a thousand small shops that is next to nothing, and
    reading all that a project has looks cheaper than finding a row by its whole key: in a large shop it is not.
    Every new table with a `project_id` needs this; it counts from the next ANALYZE.
    """
    for table in tables:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN project_id SET (n_distinct = 1)")


def forget_projects(op: Any, *tables: str) -> None:
    """Take that back."""
    for table in tables:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN project_id RESET (n_distinct)")
