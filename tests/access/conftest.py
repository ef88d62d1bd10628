"""The application with routes that only ask for a permission."""

import asyncio
import gc
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from app.kit.db import Database
from app.kit.migrations import migrate
from app.main import create_app
from app.settings import Settings
from tests.access.probe import probe_router


@pytest.fixture(scope="session")
async def probed(database_url: str) -> AsyncIterator[FastAPI]:
    application = create_app(Settings(database_url=database_url))
    application.router.routes.extend(probe_router().routes)
    async with application.router.lifespan_context(application):
        yield application


@pytest.fixture
async def probe(probed: FastAPI) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(transport=ASGITransport(probed), base_url="http://testserver") as http:
        yield http


@pytest.fixture
async def empty_database(postgres_url: str) -> AsyncIterator[Database]:
    """A migrated database without any project."""
    name = f"guerdon_test_{secrets.token_hex(4)}"
    server = await asyncpg.connect(postgres_url)
    await server.execute(f"CREATE DATABASE {name}")
    url = urlsplit(postgres_url)._replace(path=f"/{name}").geturl()
    await migrate(url)
    database = Database(url, pool_size=4)
    yield database
    await database.close()
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


@pytest.fixture
def count_statements() -> Callable[[Awaitable[Any]], Awaitable[int]]:
    """How many statements the application sends to its database while something is awaited."""

    async def count(work: Awaitable[Any]) -> int:
        statements: list[str] = []

        def log(statement: asyncpg.connection.LoggedQuery) -> None:
            statements.append(statement.query)

        # Whichever pool a connection belongs to.
        connections = [known for known in gc.get_objects() if isinstance(known, asyncpg.Connection)]
        for connection in connections:
            connection.add_query_logger(log)
        try:
            await work
            await asyncio.sleep(0)  # asyncpg calls its loggers in the next turn of the loop
        finally:
            for connection in connections:
                connection.remove_query_logger(log)
        return len(statements)

    return count
