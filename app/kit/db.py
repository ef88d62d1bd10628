"""The database: transactions you can see, and a bare connection for the statements of a checkout."""

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias, TypeVar

import asyncpg
import msgspec
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from app.kit.checkout_pool import CheckoutPool
from app.kit.grouping import Grouping

Connection: TypeAlias = asyncpg.Connection
"""A bare asyncpg connection; jsonb values go in as text and come out decoded."""
Work = TypeVar("Work")
Done = TypeVar("Done")


def asyncpg_url(url: str) -> str:
    """The SQLAlchemy form of a libpq-style URL: `postgresql://...` becomes `postgresql+asyncpg://...`.

    `sslmode`, which hosted databases have in their URLs, is called `ssl` there and means the same.
    """
    parts = make_url(url).set(drivername="postgresql+asyncpg")
    if "sslmode" in parts.query:
        parts = parts.update_query_dict({"ssl": parts.query["sslmode"]}).difference_update_query(["sslmode"])
    return parts.render_as_string(hide_password=False)


def to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


class Database:
    """One Postgres database and its pool. Statements time out after `statement_seconds`, waits for a lock after
    `lock_seconds`, waits for a connection after `pool_seconds`."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 16,
        statement_seconds: float = 30,
        lock_seconds: float = 10,
        pool_seconds: float = 10,
        application_name: str = "guerdon",
    ) -> None:
        server_settings = {
            "application_name": application_name,
            "statement_timeout": str(int(statement_seconds * 1000)),
            "lock_timeout": str(int(lock_seconds * 1000)),
            "idle_in_transaction_session_timeout": "60000",
            "jit": "off",
        }

        def pool(**settings: str) -> AsyncEngine:
            return create_async_engine(
                asyncpg_url(url),
                pool_size=pool_size,
                max_overflow=0,
                pool_timeout=pool_seconds,
                json_serializer=to_json,
                json_deserializer=msgspec.json.decode,
                connect_args={"timeout": 10, "server_settings": server_settings | settings},
            )

        self.engine = pool()
        # A checkout's statements only look things up by key. Planning them anew costs as much as running them, and a
        # plan made while a table was small must not scan it when it has grown.
        checkout_engine = pool(plan_cache_mode="force_generic_plan", enable_seqscan="off")
        self._checkout_pool = CheckoutPool(checkout_engine, pool_size, pool_seconds)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._grouping = Grouping()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed when the block ends well, rolled back when it raises."""
        async with self._sessions() as session, session.begin():
            yield session

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """One read-only transaction with a stable view; an accidental write fails in Postgres."""
        async with self._sessions() as session, session.begin():
            await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            yield session

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """A bare connection for a checkout; each statement commits on its own.

        A checkout reads in one statement and writes in one statement: this saves the round trips of BEGIN and COMMIT
        and holds locks no longer than the statement.
        """
        return self._checkout_pool.connection()

    async def fetched_together(
        self, kind: Hashable, asked: Work, fetch: Callable[[Connection, Sequence[Work]], Awaitable[Sequence[Done]]]
    ) -> Done:
        """What there is of `asked`, read in one statement with whatever else of its kind waits to be read."""
        return await self.together(kind, asked, fetch)

    async def together(
        self, kind: Hashable, work: Work, write: Callable[[Connection, Sequence[Work]], Awaitable[Sequence[Done]]]
    ) -> Done:
        """What came of `work`, written in one statement with whatever else of its kind waits to be written.

        `write` writes all of it or none; see `Grouping.done`.
        """

        async def write_all(works: Sequence[Work]) -> Sequence[Done]:
            async with self.connection() as connection:
                return await write(connection, works)

        done: Done = await self._grouping.done(kind, work, write_all)
        return done

    async def close(self) -> None:
        await self.engine.dispose()
        await self._checkout_pool.close()


class JoinedDatabase(Database):
    """The same interface inside a transaction that somebody else ends: each `write` block is a savepoint.

    A request with an Idempotency-Key runs on one of these, so that its effects and its stored answer commit together.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        async with self._session.begin_nested():
            yield self._session

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        yield self._session

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        async with self._session.begin_nested():
            yield await self._driver_connection()

    async def fetched_together(
        self, kind: Hashable, asked: Work, fetch: Callable[[Connection, Sequence[Work]], Awaitable[Sequence[Done]]]
    ) -> Done:
        """What there is of `asked` for this transaction."""
        (found,) = await fetch(await self._driver_connection(), [asked])
        return found

    async def together(
        self, kind: Hashable, work: Work, write: Callable[[Connection, Sequence[Work]], Awaitable[Sequence[Done]]]
    ) -> Done:
        """What came of `work`, which only this transaction may write."""
        async with self.connection() as connection:
            (done,) = await write(connection, [work])
        return done

    async def _driver_connection(self) -> Connection:
        await self._session.flush()
        pooled = await (await self._session.connection()).get_raw_connection()
        driver_connection: Connection = pooled.driver_connection
        return driver_connection
