"""Loading what requests and jobs need to know of a project."""

from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import ProjectView
from app.access.project_settings import ProjectSettings
from app.access.stacking_rules.rules import rules_of
from app.models import Project


async def load_project(session: AsyncSession, project_id: int) -> ProjectView:
    """The project as it stands in this transaction; for work that no request asked for."""
    return view_of(await session.get_one(Project, project_id))


async def find_project(session: AsyncSession, public_id: str) -> ProjectView | None:
    """The project with this `proj_...` id."""
    project = await session.scalar(select(Project).where(Project.public_id == public_id))
    return view_of(project) if project else None


def view_of(project: Project) -> ProjectView:
    return ProjectView(
        id=project.id,
        public_id=project.public_id,
        zone=ZoneInfo(project.timezone),
        case_sensitive_codes=project.case_sensitive_codes,
        settings=ProjectSettings.model_validate(project.settings),
        version=project.configuration_version,
        currency=project.currency,
        stacking=rules_of(project.stacking_rules),
        identity_key=project.identity_key,
    )
