"""From headers to a caller: keys and bearer tokens, proven once and remembered until the configuration changes.

An unknown key id and a wrong token go the same way: a remembered proof is found by a digest of both halves, and what is
not found there costs one statement and one comparison, whether the id exists or not.
"""

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

import msgspec
from fastapi import Depends, Request

from app.access.callers import Caller, ProjectView
from app.access.errors import Forbidden, MissingPermission, Unauthorized
from app.access.origins import is_trusted
from app.access.permissions import PERMISSIONS, ROLES, Role, permissions_of
from app.access.project_settings import ProjectSettings
from app.access.stacking_rules.rules import rules_of
from app.access.tokens import token_hash, token_matches
from app.kit.db import Database
from app.kit.errors import NotFound
from app.kit.metadata_schema import compile_schemas

Surface: TypeAlias = Literal["server", "client", "management"]

_HEADERS: dict[Surface, tuple[str, str]] = {
    "server": ("x-app-id", "x-app-token"),
    "client": ("x-client-application-id", "x-client-token"),
    "management": ("x-management-id", "x-management-token"),
}

_PROJECT_COLUMNS = (
    "p.id, p.public_id, p.timezone, p.currency, p.case_sensitive_codes, p.settings, p.stacking_rules, "
    "p.identity_key, "
    "p.configuration_version, "
    "(SELECT jsonb_object_agg(related_object, to_jsonb(s)) FROM metadata_schemas s WHERE s.project_id = p.id) "
    "AS metadata_schemas"
)
_KEY = f"""
SELECT k.id AS api_key_id, k.kind, k.role, k.token_hash, k.revoked_at, NULL::jsonb AS scopes,
    NULL::timestamptz AS expires_at, {_PROJECT_COLUMNS}
FROM api_keys k LEFT JOIN projects p ON p.id = k.project_id
WHERE k.id = $1
"""
_BEARER = f"""
SELECT k.id AS api_key_id, k.kind, k.role, t.token_hash, k.revoked_at, t.scopes, t.expires_at, {_PROJECT_COLUMNS}
FROM api_keys k JOIN projects p ON p.id = k.project_id
    LEFT JOIN oauth_tokens t ON t.project_id = k.project_id AND t.token_hash = $2 AND t.api_key_id = k.id
WHERE k.id = $1
"""
_PROJECT = f"SELECT {_PROJECT_COLUMNS} FROM projects p WHERE p.public_id = $1"
_VERSION = "SELECT configuration_version FROM projects WHERE id = $1"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the headers claim: a key pair, or a bearer token, which begins with the id of the key it was minted from."""

    surface: Surface
    is_bearer: bool
    id: str
    token: str

    def digest(self) -> bytes:
        claim = f"{self.surface}\0{self.is_bearer}\0{self.id}\0{self.token}"
        return hashlib.sha256(claim.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class Manager:
    """A management key that proved itself; it belongs to no project."""

    api_key_id: str
    request_id: str


class Keyring:
    """Callers this process has seen proven, by the digest of what they presented."""

    def __init__(self, capacity: int = 10_000) -> None:
        self._capacity = capacity
        self._proven: dict[bytes, tuple[Caller, float]] = {}

    def find(self, digest: bytes) -> Caller | None:
        """The caller, unless its token has expired."""
        caller, expires_at = self._proven.get(digest, (None, 0.0))
        return caller if expires_at > time.time() else None

    def keep(self, digest: bytes, caller: Caller, expires_at: datetime | None) -> None:
        if len(self._proven) >= self._capacity:
            self._proven.clear()
        self._proven[digest] = (caller, expires_at.timestamp() if expires_at else float("inf"))

    def forget(self, digest: bytes) -> None:
        self._proven.pop(digest, None)


def requires(permission: str) -> Any:
    """A dependency that gives the Caller, or refuses: `Reader = Annotated[Caller, requires("vouchers:read")]`.

    Raises Unauthorized, MissingPermission, Forbidden (origin).
    """
    if permission not in PERMISSIONS:
        raise ValueError(f"{permission} is not in app/access/permissions.py")

    async def allowed_caller(request: Request) -> Caller:
        return await current_caller_of(request, permission)

    return Depends(allowed_caller)


async def caller_of(request: Request, permission: str) -> Caller:
    """The caller as this process last knew it: no statement when the key was seen before.

    Only for requests that read `projects.configuration_version` anyway: compare it with `is_current`, and when it
    differs ask `caller_again`, which refuses a key that was revoked in between. A refusal is never given on old
    knowledge.

    Raises Unauthorized, MissingPermission, Forbidden (origin).
    """
    surface = surface_of(request)
    if surface != "management" and not _is_certain(request):
        credentials = credentials_of(request, surface)
        proven = _keyring(request).find(credentials.digest())
        if proven is not None and proven.may(permission) and _may_come_from(request, credentials, proven):
            caller = proven.on(request_id_of(request))
            request.state.caller = caller
            return caller
    return await current_caller_of(request, permission)


def is_current(caller: Caller, version: int) -> bool:
    """Whether what is known of the caller was read at this `configuration_version` of its project."""
    return caller.project.version == version


async def current_caller_of(request: Request, permission: str) -> Caller:
    """The caller, certain at this moment, with the permission.

    Raises Unauthorized, MissingPermission, Forbidden (origin), NotFound (management keys: no such project).
    """
    return _allowed(await authenticate(request), permission)


async def caller_again(request: Request, permission: str) -> Caller:
    """The same, forgetting that this request has asked before: what it knew has turned out to be old."""
    request.state.caller_is_certain = False
    return await current_caller_of(request, permission)


async def authenticate(request: Request) -> Caller:
    """The caller, certain at this moment; asked again in the same request it is the same.

    On /management/v1 the project is the one in the path.
    Raises Unauthorized, Forbidden (origin), NotFound (management keys: no such project).
    """
    if not _is_certain(request):
        surface = surface_of(request)
        if surface == "management":
            request.state.caller = await _managed(request)
        else:
            credentials = credentials_of(request, surface)
            proven = await _prove(_database(request), _keyring(request), credentials)
            if not _may_come_from(request, credentials, proven):
                raise Forbidden("The origin is not one of the trusted domains of the project.")
            request.state.caller = proven.on(request_id_of(request))
        request.state.caller_is_certain = True
    caller: Caller = request.state.caller
    return caller


async def manager_of(request: Request) -> Manager:
    """The management key of a request that names no project.

    Raises Unauthorized.
    """
    known: Manager | None = getattr(request.state, "manager", None)
    if known is None:
        credentials = credentials_of(request, "management")
        row = await _load(_database(request), credentials)
        known = Manager(row["api_key_id"], request_id_of(request))
        request.state.manager = known
    return known


async def claimant_of(request: Request) -> tuple[int, str]:
    """Project and key an Idempotency-Key counts for; 0 for management keys, which stand above projects."""
    if surface_of(request) == "management":
        return 0, (await manager_of(request)).api_key_id
    caller = await authenticate(request)
    return caller.project_id, caller.api_key_id


async def server_key_of(request: Request) -> Caller:
    """The caller, who must have come with the key pair itself and not with a token minted from it.

    Raises Unauthorized.
    """
    caller = await authenticate(request)
    if caller.kind != "server" or caller.scopes is not None:
        raise Unauthorized
    return caller


def surface_of(request: Request) -> Surface:
    path: str = request.scope["path"]
    return "client" if path.startswith("/client/") else "management" if path.startswith("/management/") else "server"


def request_id_of(request: Request) -> str:
    request_id: str = request.state.request_id
    return request_id


def credentials_of(request: Request, surface: Surface) -> Credentials:
    """What the headers claim, on the surface that was called.

    Raises Unauthorized when they claim nothing.
    """
    headers = request.headers
    id_header, token_header = _HEADERS[surface]
    key_id, token = headers.get(id_header), headers.get(token_header)
    if key_id and token:
        return _well_formed(Credentials(surface, False, key_id, token))
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    if surface != "management" and scheme.lower() == "bearer":
        return _well_formed(Credentials(surface, True, bearer.strip().partition(".")[0], bearer.strip()))
    raise Unauthorized


def project_view(row: Any) -> ProjectView:
    """A project as the statements of this module select it."""
    return ProjectView(
        id=row["id"],
        public_id=row["public_id"],
        zone=ZoneInfo(row["timezone"]),
        case_sensitive_codes=row["case_sensitive_codes"],
        settings=ProjectSettings.model_validate(_plain(row["settings"])),
        version=row["configuration_version"],
        currency=row["currency"],
        metadata_schemas=compile_schemas(_plain(row["metadata_schemas"])),
        stacking=rules_of(_plain(row["stacking_rules"])),
        identity_key=row["identity_key"],
    )


async def _prove(db: Database, keyring: Keyring, credentials: Credentials) -> Caller:
    """The caller at the present configuration version; one statement when this process knows the key.

    Raises Unauthorized.
    """
    digest = credentials.digest()
    proven = keyring.find(digest)
    if proven is not None:
        async with db.connection() as connection:
            version = await connection.fetchval(_VERSION, proven.project_id)
        if is_current(proven, version):
            return proven
        keyring.forget(digest)
    row = await _load(db, credentials)
    on_client = credentials.surface == "client"
    caller = Caller(
        project=project_view(row),
        api_key_id=row["api_key_id"],
        role="client" if on_client else row["role"],
        kind="client" if on_client else "server",
        request_id="",
        scopes=_scoped(row, on_client) if credentials.is_bearer else None,
    )
    keyring.keep(digest, caller, row["expires_at"])
    return caller


async def _load(db: Database, credentials: Credentials) -> Any:
    """The key's row, its project and its token, when all of them hold.

    Raises Unauthorized.
    """
    async with db.connection() as connection:
        if credentials.is_bearer:
            row = await connection.fetchrow(_BEARER, credentials.id, token_hash(credentials.token))
        else:
            row = await connection.fetchrow(_KEY, credentials.id)
    matches = token_matches(credentials.token, row["token_hash"] if row else None)
    if (
        not matches
        or row["revoked_at"] is not None
        or row["kind"] != ("server" if credentials.is_bearer else credentials.surface)
        or (row["expires_at"] is not None and row["expires_at"].timestamp() <= time.time())
    ):
        raise Unauthorized
    return row


def _scoped(row: Any, on_client: bool) -> frozenset[str]:
    """What a token may do: its scopes, and never more than the key it was minted from."""
    role: Role = row["role"]
    return permissions_of(_plain(row["scopes"]), on_client=on_client) & ROLES[role]


async def _managed(request: Request) -> Caller:
    manager = await manager_of(request)
    public_id = request.path_params["project_id"]
    async with _database(request).connection() as connection:
        row = await connection.fetchrow(_PROJECT, public_id)
    if row is None:
        raise NotFound("project", public_id)
    return Caller(project_view(row), manager.api_key_id, "admin", "management", manager.request_id)


def _allowed(caller: Caller, permission: str) -> Caller:
    """Raises MissingPermission."""
    if not caller.may(permission):
        raise MissingPermission(permission)
    return caller


def _may_come_from(request: Request, credentials: Credentials, proven: Caller) -> bool:
    """A client key is public, so pages of foreign origins may not use it; a bearer token is as secret as others."""
    if credentials.surface != "client" or credentials.is_bearer:
        return True
    return is_trusted(request.headers.get("origin"), proven.project.settings.client_trusted_domains)


def _is_certain(request: Request) -> bool:
    return getattr(request.state, "caller_is_certain", False)


def _well_formed(credentials: Credentials) -> Credentials:
    """Nothing else was ever issued, and Postgres could not even be asked for a text with NUL.

    Raises Unauthorized.
    """
    if not (credentials.id.isascii() and credentials.id.isprintable() and len(credentials.id) <= 64):
        raise Unauthorized
    return credentials


def _plain(value: Any) -> Any:
    return msgspec.json.decode(value) if isinstance(value, str) else value


def _keyring(request: Request) -> Keyring:
    keyring: Keyring = request.app.state.keyring
    return keyring


def _database(request: Request) -> Database:
    """The application's own database, never the one that joins a transaction: who calls is known before it begins."""
    database: Database = request.app.state.database
    return database
