"""Use cases of categories, one transaction each."""

from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.access.configuration import change_configuration
from app.access.stacking_rules.rules import rules_of
from app.access.stacking_rules.service import drop_category
from app.incentives.categories.errors import CategoryInUse, CategoryNameTaken, CategoryNotFound
from app.incentives.categories.repository import CategoryRepository
from app.incentives.categories.schemas import CategoryCreate, CategoryUpdate
from app.kit import clock
from app.kit.db import Database
from app.kit.ids import new_id
from app.models import Category, Project


async def create(db: Database, caller: Caller, body: CategoryCreate) -> Category:
    """Raises CategoryNameTaken."""
    category = Category(
        project_id=caller.project_id,
        id=new_id("cat"),
        name=body.name,
        hierarchy=body.hierarchy,
        created_at=clock.now(),
        updated_at=None,
    )
    async with db.write() as session:
        session.add(category)
        await _flush(session, category.name)
        record(session, caller, "category.created", "category", category.id, body.model_dump(mode="json"))
    return category


async def search(db: Database, caller: Caller) -> Sequence[Category]:
    """All categories of the project, newest first."""
    async with db.read() as session:
        rows = CategoryRepository(session, caller.project_id).rows().order_by(Category.id.desc())
        return (await session.scalars(rows)).all()


async def get(db: Database, caller: Caller, category_id: str) -> Category:
    """Raises CategoryNotFound."""
    async with db.read() as session:
        return await _get(session, caller, category_id)


async def update(db: Database, caller: Caller, category_id: str, body: CategoryUpdate) -> Category:
    """Change what was sent; stacks are sorted by the new hierarchy at once.

    Raises CategoryNotFound, CategoryNameTaken.
    """
    changes = body.model_dump(exclude_none=True)
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        category = await _get(session, caller, category_id)
        for name, value in changes.items():
            setattr(category, name, value)
        category.updated_at = clock.now()
        await _flush(session, category.name)
        record(session, caller, "category.updated", "category", category.id, changes)
    return category


async def delete(db: Database, caller: Caller, category_id: str, *, remove_from_stacking_rules: bool) -> None:
    """Delete a category; what had it has none from now on, and vouchers that had it as their own have their campaign's.

    Raises CategoryNotFound, CategoryInUse.
    """
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        category = await _get(session, caller, category_id)
        project = await session.get_one(Project, caller.project_id)
        if category_id in rules_of(project.stacking_rules).category_ids:
            if not remove_from_stacking_rules:
                raise CategoryInUse(category_id)
            await drop_category(session, caller, category_id)
        await CategoryRepository(session, caller.project_id).leave(category_id)
        await session.delete(category)
        record(session, caller, "category.deleted", "category", category_id)


async def _get(session: AsyncSession, caller: Caller, category_id: str) -> Category:
    category = await CategoryRepository(session, caller.project_id).find(category_id)
    if category is None:
        raise CategoryNotFound(category_id)
    return category


async def _flush(session: AsyncSession, name: str) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        raise CategoryNameTaken(name) from error
