"""What the operator does to keys at the command line, where nobody is asked for a key."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record_above_projects
from app.access.keys import KeyPair, create_key, create_management_key, list_keys, revoke_key
from app.kit import clock
from app.kit.db import Database
from app.models import ApiKey, Project
from app.processes.errors import CannotStart

KeyRole: TypeAlias = Literal["admin", "checkout", "support", "viewer", "client", "management"]
"""A role of a project's key, or `management` for a key above all projects."""

HEADERS = {
    "server": ("X_APP_ID", "X_APP_TOKEN"),
    "client": ("X_CLIENT_APPLICATION_ID", "X_CLIENT_TOKEN"),
    "management": ("X_MANAGEMENT_ID", "X_MANAGEMENT_TOKEN"),
}


async def create(db: Database, public_id: str | None, role: KeyRole, name: str) -> KeyPair:
    """A key of the project, or of the only one there is; its token is in the answer and nowhere else.

    Raises CannotStart if it is not clear which project is meant.
    """
    async with db.write() as session:
        if role == "management":
            return await create_management_key(session, name, clock.now())
        project = await _project(session, public_id)
        pair = await create_key(session, project.id, role, name, clock.now())
        changes = {"role": role, "name": name}
        record_above_projects(session, project.id, None, "api_key.created", "api_key", pair.id, changes)
        return pair


async def search(db: Database, public_id: str | None) -> Sequence[ApiKey]:
    """The keys of the project, newest first, then the management keys. Raises CannotStart as `create` does."""
    async with db.read() as session:
        project = await _project(session, public_id)
        return [*await list_keys(session, project.id), *await list_keys(session, None)]


async def revoke(db: Database, key_id: str) -> None:
    """Make a key worthless. Raises CannotStart if there is none with this id."""
    async with db.write() as session:
        key = await session.get(ApiKey, key_id)
        if key is None:
            raise CannotStart(f"There is no key {key_id}; `guerdon keys list` shows them.")
        await revoke_key(session, key.project_id, key_id, clock.now())
        if key.project_id is not None:
            record_above_projects(session, key.project_id, None, "api_key.revoked", "api_key", key_id)


async def _project(session: AsyncSession, public_id: str | None) -> Project:
    projects = (await session.scalars(select(Project).order_by(Project.id))).all()
    if public_id is None and len(projects) == 1:
        return projects[0]
    for project in projects:
        if project.public_id == public_id:
            return project
    known = ", ".join(f"{project.public_id} ({project.name})" for project in projects)
    raise CannotStart(f"Name a project with --project: {known}." if known else "There is no project yet.")
