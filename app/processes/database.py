"""The database a command works on, and whether it is fit for work."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from app.kit.migrations import migrate, pending_migrations
from app.processes import data_directory
from app.processes.errors import CannotStart
from app.processes.postgres import embedded_postgres, url_of
from app.settings import Settings

OLDEST_VERSION = 15
CONNECT_SECONDS = 10


@asynccontextmanager
async def database_of(settings: Settings) -> AsyncIterator[str]:
    """The URL of the configured database; else of the embedded one, started for this block unless a server runs it.

    Raises CannotStart if it cannot be reached.
    """
    if settings.database_url is not None:
        await check_server(settings.database_url)
        yield settings.database_url
        return
    data_dir = data_directory.prepare(settings.data_dir)
    if data_directory.is_locked(data_dir):
        await check_server(url_of(data_dir))
        yield url_of(data_dir)
        return
    with data_directory.locked(data_dir):
        async with embedded_postgres(data_dir) as postgres:
            yield postgres.url


async def check_server(url: str) -> None:
    """Raises CannotStart if there is no database at the URL, or not one that we can use."""
    place = place_of(url)
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    except TimeoutError as error:
        raise CannotStart(f"The database at {place} does not answer within {CONNECT_SECONDS} seconds.") from error
    except OSError as error:
        raise CannotStart(f"The database at {place} cannot be reached: {error.strerror or error}.") from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise CannotStart(f"The database at {place} refuses us: {error}.") from error
    try:
        version = int(await connection.fetchval("SHOW server_version_num")) // 10000
        encoding = await connection.fetchval("SHOW server_encoding")
    finally:
        await connection.close()
    if version < OLDEST_VERSION:
        raise CannotStart(f"The database at {place} is Postgres {version}; Guerdon needs {OLDEST_VERSION} or newer.")
    if encoding != "UTF8":
        raise CannotStart(f"The database at {place} is encoded in {encoding}; Guerdon needs UTF8.")


async def bring_up_to_date(url: str) -> list[str]:
    """Apply the migrations the database lacks and return their names, oldest first.

    Raises CannotStart if the database belongs to a newer release or does not let us.
    """
    pending = await _pending(url)
    try:
        await migrate(url)
    except DBAPIError as error:
        raise CannotStart(f"The schema cannot be brought up to date: {error.orig}.") from error
    return pending


async def check_migrated(url: str) -> None:
    """Raises CannotStart if the schema is older or newer than this release."""
    pending = await _pending(url)
    if pending:
        raise CannotStart(f"The database lacks {len(pending)} migration(s); run `guerdon migrate` first.")


async def _pending(url: str) -> list[str]:
    try:
        return await pending_migrations(url)
    except CommandError as error:
        raise CannotStart(f"The database was migrated by a newer release: {error}.") from error


def place_of(url: str) -> str:
    """Host, port and database of a URL, without its user and password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2] or "the local socket"
    return f"{host}{parts.path}"
