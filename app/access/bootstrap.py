"""The first start: a database without projects gets one, with keys to try everything."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from app.access.audit import record_above_projects
from app.access.keys import KeyPair, create_management_key
from app.access.projects.schemas import ProjectCreate
from app.access.projects.service import create_project
from app.kit import clock
from app.kit.db import Database
from app.models import Project


@dataclass(frozen=True, slots=True)
class Credentials:
    """The keys of the first project, in clear for the only time."""

    project_id: str
    server_key: KeyPair
    client_key: KeyPair
    management_key: KeyPair

    def variables(self) -> Mapping[str, str]:
        """As `credentials.env` names them."""
        return {
            "PROJECT_ID": self.project_id,
            "X_APP_ID": self.server_key.id,
            "X_APP_TOKEN": self.server_key.token,
            "X_CLIENT_APPLICATION_ID": self.client_key.id,
            "X_CLIENT_TOKEN": self.client_key.token,
            "X_MANAGEMENT_ID": self.management_key.id,
            "X_MANAGEMENT_TOKEN": self.management_key.token,
        }


async def ensure_first_project(db: Database) -> Credentials | None:
    """Make the first project and its keys, unless there is one already.

    Its client key works from pages of any origin, so that the first try succeeds; a real shop sets its trusted domains.
    Two processes that start at once make one project.
    """
    now = clock.now()
    async with db.write() as session:
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("guerdon first project"))))
        if await session.scalar(select(Project.id).limit(1)) is not None:
            return None
        created = await create_project(session, ProjectCreate(name="First project", client_trusted_domains=["*"]), now)
        management_key = await create_management_key(session, "first start", now)
        project = created.project
        record_above_projects(session, project.id, None, "project.created", "project", project.public_id)
    return Credentials(project.public_id, created.server_key, created.client_key, management_key)
