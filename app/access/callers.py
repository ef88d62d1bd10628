"""Who is asking: the project, the key and its role, known before any endpoint runs."""

from dataclasses import dataclass, field
from typing import Any, Literal
from zoneinfo import ZoneInfo

Role = Literal["admin", "checkout", "support", "viewer", "client"]


@dataclass(frozen=True, slots=True)
class ProjectView:
    """What a request needs to know of its project. `version` is the configuration this view was read at."""

    id: int
    public_id: str
    zone: ZoneInfo
    case_sensitive_codes: bool
    settings: dict[str, Any] = field(default_factory=dict)
    version: int = 0


@dataclass(frozen=True, slots=True)
class Caller:
    """A key that proved itself, and what it may do."""

    project: ProjectView
    api_key_id: str
    role: Role
    kind: Literal["server", "client"]
    request_id: str
    user_login: str | None = None

    @property
    def project_id(self) -> int:
        return self.project.id
