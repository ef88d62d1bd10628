"""What a process may keep of a project, and how it learns that what it keeps is old."""

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Project

CONFIGURATION_LOCK = 1
"""First half of the advisory lock pair; `require_configuration` (migrations/functions) takes the same pair shared."""


async def change_configuration(session: AsyncSession, project_id: int) -> int:
    """Announce that this transaction changes what processes keep: campaigns, rules, assignments, settings, keys.

    Call it once per transaction, before the change. It waits for the redemptions now being recorded and holds new ones
    back until the transaction ends, so none is recorded under rules that no longer hold. Gives the new version.
    """
    await session.execute(select(func.pg_advisory_xact_lock(CONFIGURATION_LOCK, project_id)))
    version = await session.scalar(
        update(Project)
        .where(Project.id == project_id)
        .values(configuration_version=Project.configuration_version + 1)
        .returning(Project.configuration_version)
        .execution_options(synchronize_session=False)
    )
    assert version is not None  # a caller names its project, and projects with rows are never deleted
    return version


async def hold_configuration(session: AsyncSession, project_id: int) -> None:
    """Keep the configuration as it is until this transaction ends; many may hold it at once."""
    await session.execute(select(func.pg_advisory_xact_lock_shared(CONFIGURATION_LOCK, project_id)))
