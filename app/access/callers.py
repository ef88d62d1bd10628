"""Who is asking: the project, the key and its role, known before any endpoint runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from zoneinfo import ZoneInfo

from app.access.permissions import CLIENT_SWITCHES, ROLES, Role
from app.access.project_settings import ProjectSettings
from app.engine.stacking import DEFAULT_STACKING_RULES, StackingRules
from app.kit.metadata_schema import MetadataSchema

WORKER = "worker"
"""Whoever does what no request asked for: what follows from an event, or from time having passed."""


@dataclass(frozen=True, slots=True)
class ProjectView:
    """What a request needs to know of its project. `version` is the configuration this view was read at.

    `metadata_schemas` are by resource; most projects have none. `identity_key` is the project's secret for hashes of
    what tells buyers apart.
    """

    id: int
    public_id: str
    zone: ZoneInfo
    case_sensitive_codes: bool
    settings: ProjectSettings = field(default_factory=ProjectSettings)
    version: int = 0
    currency: str | None = None
    metadata_schemas: Mapping[str, MetadataSchema] = field(default_factory=dict)
    stacking: StackingRules = DEFAULT_STACKING_RULES
    identity_key: bytes = field(default=b"", repr=False)

    def check_metadata(self, resource: str, metadata: Mapping[str, Any] | None, path: str = "metadata") -> None:
        """Metadata that is to be kept with a resource; without a schema, and where none is given, anything goes.

        Raises MetadataValidationFailed.
        """
        schema = self.metadata_schemas.get(resource)
        if schema is not None and metadata is not None:
            schema.check(metadata, path)


@dataclass(frozen=True, slots=True)
class Caller:
    """A key that proved itself, and what it may do.

    `scopes` narrows the role of the key to what an OAuth token was asked for; None leaves the role as it is.
    """

    project: ProjectView
    api_key_id: str
    role: Role
    kind: Literal["server", "client", "management", "worker"]
    request_id: str
    user_login: str | None = None
    scopes: frozenset[str] | None = None

    @property
    def project_id(self) -> int:
        return self.project.id

    @property
    def actor(self) -> str:
        """Who does it, as the ledger names them: a person by their login, else the key; or the worker, unasked."""
        if self.kind == "worker":
            return WORKER
        return f"user:{self.user_login}" if self.user_login else f"api_key:{self.api_key_id}"

    def on(self, request_id: str) -> "Caller":
        """The same caller, in another request."""
        return Caller(self.project, self.api_key_id, self.role, self.kind, request_id, self.user_login, self.scopes)

    def may(self, permission: str) -> bool:
        """Whether the role, the token's scopes and, for client keys, the project's switches allow `permission`."""
        if permission not in ROLES[self.role] or (self.scopes is not None and permission not in self.scopes):
            return False
        switch = CLIENT_SWITCHES.get(permission) if self.kind == "client" else None
        return switch is None or bool(getattr(self.project.settings, switch))


def worker_of(project: ProjectView) -> Caller:
    """The caller of steps that the worker takes in this project."""
    return Caller(project, WORKER, "admin", "worker", "")
