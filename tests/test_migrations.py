"""The schema's history runs forwards to the models, and back to nothing."""

import os
import subprocess
import sys
from pathlib import Path

import asyncpg

from tests.factories.databases import empty_database

ROOT = Path(__file__).parents[1]

LEFT_OVER = """
SELECT 'table ' || tablename FROM pg_tables
WHERE schemaname = 'public' AND tablename <> 'alembic_version' AND tablename NOT LIKE 'pgqueuer%'
UNION ALL
SELECT 'function ' || proname FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND proname NOT LIKE '%pgqueuer%'
"""


def alembic(url: str, *arguments: str) -> None:
    environment = {**os.environ, "GUERDON_DATABASE_URL": url}
    done = subprocess.run(
        [sys.executable, "-m", "alembic", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


async def test_migrations_run_from_nothing_to_the_models_and_back_and_again(postgres_url: str) -> None:
    async with empty_database(postgres_url) as url:
        alembic(url, "upgrade", "head")
        alembic(url, "check")

        alembic(url, "downgrade", "base")
        connection = await asyncpg.connect(url)
        left_over = [row[0] for row in await connection.fetch(LEFT_OVER)]
        await connection.close()
        assert left_over == []

        alembic(url, "upgrade", "head")
        alembic(url, "check")


async def test_each_of_the_newer_migrations_can_be_taken_back_alone(postgres_url: str) -> None:
    async with empty_database(postgres_url) as url:
        alembic(url, "upgrade", "head")
        for _ in range(3):
            alembic(url, "downgrade", "-1")

        alembic(url, "upgrade", "head")
        alembic(url, "check")
