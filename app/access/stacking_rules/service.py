"""Use cases of stacking rules, one transaction each."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.access.configuration import change_configuration
from app.access.stacking_rules.errors import StackingRulesExist, StackingRulesNotFound
from app.access.stacking_rules.rules import Stored, changed_rules, rules_of
from app.access.stacking_rules.schemas import StackingRulesIn
from app.engine.stacking import CATEGORY_LISTS, DEFAULT_STACKING_RULES, StackingRules
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import InvalidPayload
from app.kit.ids import new_id
from app.kit.wire import format_instant, problems_of
from app.models import Category, Project


async def create(db: Database, caller: Caller, body: StackingRulesIn) -> Stored:
    """Replace the defaults by rules of the project's own.

    Raises StackingRulesExist, InvalidPayload.
    """
    changes = body.changes()
    async with db.write() as session:
        project = await _project(session, caller)
        if project.stacking_rules is not None:
            raise StackingRulesExist(project.stacking_rules["id"])
        rules = await _checked(session, caller, DEFAULT_STACKING_RULES, changes)
        created_at = format_instant(clock.now())
        project.stacking_rules = {"id": new_id("stk"), **rules.model_dump(mode="json"), "created_at": created_at}
        _note(session, caller, "created", project.stacking_rules, changes)
        return project.stacking_rules


async def find(db: Database, caller: Caller) -> Stored | None:
    """The project's rules, None while it goes by the defaults."""
    async with db.read() as session:
        return (await session.get_one(Project, caller.project_id)).stacking_rules


async def get(db: Database, caller: Caller, rules_id: str) -> Stored:
    """Raises StackingRulesNotFound."""
    async with db.read() as session:
        return _found(await session.get_one(Project, caller.project_id), rules_id)


async def update(db: Database, caller: Caller, rules_id: str, body: StackingRulesIn) -> Stored:
    """Change the members that were sent.

    Raises StackingRulesNotFound, InvalidPayload.
    """
    changes = body.changes()
    async with db.write() as session:
        project = await _project(session, caller)
        stored = _found(project, rules_id)
        rules = await _checked(session, caller, rules_of(stored), changes)
        project.stacking_rules = _changed(stored, rules)
        _note(session, caller, "updated", project.stacking_rules, changes)
        return project.stacking_rules


async def delete(db: Database, caller: Caller, rules_id: str) -> None:
    """Go back to the defaults.

    Raises StackingRulesNotFound.
    """
    async with db.write() as session:
        project = await _project(session, caller)
        _note(session, caller, "deleted", _found(project, rules_id), {})
        project.stacking_rules = None


async def drop_category(session: AsyncSession, caller: Caller, category_id: str) -> None:
    """Take a category out of the project's rules, so that it can be deleted."""
    project = await session.get_one(Project, caller.project_id)
    stored = project.stacking_rules
    if stored is not None:
        project.stacking_rules = _changed(stored, rules_of(stored).without_category(category_id))
        _note(session, caller, "updated", project.stacking_rules, {"category_removed": category_id})


async def _project(session: AsyncSession, caller: Caller) -> Project:
    """The project with its configuration locked, so that redemptions see the rules change between them."""
    await change_configuration(session, caller.project_id)
    return await session.get_one(Project, caller.project_id, populate_existing=True)


def _found(project: Project, rules_id: str) -> Stored:
    if project.stacking_rules is None or project.stacking_rules["id"] != rules_id:
        raise StackingRulesNotFound(rules_id)
    return project.stacking_rules


def _changed(stored: Stored, rules: StackingRules) -> dict[str, Any]:
    return {**stored, **rules.model_dump(mode="json"), "updated_at": format_instant(clock.now())}


async def _checked(
    session: AsyncSession, caller: Caller, rules: StackingRules, changes: Mapping[str, Any]
) -> StackingRules:
    """The changed rules, which agree with themselves and name categories of this project only.

    Raises InvalidPayload.
    """
    try:
        changed = changed_rules(rules, changes)
    except ValidationError as error:
        problems = problems_of(error.errors(include_url=False, include_context=False), dict(changes))
        raise InvalidPayload(*problems[0], *problems[1:]) from None
    named = sorted(changed.category_ids - rules.category_ids)
    known = select(Category.id).where(Category.project_id == caller.project_id, Category.id.in_(named))
    unknown = set(named) - set(await session.scalars(known)) if named else set()
    if unknown:
        problems = [(name, f"The project has no category {id_}.") for name, id_ in _named_in(changed) if id_ in unknown]
        raise InvalidPayload(*problems[0], *problems[1:])
    return changed


def _named_in(rules: StackingRules) -> list[tuple[str, str]]:
    """Each category that the rules name, with the path where they do."""
    listed = [(f"{name}[{n}]", id_) for name in CATEGORY_LISTS for n, id_ in enumerate(getattr(rules, name))]
    limits = rules.applicable_redeemables_category_limits
    return [*listed, *((f"applicable_redeemables_category_limits.{id_}", id_) for id_ in limits)]


def _note(session: AsyncSession, caller: Caller, change: str, stored: Stored, changes: Mapping[str, Any]) -> None:
    record(session, caller, f"stacking_rules.{change}", "stacking_rules", stored["id"], changes)
