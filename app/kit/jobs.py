"""Background work: jobs in Postgres, enqueued in the transaction that wants them done."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

import asyncpg
import msgspec
import structlog
from pgqueuer.core.applications import PgQueuer
from pgqueuer.core.executors import DatabaseRetryEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job, Schedule
from pgqueuer.queries import Queries
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.db import Database

MAX_ATTEMPTS = 10
LONGEST_DELAY = timedelta(minutes=5)
BATCH = 4
"""Jobs a worker takes at once. Small, so that the rest of a burst goes to the other workers."""
MOST_AT_ONCE = 16

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """What a job gets to do its work with. When `stopping` is set it has to leave at the next good place."""

    db: Database
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def leave_if_stopping(self) -> None:
        """Give the rest of this job back to the queue when the worker shuts down. Raises RetryRequested."""
        if self.stopping.is_set():
            raise RetryRequested(reason="the worker is shutting down")


Step: TypeAlias = Callable[[Work, Mapping[str, Any]], Awaitable[None]]
"""Does a job: gets the payload it was enqueued with. It may be called again for work that was done in part, and while
another worker, thought dead, still does it; so it notes what it has done in the transaction that does it."""

GiveUp: TypeAlias = Callable[[Work, Mapping[str, Any], Exception], Awaitable[None]]
"""Called when a job has failed for good."""


@dataclass(frozen=True, slots=True)
class JobKind:
    """A name for jobs, what does them, and what is done when that fails for good."""

    name: str
    step: Step
    give_up: GiveUp | None = None


@dataclass(frozen=True, slots=True)
class Recurring:
    """Work done by one of the workers whenever the cron expression (UTC) says so."""

    name: str
    cron: str
    step: Callable[[Work], Awaitable[None]]


async def enqueue(session: AsyncSession, name: str, payload: Mapping[str, Any], *, key: str) -> None:
    """Have `name` done after this transaction has committed; never, if it does not commit.

    Does nothing when a job with this `key` is waiting or being done.
    """
    await session.execute(text("SELECT 1"))  # SQLAlchemy begins the transaction with its first statement
    pooled = await (await session.connection()).get_raw_connection()
    driver_connection = pooled.driver_connection
    assert driver_connection is not None
    await Queries.from_asyncpg_connection(driver_connection).enqueue(
        name, msgspec.json.encode(payload), dedupe_key=key, on_conflict="skip"
    )


async def run_jobs(
    work: Work,
    url: str,
    kinds: tuple[JobKind, ...],
    recurring: tuple[Recurring, ...],
    *,
    silence: timedelta,
) -> None:
    """Do jobs until `work.stopping` is set, then let the running ones leave and return.

    Any number of workers share the queue. A job whose worker has not been heard of for `silence` goes to another.
    Raises what asyncpg raises when the connection is lost.
    """
    async with asyncpg.create_pool(
        url, min_size=2, max_size=4, server_settings={"application_name": "guerdon worker queue"}
    ) as pool:
        queue = PgQueuer.from_asyncpg_pool(pool)
        for kind in kinds:
            _register(queue, work, kind)
        for schedule in recurring:
            _schedule(queue, work, schedule)
        stopper = asyncio.create_task(_forward(work.stopping, queue.shutdown))
        try:
            await queue.run(
                # A dead worker's jobs are nobody's news: they are found by looking.
                dequeue_timeout=min(silence, timedelta(seconds=10)),
                batch_size=BATCH,
                max_concurrent_tasks=MOST_AT_ONCE,
                heartbeat_timeout=silence,
            )
        finally:
            stopper.cancel()


async def _forward(stopping: asyncio.Event, shutdown: asyncio.Event) -> None:
    await stopping.wait()
    shutdown.set()


def _register(queue: PgQueuer, work: Work, kind: JobKind) -> None:
    async def run(job: Job) -> None:
        payload = msgspec.json.decode(job.payload or b"{}")
        structlog.contextvars.bind_contextvars(job=kind.name, job_id=job.id, attempt=job.attempts)
        try:
            await kind.step(work, payload)
        except RetryRequested:
            raise
        except Exception as error:
            log.warning("job failed", exc_info=error)
            if job.attempts >= MAX_ATTEMPTS and kind.give_up is not None:
                await kind.give_up(work, payload, error)
            raise

    queue.entrypoint(kind.name, executor_factory=_with_backoff)(run)


def _with_backoff(parameters: EntrypointExecutorParameters) -> DatabaseRetryEntrypointExecutor:
    return DatabaseRetryEntrypointExecutor(parameters, max_attempts=MAX_ATTEMPTS, max_delay=LONGEST_DELAY)


def _schedule(queue: PgQueuer, work: Work, recurring: Recurring) -> None:
    async def run(_: Schedule) -> None:
        await recurring.step(work)

    queue.schedule(recurring.name, recurring.cron)(run)
