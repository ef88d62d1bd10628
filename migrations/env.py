"""Runs migrations on the connection it is given, or on `GUERDON_DATABASE_URL` when called as `alembic`."""

import asyncio
import os
from typing import Any

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.kit.db import asyncpg_url
from app.models import Base


def is_ours(_object: Any, name: str | None, kind: str, _reflected: bool, _compare_to: Any) -> bool:
    """The job queue installs and upgrades its own tables; we leave them alone."""
    return not (kind == "table" and name is not None and name.startswith("pgqueuer"))


def migrate(connection: Connection) -> None:
    connection.execute(text("SET lock_timeout = '5s'"))
    connection.execute(text("SET statement_timeout = 0"))
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=is_ours,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def migrate_from_environment() -> None:
    engine = create_async_engine(asyncpg_url(os.environ["GUERDON_DATABASE_URL"]))
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
        await connection.commit()
    await engine.dispose()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    asyncio.run(migrate_from_environment())
