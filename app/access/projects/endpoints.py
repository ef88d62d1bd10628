"""Routes of the management surface: projects and their keys."""

from typing import Annotated

from fastapi import Depends, Response

from app.access import keys
from app.access.authentication import Manager, manager_of, requires
from app.access.callers import Caller
from app.access.keys import KeyPair
from app.access.projects import service
from app.access.projects.schemas import (
    KeyCreate,
    KeyCreated,
    KeyList,
    KeyRead,
    ProjectCreate,
    ProjectCreated,
    ProjectKey,
    ProjectList,
    ProjectRead,
    ProjectUpdate,
)
from app.kit import clock
from app.kit.http import Db, Router
from app.models import Project

router = Router(prefix="/management/v1/projects", tags=["projects"])
AnyManager = Annotated[Manager, Depends(manager_of)]
Reader = Annotated[Caller, requires("projects:read")]
Writer = Annotated[Caller, requires("projects:write")]
KeyReader = Annotated[Caller, requires("keys:read")]
KeyWriter = Annotated[Caller, requires("keys:write")]


@router.post("")
async def create_project(db: Db, manager: AnyManager, body: ProjectCreate, response: Response) -> ProjectCreated:
    """Create a project with a server key for everything and a client key. Tokens are shown in this answer only."""
    created = await service.create(db, manager, body, clock.now())
    response.headers["Cache-Control"] = "no-store"
    return ProjectCreated(
        **_members(created.project),
        server_side_key=_key_of(created.server_key),
        client_side_key=_key_of(created.client_key),
    )


@router.get("")
async def list_projects(db: Db, _manager: AnyManager) -> ProjectList:
    """List all projects, newest first."""
    projects = await service.search(db)
    return ProjectList(data=[ProjectRead(**_members(project)) for project in projects], total=len(projects))


@router.get("/{project_id}")
async def get_project(db: Db, caller: Reader, project_id: str) -> ProjectRead:
    """Get a project."""
    return ProjectRead(**_members(await service.get(db, caller)))


@router.put("/{project_id}")
async def update_project(db: Db, caller: Writer, project_id: str, body: ProjectUpdate) -> ProjectRead:
    """Change a project. What is left out stays as it is, null brings back the default."""
    return ProjectRead(**_members(await service.update(db, caller, body, clock.now())))


@router.post("/{project_id}/keys")
async def create_key(db: Db, caller: KeyWriter, project_id: str, body: KeyCreate, response: Response) -> KeyCreated:
    """Create a key pair. Its token is shown in this answer only."""
    pair = await keys.create(db, caller, body.role, body.name, clock.now())
    response.headers["Cache-Control"] = "no-store"
    return KeyCreated.model_validate(pair)


@router.get("/{project_id}/keys")
async def list_keys(db: Db, caller: KeyReader, project_id: str) -> KeyList:
    """List the keys of a project, newest first, those revoked too."""
    found = await keys.search(db, caller)
    return KeyList(data=[KeyRead.model_validate(key) for key in found], total=len(found))


@router.delete("/{project_id}/keys/{key_id}", status_code=204)
async def revoke_key(db: Db, caller: KeyWriter, project_id: str, key_id: str) -> None:
    """Revoke a key. It, and every token minted from it, stops working at once and for good."""
    await keys.revoke(db, caller, key_id, clock.now())


def _members(project: Project) -> dict[str, object]:
    return {
        **service.settings_of(project).model_dump(),
        "id": project.public_id,
        "name": project.name,
        "description": project.description,
        "timezone": project.timezone,
        "currency": project.currency,
        "case_sensitive_codes": project.case_sensitive_codes,
        "webhook_token": project.webhook_token,
    }


def _key_of(pair: KeyPair) -> ProjectKey:
    return ProjectKey(app_id=pair.id, app_token=pair.token)
