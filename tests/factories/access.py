"""Projects and keys for tests."""

from dataclasses import dataclass
from typing import Any

from app.access.callers import Caller, ProjectView
from app.access.keys import KeyPair, create_key, create_management_key, list_keys, revoke_key
from app.access.permissions import Role
from app.access.project_views import view_of
from app.access.projects.schemas import ProjectCreate
from app.access.projects.service import create_project
from app.kit import clock
from app.kit.db import Database
from app.kit.ids import new_id

Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class ProjectKeys:
    """A project and its keys as headers; `server` may do everything, `client` is for the client surface."""

    view: ProjectView
    server_key: KeyPair
    client_key: KeyPair

    @property
    def id(self) -> int:
        return self.view.id

    @property
    def public_id(self) -> str:
        return self.view.public_id

    @property
    def server(self) -> Headers:
        return server_headers(self.server_key)

    @property
    def client(self) -> Headers:
        return {"X-Client-Application-Id": self.client_key.id, "X-Client-Token": self.client_key.token}

    def caller(self, role: Role = "admin") -> Caller:
        """A caller for tests that ask a service without HTTP."""
        return Caller(self.view, self.server_key.id, role, "client" if role == "client" else "server", "v-test")


def server_headers(key: KeyPair) -> Headers:
    return {"X-App-Id": key.id, "X-App-Token": key.token}


def management_headers(key: KeyPair) -> Headers:
    return {"X-Management-Id": key.id, "X-Management-Token": key.token}


async def give_project(db: Database, **options: Any) -> ProjectKeys:
    """A new project with both keys. `options` are those of ProjectCreate; client keys work from any origin."""
    body = ProjectCreate.model_validate({"client_trusted_domains": ["*"], **options})
    async with db.write() as session:
        created = await create_project(session, body, clock.now())
    return ProjectKeys(view_of(created.project), created.server_key, created.client_key)


async def give_key(db: Database, project: ProjectKeys, role: Role) -> KeyPair:
    """One more key of the project."""
    async with db.write() as session:
        return await create_key(session, project.id, role, new_id(role), clock.now())


async def give_management_key(db: Database) -> KeyPair:
    """A management key; older ones are revoked, because only few may live at once."""
    async with db.write() as session:
        for key in await list_keys(session, None):
            await revoke_key(session, None, key.id, clock.now())
        return await create_management_key(session, "test", clock.now())
