import pytest
from httpx import AsyncClient

from app.kit.db import Database
from tests.factories.access import ProjectKeys
from tests.factories.goodwill import Desk, give_desk


@pytest.fixture
async def desk(client: AsyncClient, db: Database, project: ProjectKeys) -> Desk:
    """A support desk that may give ten thousand, and knows one reason."""
    return await give_desk(client, db, project)
