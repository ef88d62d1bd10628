"""Wire shapes of the audit log."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.kit.wire import Instant, WireIn, WireOut


class AuditQuery(WireIn):
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    starting_after_id: Annotated[str | None, Field(description="The last id of the page before.")] = None
    resource_id: Annotated[str | None, Field(description="Only changes of this resource.")] = None


class AuditEntryRead(WireOut):
    id: str
    actor_type: Literal["api_key", "user", "operator", "worker"]
    actor_id: str
    action: Annotated[str, Field(examples=["voucher.updated"])]
    resource_type: str
    resource_id: str
    changes: dict[str, Any]
    request_id: str | None = None
    created_at: Instant
    object: Literal["audit_entry"] = "audit_entry"


class AuditLog(WireOut):
    object: Literal["list"] = "list"
    data_ref: Literal["data"] = "data"
    data: list[AuditEntryRead]
    has_more: bool
    more_starting_after: str | None = None
