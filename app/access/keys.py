"""Key pairs: making, listing and revoking them. The secret half is returned once, by the function that makes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.access.configuration import change_configuration
from app.access.permissions import Role
from app.access.tokens import new_key_id, new_token, token_hash
from app.kit.db import Database
from app.kit.errors import AppError, NotFound
from app.models import ApiKey

Kind: TypeAlias = Literal["server", "client", "management"]

MANAGEMENT_KEYS = 5
"""As many management keys as the contract lets live at once."""


class TooManyKeys(AppError):
    """400: there are as many live management keys as there may be; revoke one first."""

    key = "invalid_payload"
    message = "Too many keys"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A new key with its secret, which is kept nowhere."""

    id: str
    token: str
    kind: Kind
    role: Role
    name: str
    created_at: datetime


async def create(db: Database, caller: Caller, role: Role, name: str, now: datetime) -> KeyPair:
    """A key of the caller's project."""
    async with db.write() as session:
        pair = await create_key(session, caller.project_id, role, name, now)
        record(session, caller, "api_key.created", "api_key", pair.id, {"role": role, "name": name})
    return pair


async def search(db: Database, caller: Caller) -> Sequence[ApiKey]:
    """All keys of the caller's project, newest first."""
    async with db.read() as session:
        return await list_keys(session, caller.project_id)


async def revoke(db: Database, caller: Caller, key_id: str, now: datetime) -> None:
    """Make a key of the caller's project worthless.

    Raises NotFound.
    """
    async with db.write() as session:
        await revoke_key(session, caller.project_id, key_id, now)
        record(session, caller, "api_key.revoked", "api_key", key_id)


async def create_key(session: AsyncSession, project_id: int, role: Role, name: str, now: datetime) -> KeyPair:
    """A key of the project: for browsers when the role is `client`, else for servers."""
    await change_configuration(session, project_id)
    return _add(session, project_id, "client" if role == "client" else "server", role, name, now)


async def create_management_key(session: AsyncSession, name: str, now: datetime) -> KeyPair:
    """A key that stands above all projects.

    Raises TooManyKeys.
    """
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("guerdon management keys"))))
    live = select(func.count()).where(ApiKey.kind == "management", ApiKey.revoked_at.is_(None))
    if (await session.scalar(live) or 0) >= MANAGEMENT_KEYS:
        raise TooManyKeys(f"There are {MANAGEMENT_KEYS} live management keys already; revoke one first.")
    return _add(session, None, "management", "admin", name, now)


async def list_keys(session: AsyncSession, project_id: int | None) -> Sequence[ApiKey]:
    """All keys of a project, or without one the management keys; newest first, revoked ones too."""
    keys = select(ApiKey).where(ApiKey.project_id.is_not_distinct_from(project_id))
    return (await session.scalars(keys.order_by(ApiKey.created_at.desc(), ApiKey.id))).all()


async def revoke_key(session: AsyncSession, project_id: int | None, key_id: str, now: datetime) -> None:
    """Make a key, and every token minted from it, worthless from the commit on. Revoking it again changes nothing.

    Raises NotFound.
    """
    if project_id is not None:
        await change_configuration(session, project_id)
    revoked = await session.scalar(
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.project_id.is_not_distinct_from(project_id))
        .values(revoked_at=func.coalesce(ApiKey.revoked_at, now), updated_at=now)
        .returning(ApiKey.id)
        .execution_options(synchronize_session=False)
    )
    if revoked is None:
        raise NotFound("api_key", key_id)


def _add(session: AsyncSession, project_id: int | None, kind: Kind, role: Role, name: str, now: datetime) -> KeyPair:
    pair = KeyPair(new_key_id(), new_token(), kind, role, name, now)
    row = ApiKey(
        id=pair.id,
        project_id=project_id,
        kind=kind,
        role=role,
        name=name,
        token_hash=token_hash(pair.token),
        created_at=now,
    )
    session.add(row)
    return pair
