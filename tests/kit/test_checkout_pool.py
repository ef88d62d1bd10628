"""The connections of a checkout."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import TimeoutError as PoolExhausted

from app.kit.db import Database


@pytest.fixture
async def small(database_url: str) -> AsyncIterator[Database]:
    """A database with two connections for checkouts."""
    database = Database(database_url, pool_size=2, pool_seconds=0.2)
    yield database
    await database.close()


async def process_id(database: Database) -> int:
    async with database.connection() as connection:
        number: int = await connection.fetchval("SELECT pg_backend_pid()")
    return number


async def test_a_connection_is_used_again_and_by_one_block_at_a_time(small: Database) -> None:
    async def hold() -> int:
        async with small.connection() as connection:
            number: int = await connection.fetchval("SELECT pg_backend_pid() FROM pg_sleep(0.01)")
        return number

    used = await asyncio.gather(*[hold() for _ in range(8)])

    assert len(set(used)) == 2


async def test_who_finds_no_free_connection_in_time_is_refused(small: Database) -> None:
    async with small.connection(), small.connection():
        with pytest.raises(PoolExhausted):
            await process_id(small)

    assert await process_id(small)


async def test_a_connection_that_broke_is_replaced(small: Database) -> None:
    broken = await process_id(small)
    with pytest.raises(asyncpg.PostgresError):
        async with small.connection() as connection:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    assert await process_id(small) != broken


async def test_after_a_cancelled_statement_the_connection_serves_the_next(small: Database) -> None:
    async def wait_long() -> None:
        async with small.connection() as connection:
            await connection.execute("SELECT pg_sleep(60)")

    waiting = [asyncio.create_task(wait_long()) for _ in range(2)]
    await asyncio.sleep(0.05)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)

    assert await process_id(small)


async def test_a_failed_connect_gives_its_turn_back(database_url: str) -> None:
    url = make_url(database_url).set(database="there_is_none").render_as_string(hide_password=False)
    nowhere = Database(url, pool_size=1, pool_seconds=0.2)

    for _ in range(2):
        with pytest.raises(Exception, match="does not exist"):
            await process_id(nowhere)

    await nowhere.close()
