"""A real Postgres for every run: a database of its own, built by the migrations, dropped at the end."""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from voucherify import ApiClient, Configuration

from app.kit.db import Database
from app.kit.migrations import migrate
from app.main import create_app
from app.processes.postgres import embedded_postgres
from app.settings import Settings
from app.worker import run_worker
from tests.factories.access import ProjectKeys, give_project
from tests.factories.databases import empty_database
from tests.factories.servers import roomy_settings, serving
from tests.official_models import read_by_official_model


@pytest.fixture(scope="session")
async def postgres_url() -> AsyncIterator[str]:
    """A server to make databases on: `GUERDON_TEST_DATABASE_URL`, else an embedded one that lives for this run."""
    given = os.environ.get("GUERDON_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="guerdon-test-") as folder:
        async with embedded_postgres(Path(folder), durable=False, max_connections=400) as postgres:
            yield postgres.url


@pytest.fixture(scope="session")
async def database_url(postgres_url: str) -> AsyncIterator[str]:
    """A fresh, migrated database."""
    async with empty_database(postgres_url) as url:
        await migrate(url)
        yield url


@pytest.fixture(scope="session")
async def db(database_url: str) -> AsyncIterator[Database]:
    """The application's database, committed for real; tests keep apart by making a project each."""
    database = Database(database_url, pool_size=20)
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def app(database_url: str) -> AsyncIterator[FastAPI]:
    """The whole application on the test database, started."""
    application = create_app(roomy_settings(database_url))
    async with application.router.lifespan_context(application):
        yield application


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[AsyncClient]:
    """A client that speaks HTTP to the application in this process, without a socket.

    Every successful answer is also read by the official client's model of it.
    """
    hooks = {"response": [read_by_official_model]}
    async with AsyncClient(transport=ASGITransport(app), base_url="http://testserver", event_hooks=hooks) as http:
        yield http


@pytest.fixture
async def plain_client(app: FastAPI) -> AsyncIterator[AsyncClient]:
    """The same for the few answers of the contract that the official client's own models refuse."""
    async with AsyncClient(transport=ASGITransport(app), base_url="http://testserver") as http:
        yield http


@pytest.fixture
async def project(db: Database) -> ProjectKeys:
    """A project of this test's own, with a server key that may do everything and a client key."""
    return await give_project(db)


@pytest.fixture
def headers(project: ProjectKeys) -> dict[str, str]:
    """The server key of `project`."""
    return project.server


@pytest.fixture(scope="session")
def live_server(database_url: str) -> Iterator[str]:
    """The URL of the same application behind a real socket, for clients that bring their own HTTP."""
    with serving(roomy_settings(database_url, pool_size=8)) as url:
        yield url


@pytest.fixture
def voucherify_client(live_server: str, project: ProjectKeys) -> Iterator[ApiClient]:
    """The official client, of which only host and keys were changed."""
    keys = {"X-App-Id": project.server_key.id, "X-App-Token": project.server_key.token}
    with ApiClient(Configuration(host=live_server, api_key=keys)) as client:
        yield client


@pytest.fixture(scope="session")
async def worker(database_url: str) -> AsyncIterator[None]:
    """A worker that does the jobs of the test database."""
    task = asyncio.create_task(run_worker(Settings(database_url=database_url, pool_size=4)))
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
