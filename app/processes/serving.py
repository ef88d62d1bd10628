"""`guerdon serve`, `guerdon api` and `guerdon worker`: what they start, in which order, and how they stop."""

import asyncio
import os
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from prometheus_client.multiprocess import mark_process_dead

from app.access.bootstrap import ensure_first_project
from app.kit.db import Database
from app.processes import data_directory
from app.processes.database import bring_up_to_date, check_migrated, check_server
from app.processes.errors import CannotStart
from app.processes.postgres import embedded_postgres
from app.processes.supervision import Child, kept
from app.settings import Settings

BACKLOG = 2048
SPARE_CONNECTIONS = 20
"""Connections of the embedded Postgres beyond the pools: the job queue's listener, `guerdon keys`, `psql`."""
SHUTDOWN_MARGIN_SECONDS = 5
"""A process ends its work by itself after `shutdown_seconds`; it is killed only if it does not."""
UntilReady: TypeAlias = Callable[[], Awaitable[None]]
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end, or until the first SIGINT, SIGTERM or SIGHUP, which lets everything stop in order."""

    async def guarded() -> None:
        task = asyncio.create_task(work)
        for number in STOP_SIGNALS:
            # The first one only: a second one would cancel the stopping itself.
            asyncio.get_running_loop().add_signal_handler(number, lambda: task.cancelling() or task.cancel())
        try:
            await task
        except asyncio.CancelledError:
            if not task.cancelling():
                raise

    asyncio.run(guarded())


async def serve(settings: Settings, *, started: Callable[[str, Path], None]) -> None:
    """Everything in one command: Postgres if none is given, migrations, first project, worker and API.

    Calls `started(url, data_dir)` once requests are answered. Stops in the opposite order: the API finishes its
    requests, the worker its jobs, Postgres writes everything down.
    """
    data_dir = data_directory.prepare(settings.data_dir)
    with data_directory.locked(data_dir), listening(settings) as listener:
        url = url_of_listener(settings, listener)
        async with _database(settings, data_dir) as (database_url, until_it_ends):
            await check_server(database_url)
            await bring_up_to_date(database_url)
            await _keep_credentials(database_url, data_dir, url)
            settings = settings.model_copy(update={"database_url": database_url, "data_dir": data_dir})
            with _metrics() as metrics:
                worker, api = _worker(settings, metrics), _api(settings, listener, metrics)
                async with worker as until_worker_ready, api as until_api_ready:
                    await until_worker_ready()
                    await until_api_ready()
                    started(url, data_dir)
                    await until_it_ends()


async def serve_api(settings: Settings, *, started: Callable[[str], None]) -> None:
    """The API alone, on a database that is migrated. Raises CannotStart if something is missing."""
    await check_migrated(await _given_database(settings))
    with listening(settings) as listener, _metrics() as metrics:
        async with _api(settings, listener, metrics) as until_ready:
            await until_ready()
            started(url_of_listener(settings, listener))
            await _forever()


async def serve_worker(settings: Settings, *, started: Callable[[], None]) -> None:
    """The worker alone, on a database that is migrated. Raises CannotStart if something is missing."""
    await check_migrated(await _given_database(settings))
    async with _worker(settings) as until_ready:
        await until_ready()
        started()
        await _forever()


@contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """A socket that listens at the configured address, for all API processes to share.

    Raises CannotStart if the address is taken, not ours or not an address.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise CannotStart(f"GUERDON_HOST {settings.host} is no address of this machine: {error.strerror}.") from error
    with socket.socket(family, kind, protocol) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError as error:
            raise CannotStart(
                f"Port {settings.port} on {settings.host} is not free: {error.strerror}. Set GUERDON_PORT to another."
            ) from error
        yield listener


def url_of_listener(settings: Settings, listener: socket.socket) -> str:
    """Where a client on this machine finds the API."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    return f"http://{host}:{listener.getsockname()[1]}"


@asynccontextmanager
async def _database(settings: Settings, data_dir: Path) -> AsyncIterator[tuple[str, Callable[[], Awaitable[None]]]]:
    """The URL of the database, and what to wait for while it is in use."""
    if settings.database_url is not None:
        yield settings.database_url, _forever
        return
    # A Database has two pools: one for transactions, one for checkouts.
    connections = 2 * (settings.workers + 1) * settings.pool_size + SPARE_CONNECTIONS
    async with embedded_postgres(data_dir, max_connections=max(100, connections)) as postgres:
        yield postgres.url, partial(_until_ended, postgres.process, data_dir)


def _metrics() -> AbstractContextManager[str]:
    """A directory in which processes add up their metrics, so that any of the API can answer for all."""
    return tempfile.TemporaryDirectory(prefix="guerdon-metrics-")


def _api(settings: Settings, listener: socket.socket, metrics: str) -> AbstractAsyncContextManager[UntilReady]:
    environment = {**_environment(settings), "PROMETHEUS_MULTIPROC_DIR": metrics}
    child = Child("api", environment, listener, ended=partial(mark_process_dead, path=metrics))
    return kept([child] * settings.workers, grace_seconds=settings.shutdown_seconds + SHUTDOWN_MARGIN_SECONDS)


def _worker(settings: Settings, metrics: str | None = None) -> AbstractAsyncContextManager[UntilReady]:
    """The worker, which has no port to be asked at: its metrics are told by an API that shares the directory."""
    shared = {} if metrics is None else {"PROMETHEUS_MULTIPROC_DIR": metrics}
    child = Child("worker", {**_environment(settings), **shared})
    return kept([child], grace_seconds=settings.shutdown_seconds + SHUTDOWN_MARGIN_SECONDS)


def _environment(settings: Settings) -> dict[str, str]:
    """Our own environment, with what was decided since it was read."""
    return {
        **os.environ,
        "GUERDON_DATABASE_URL": settings.database_url or "",
        "GUERDON_DATA_DIR": str(settings.data_dir),
    }


async def _forever() -> None:
    await asyncio.Event().wait()


async def _until_ended(process: asyncio.subprocess.Process, data_dir: Path) -> None:
    code = await process.wait()
    raise CannotStart(f"Postgres ended by itself (code {code}); its log is in {data_dir / 'postgres' / 'log'}.")


async def _keep_credentials(database_url: str, data_dir: Path, url: str) -> None:
    """Write the keys of the first project when it is made, and the server's present address always."""
    database = Database(database_url, pool_size=1)
    try:
        credentials = await ensure_first_project(database)
    finally:
        await database.close()
    known = credentials.variables() if credentials is not None else data_directory.read_credentials(data_dir)
    if known:
        data_directory.write_credentials(data_dir, {**known, "GUERDON_URL": url})


async def _given_database(settings: Settings) -> str:
    if settings.database_url is None:
        raise CannotStart("Set GUERDON_DATABASE_URL, or use `guerdon serve`, which brings a Postgres of its own.")
    await check_server(settings.database_url)
    return settings.database_url
