"""Connections for the statements of a checkout, which are so short that taking one must cost next to nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import msgspec
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncEngine

CLOSE_SECONDS = 10


def _encoded(text: str) -> bytes:
    return b"\x01" + text.encode()


def _decoded(value: bytes) -> Any:
    return msgspec.json.decode(value[1:])


class CheckoutPool:
    """Up to `size` bare connections, made by `engine` and kept for good.

    The engine's own pool switches greenlets and resets what comes back, which takes as long as a short statement. Here
    every statement commits on its own, so there is nothing to reset; a connection that broke is replaced.
    """

    def __init__(self, engine: AsyncEngine, size: int, wait_seconds: float) -> None:
        self._engine = engine
        self._turns = asyncio.Semaphore(size)
        self._wait_seconds = wait_seconds
        self._idle: list[asyncpg.Connection] = []

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection for this block alone. Raises PoolExhausted when none is free in time."""
        await self._wait_for_turn()
        try:
            connection = self._idle.pop() if self._idle else await self._connect()
            try:
                yield connection
            finally:
                if not connection.is_closed():
                    self._idle.append(connection)
        finally:
            self._turns.release()

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close(timeout=CLOSE_SECONDS)
        await self._engine.dispose()

    async def _connect(self) -> asyncpg.Connection:
        pooled = await self._engine.raw_connection()
        connection: asyncpg.Connection = pooled.driver_connection
        pooled.detach()
        # SQLAlchemy's codec makes a text of every value and has that read; a checkout reads some twenty values.
        await connection.set_type_codec(
            "jsonb", schema="pg_catalog", format="binary", encoder=_encoded, decoder=_decoded
        )
        return connection

    async def _wait_for_turn(self) -> None:
        if not self._turns.locked():
            await self._turns.acquire()
            return
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._turns.acquire()
        except TimeoutError:
            raise PoolExhausted(f"No connection was free within {self._wait_seconds} seconds.") from None
