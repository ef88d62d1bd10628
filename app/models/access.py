"""Who may do what: projects, keys, tokens, and the log of every change."""

from datetime import datetime
from typing import Any

from sqlalchemy import Identity, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.tables import Base, Id, Json, ProjectRow, Timestamps


class Project(Base, Timestamps):
    """A shop: its own customers, codes and money, invisible to every other. `id` is ours, the wire shows `public_id`.

    `configuration_version` moves with every change of campaigns, rules, keys or settings, so that a process notices a
    stale cache before it uses it. `settings` are those without a column of their own. `stacking_rules` are
    `engine.stacking.StackingRules` with an id and dates, empty while the defaults hold. `webhook_token` signs what we
    send to the shop, so it cannot be a hash. `identity_key` makes hashes of what tells buyers apart; nobody is ever
    shown it, and it never changes, because every count of a mail address or a card hangs on it.
    """

    __tablename__ = "projects"

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    public_id: Mapped[Id] = mapped_column(unique=True)
    name: Mapped[str]
    description: Mapped[str | None]
    timezone: Mapped[str] = mapped_column(default="UTC")
    currency: Mapped[str | None]
    case_sensitive_codes: Mapped[bool] = mapped_column(default=True)
    settings: Mapped[Json] = mapped_column(default=dict)
    stacking_rules: Mapped[Json | None]
    webhook_token: Mapped[str]
    identity_key: Mapped[bytes]
    configuration_version: Mapped[int] = mapped_column(default=1, server_default="1")


class ApiKey(Base, Timestamps):
    """A key pair: `id` is the public half, the token is kept as a hash only. Management keys belong to no project."""

    __tablename__ = "api_keys"
    __table_args__ = (Index(None, "project_id"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    project_id: Mapped[int | None] = mapped_column(Integer)
    kind: Mapped[str]
    role: Mapped[str]
    name: Mapped[str]
    token_hash: Mapped[bytes]
    revoked_at: Mapped[datetime | None]


class OAuthToken(Base):
    """A bearer token minted from a server key; kept as a hash."""

    __tablename__ = "oauth_tokens"

    project_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    api_key_id: Mapped[Id]
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class ClientAllowance(Base):
    """How much of a limit of the client-side API is used up until `ends_at`, when it is whole again.

    `subject` names the limit and whom it counts, as a digest where that is personal. Unlogged, which makes counting
    cheap: after a crash of Postgres everybody starts anew.
    """

    __tablename__ = "client_allowances"
    __table_args__ = (Index(None, "project_id", "ends_at"), {"prefixes": ["UNLOGGED"]})

    project_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    subject: Mapped[Id] = mapped_column(primary_key=True)
    used: Mapped[int]
    ends_at: Mapped[datetime]


class AuditEntry(ProjectRow):
    """One change: who, when, what, by which request."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index(None, "project_id", "resource_id"),)

    actor_type: Mapped[str]
    actor_id: Mapped[Id]
    action: Mapped[str]
    resource_type: Mapped[str]
    resource_id: Mapped[Id]
    changes: Mapped[Json] = mapped_column(default=dict)
    request_id: Mapped[str | None]
    created_at: Mapped[datetime]
