"""Who is asking: the project, the key and its role, known before any endpoint runs."""

from dataclasses import dataclass, field
from typing import Literal
from zoneinfo import ZoneInfo

from app.access.permissions import CLIENT_SWITCHES, ROLES, Role
from app.access.project_settings import ProjectSettings


@dataclass(frozen=True, slots=True)
class ProjectView:
    """What a request needs to know of its project. `version` is the configuration this view was read at."""

    id: int
    public_id: str
    zone: ZoneInfo
    case_sensitive_codes: bool
    settings: ProjectSettings = field(default_factory=ProjectSettings)
    version: int = 0
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """A key that proved itself, and what it may do.

    `scopes` narrows the role of the key to what an OAuth token was asked for; None leaves the role as it is.
    """

    project: ProjectView
    api_key_id: str
    role: Role
    kind: Literal["server", "client", "management"]
    request_id: str
    user_login: str | None = None
    scopes: frozenset[str] | None = None

    @property
    def project_id(self) -> int:
        return self.project.id

    @property
    def actor(self) -> str:
        """Who does it, as the ledger names them: a person by their login, else the key."""
        return f"user:{self.user_login}" if self.user_login else f"api_key:{self.api_key_id}"

    def may(self, permission: str) -> bool:
        """Whether the role, the token's scopes and, for client keys, the project's switches allow `permission`."""
        if permission not in ROLES[self.role] or (self.scopes is not None and permission not in self.scopes):
            return False
        switch = CLIENT_SWITCHES.get(permission) if self.kind == "client" else None
        return switch is None or bool(getattr(self.project.settings, switch))
