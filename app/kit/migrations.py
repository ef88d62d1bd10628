"""The schema's version: where the database stands, and how to bring it up to date."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from app.kit.db import asyncpg_url

ROOT = Path(__file__).resolve().parents[2]


def _config(connection: Connection | None = None) -> Config:
    config = Config(ROOT / "alembic.ini")
    config.attributes["connection"] = connection
    return config


def _pending(connection: Connection) -> list[str]:
    applied = set(MigrationContext.configure(connection).get_current_heads())
    scripts = ScriptDirectory.from_config(_config())
    done = {script.revision for head in applied for script in scripts.walk_revisions("base", head)}
    return [script.revision for script in reversed(list(scripts.walk_revisions())) if script.revision not in done]


async def pending_migrations(url: str) -> list[str]:
    """Revisions the database still lacks, oldest first."""
    engine = create_async_engine(asyncpg_url(url))
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_pending)
    finally:
        await engine.dispose()


async def migrate(url: str, revision: str = "head") -> None:
    """Bring the schema to `revision`, upwards; `base` takes everything down. Two at once wait for each other."""
    engine = create_async_engine(asyncpg_url(url))
    try:
        async with engine.connect() as connection:
            await _locked(connection)
            await connection.run_sync(lambda sync: _move(sync, revision))
            await connection.commit()
    finally:
        await engine.dispose()


async def _locked(connection: AsyncConnection) -> None:
    """Hold the one lock of all who migrate this database, until the connection closes."""
    await connection.exec_driver_sql("SELECT pg_advisory_lock(hashtext('guerdon migrations'))")
    await connection.commit()


def _move(connection: Connection, revision: str) -> None:
    if revision == "base":
        command.downgrade(_config(connection), revision)
    else:
        command.upgrade(_config(connection), revision)
