"""Making and changing projects."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record, record_above_projects
from app.access.authentication import Manager
from app.access.callers import Caller
from app.access.configuration import change_configuration
from app.access.errors import CurrencyInUse
from app.access.keys import KeyPair, create_key
from app.access.project_settings import ProjectSettings
from app.access.projects.schemas import ProjectCreate, ProjectUpdate
from app.access.tokens import new_token
from app.kit.db import Database
from app.kit.errors import NotFound
from app.kit.ids import new_id
from app.models import Campaign, Order, Project, Voucher

_COLUMNS = ("name", "description", "timezone", "currency")
_CREATED_WITH = (*_COLUMNS, "case_sensitive_codes")


@dataclass(frozen=True, slots=True)
class NewProject:
    """A project with its first two keys, whose secrets are shown now or never."""

    project: Project
    server_key: KeyPair
    client_key: KeyPair


async def create(db: Database, manager: Manager, body: ProjectCreate, now: datetime) -> NewProject:
    """A project with a server key for everything and a client key."""
    async with db.write() as session:
        created = await create_project(session, body, now)
        project = created.project
        record_above_projects(session, project.id, manager, "project.created", "project", project.public_id)
    return created


async def create_project(session: AsyncSession, body: ProjectCreate, now: datetime) -> NewProject:
    """The same in the caller's transaction."""
    sent = body.model_dump(exclude_none=True)
    project = Project(
        public_id=new_id("proj"),
        **{name: sent[name] for name in _CREATED_WITH if name in sent},
        settings=_stored(ProjectSettings.model_validate(sent)),
        webhook_token=new_token(),
        identity_key=secrets.token_bytes(32),
        created_at=now,
    )
    session.add(project)
    await session.flush()
    server_key = await create_key(session, project.id, "admin", "server", now)
    client_key = await create_key(session, project.id, "client", "client", now)
    await session.refresh(project)
    return NewProject(project, server_key, client_key)


async def search(db: Database) -> Sequence[Project]:
    """Every project, newest first."""
    async with db.read() as session:
        return (await session.scalars(select(Project).order_by(Project.id.desc()))).all()


async def get(db: Database, caller: Caller) -> Project:
    async with db.read() as session:
        return await _get_project(session, caller)


async def update(db: Database, caller: Caller, body: ProjectUpdate, now: datetime) -> Project:
    """Change what was sent; null brings back the default.

    Raises CurrencyInUse.
    """
    changes = body.changes()
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        project = await _get_project(session, caller)
        if "currency" in changes and project.currency not in (None, changes["currency"]):
            await _refuse_while_there_is_money(session, project)
        _change(project, changes)
        project.updated_at = now
        record(session, caller, "project.updated", "project", project.public_id, body.model_dump(include=set(changes)))
    return project


def settings_of(project: Project) -> ProjectSettings:
    return ProjectSettings.model_validate(project.settings)


def _change(project: Project, changes: Mapping[str, Any]) -> None:
    defaults = ProjectCreate()
    for name in _COLUMNS:
        if name in changes:
            setattr(project, name, getattr(defaults, name) if changes[name] is None else changes[name])
    cleared = {name for name, value in changes.items() if value is None}
    merged = {name: value for name, value in {**project.settings, **changes}.items() if name not in cleared}
    project.settings = _stored(ProjectSettings.model_validate(merged))


def _stored(settings: ProjectSettings) -> dict[str, Any]:
    """Only what differs from the defaults, so that a better default reaches the projects that never chose."""
    return settings.model_dump(mode="json", exclude_defaults=True)


async def _refuse_while_there_is_money(session: AsyncSession, project: Project) -> None:
    """Amounts that name no currency would mean another one all at once. Raises CurrencyInUse."""
    for table in (Voucher, Campaign, Order):
        if await session.scalar(select(exists().where(table.project_id == project.id))):
            raise CurrencyInUse(project.public_id, project.currency or "")


async def _get_project(session: AsyncSession, caller: Caller) -> Project:
    project = await session.get(Project, caller.project_id)
    if project is None:
        raise NotFound("project", caller.project.public_id)
    return project
