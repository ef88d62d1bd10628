"""Who may import whom is checked by `make check`; here is what import-linter does not see."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import ForeignKeyConstraint, Table, UniqueConstraint, text

from app.kit.db import Database
from app.models import REFERENCE_TABLES, Base

PROJECT_TABLES = [table for table in Base.metadata.sorted_tables if table.name not in REFERENCE_TABLES]


def keys_of(table: Table) -> Iterator[tuple[str, str]]:
    """Each key of a table and the column it begins with."""
    yield "primary key", next(iter(table.primary_key.columns)).name
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint | ForeignKeyConstraint):
            yield str(constraint.name), next(iter(constraint.columns)).name
    for index in table.indexes:
        yield str(index.name), next(iter(index.columns)).name if index.columns else "an expression"


@pytest.mark.parametrize("table", PROJECT_TABLES, ids=lambda table: table.name)
def test_every_key_of_a_table_begins_with_the_project(table: Table) -> None:
    assert {name: first for name, first in keys_of(table) if first != "project_id"} == {}


@pytest.mark.parametrize("table", PROJECT_TABLES, ids=lambda table: table.name)
def test_rows_refer_to_rows_of_their_own_project_only(table: Table) -> None:
    for constraint in table.foreign_key_constraints:
        assert constraint.elements[0].column.name == "project_id"


async def test_no_plan_is_made_for_a_project_of_average_size(db: Database) -> None:
    """See `migrations.statistics.expect_one_project`, which the migration of a new table calls."""
    async with db.read() as session:
        rows = await session.scalars(
            text(
                "SELECT attrelid::regclass::text FROM pg_attribute"
                " WHERE attname = 'project_id' AND attoptions = '{n_distinct=1}'"
            )
        )
        told = set(rows)

    assert {table.name for table in PROJECT_TABLES} - told == set()


def test_reference_tables_are_tables() -> None:
    assert set(Base.metadata.tables) >= REFERENCE_TABLES


ENGINE_ALONE = """
import importlib, pkgutil, sys
import app.engine

for module in pkgutil.walk_packages(app.engine.__path__, "app.engine."):
    importlib.import_module(module.name)
for name in sys.modules:
    if name.partition(".")[0] in ("sqlalchemy", "fastapi", "starlette", "asyncpg", "msgspec"):
        print(name)
    if name.startswith("app.") and not name.startswith("app.engine"):
        print(name)
"""


def test_the_engine_runs_without_the_rest_of_the_service() -> None:
    done = subprocess.run([sys.executable, "-c", ENGINE_ALONE], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.split() == []
