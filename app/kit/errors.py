"""What can go wrong and be told: one shape for every error answer."""

from typing import Any, ClassVar

from pydantic import BaseModel


class AppError(Exception):
    """400: something the client can act on. Subclasses name what happened and open their docstring with the status."""

    status: ClassVar[int] = 400
    key: ClassVar[str | None] = None
    message: ClassVar[str] = "Bad request"
    headers: ClassVar[dict[str, str]] = {}

    def __init__(
        self,
        details: str | None = None,
        *,
        resource_id: str | None = None,
        resource_type: str | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(details or self.message)
        self.details = details
        self.resource_id = resource_id
        self.resource_type = resource_type
        self.extra = extra
        """Further members of the answer, such as `errors` or `error`."""


class NotFound(AppError):
    """404: the project has no such resource. Another project's resource is answered the same."""

    status = 404
    key = "not_found"
    message = "Resource not found"

    def __init__(self, resource_type: str, resource_id: str) -> None:
        super().__init__(
            f"Cannot find {resource_type.replace('_', ' ')} with id {resource_id}",
            resource_id=resource_id,
            resource_type=resource_type,
        )


class InvalidPayload(AppError):
    """400: the body cannot be understood. `errors` names the JSON path of each thing that is wrong."""

    key = "invalid_payload"
    message = "Invalid payload"

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message, errors=[{"path": path, "message": message}])


class InvalidQuery(AppError):
    """400: a query parameter cannot be understood."""

    key = "invalid_query_params"
    message = "Invalid query parameters"

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message, errors=[{"path": path, "message": message}])


class DuplicateFound(AppError):
    """409: another resource of this project already has the name or id."""

    status = 409
    key = "duplicate_found"
    message = "Duplicated resource found"


class Busy(AppError):
    """503: too many others want the same thing right now. Nothing was changed; retry after a second."""

    status = 503
    message = "Busy, please retry"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


class ErrorBody(BaseModel):
    """The shape of every error answer: the contract's members and those of RFC 9457 in one object."""

    code: int
    key: str | None = None
    message: str
    details: str | None = None
    request_id: str
    resource_id: str | None = None
    resource_type: str | None = None
    type: str
    title: str
    status: int
    detail: str
    instance: str


def error_body(error: AppError, *, request_id: str, instance: str) -> dict[str, Any]:
    """The answer to `error`; members without a value are left out."""
    details = error.details or error.message
    body = {
        "code": error.status,
        "key": error.key,
        "message": error.message,
        "details": details,
        "request_id": request_id,
        "resource_id": error.resource_id,
        "resource_type": error.resource_type,
        "type": f"urn:guerdon:error:{error.key or error.status}",
        "title": error.message,
        "status": error.status,
        "detail": details,
        "instance": instance,
        **error.extra,
    }
    return {name: value for name, value in body.items() if value is not None}
