"""Databases for tests that need one of their own."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg


@asynccontextmanager
async def empty_database(server_url: str) -> AsyncIterator[str]:
    """The URL of a new database on the server that `server_url` leads to, dropped at the end.

    The URL may have a query (`?host=` of a Unix socket), so only its path is exchanged.
    """
    name = f"guerdon_test_{secrets.token_hex(4)}"
    server = await asyncpg.connect(server_url)
    await server.execute(f"CREATE DATABASE {name}")
    yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


def name_of(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")
