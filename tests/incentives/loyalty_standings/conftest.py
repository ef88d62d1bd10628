"""A database in which no worker looks at members at the true time: these tests say what time it is."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from app.kit.db import Database
from app.kit.migrations import migrate
from app.main import create_app
from tests.factories.databases import empty_database
from tests.factories.servers import roomy_settings


@pytest.fixture(scope="session")
async def quiet_url(postgres_url: str) -> AsyncIterator[str]:
    async with empty_database(postgres_url) as url:
        await migrate(url)
        yield url


@pytest.fixture(scope="session")
async def db(quiet_url: str) -> AsyncIterator[Database]:
    database = Database(quiet_url, pool_size=20)
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def app(quiet_url: str) -> AsyncIterator[FastAPI]:
    application = create_app(roomy_settings(quiet_url))
    async with application.router.lifespan_context(application):
        yield application
