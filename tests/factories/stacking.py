"""Categories and stacking rules for tests."""

from typing import Any

from httpx import AsyncClient

from app.access.stacking_rules import service
from app.access.stacking_rules.rules import Stored
from app.access.stacking_rules.schemas import StackingRulesIn
from app.kit.db import Database
from tests.factories.access import ProjectKeys
from tests.factories.incentives import Answer, ask


async def give_category(client: AsyncClient, project: ProjectKeys, name: str, hierarchy: int = 1) -> Answer:
    return await ask(client, project, "POST", "/v1/categories", {"name": name, "hierarchy": hierarchy})


async def give_stacking_rules(db: Database, project: ProjectKeys, **settings: Any) -> Stored:
    """Rules of the project's own, with defaults where `settings` are silent."""
    return await service.create(db, project.caller(), StackingRulesIn.model_validate(settings))
