"""Which category a request means, for whatever can have one."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.incentives.categories.errors import CategoryNotFound
from app.incentives.categories.repository import CategoryRepository
from app.kit.errors import InvalidPayload
from app.models import Category


async def resolve_category(
    session: AsyncSession, project_id: int, category: str | None, category_id: str | None
) -> Category | None:
    """The category with this name or this id; None when neither is given.

    Raises InvalidPayload when both are given, CategoryNotFound.
    """
    if category is not None and category_id is not None:
        raise InvalidPayload("category", "Give a category by its name, or by category_id, not both.")
    if category is None and category_id is None:
        return None
    categories = CategoryRepository(session, project_id)
    found = await (categories.find_by_name(category) if category is not None else categories.find(category_id or ""))
    if found is None:
        raise CategoryNotFound(category or category_id or "")
    return found


async def category_column(session: AsyncSession, project_id: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """The column `category_id`, if the members that were `given` name a category or, with null, take it away.

    Raises InvalidPayload, CategoryNotFound.
    """
    if "category" not in given and "category_id" not in given:
        return {}
    found = await resolve_category(session, project_id, given.get("category"), given.get("category_id"))
    return {"category_id": found.id if found is not None else None}
