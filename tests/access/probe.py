"""Routes that do nothing but ask for a permission, one per permission and surface, for the tests of access."""

from typing import Annotated, Any

from app.access.authentication import requires
from app.access.callers import Caller
from app.access.permissions import PERMISSIONS
from app.kit.http import Router


def probe_router() -> Router:
    """`GET /v1/probe/<permission>` and the same under /x/v1, /client/v1 and /management/v1/projects/{project_id}."""
    router = Router()
    for prefix in ("/v1", "/x/v1", "/client/v1", "/management/v1/projects/{project_id}"):
        for permission in sorted(PERMISSIONS):
            router.add_api_route(f"{prefix}/probe/{permission}", _probe(permission), methods=["GET"])
    return router


def _probe(permission: str) -> Any:
    async def probe(caller: Annotated[Caller, requires(permission)]) -> dict[str, str]:
        return {"project": caller.project.public_id, "role": caller.role, "kind": caller.kind}

    return probe
