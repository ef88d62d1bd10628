"""What can go wrong and be told: one shape for every error answer."""

from typing import Any, ClassVar

from pydantic import BaseModel

MAX_PROBLEMS = 20
"""An answer names so many things that are wrong with a request, and counts the rest."""


class AppError(Exception):
    """400: something the client can act on. Subclasses name what happened and open their docstring with the status."""

    status: int = 400
    key: str | None = None
    message: str = "Bad request"
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


class Invalid(AppError):
    """400: something that was sent cannot be understood. `errors` names the path of each thing that is wrong."""

    def __init__(self, path: str, message: str, *others: tuple[str, str]) -> None:
        problems = [(path, message), *others]
        details = f"{path}: {message}" if path else message
        if others:
            details += f" And {len(others)} more, see errors."
        listed = [{"path": path, "message": message} for path, message in problems[:MAX_PROBLEMS]]
        super().__init__(details, errors=listed)


class InvalidPayload(Invalid):
    """400: the body cannot be understood; paths are JSON paths such as `order.items[0].price`."""

    key = "invalid_payload"
    message = "Invalid payload"


class InvalidQuery(Invalid):
    """400: a query parameter cannot be understood."""

    key = "invalid_query_params"
    message = "Invalid query parameters"


class QueryTooLarge(Invalid):
    """400: more conditions or longer values than one query may have."""

    key = "query_too_large"
    message = "Query too large"


class PageOverLimit(Invalid):
    """400: pages this far back are not served; filter instead."""

    key = "page_over_limit"
    message = "Page over limit"


class UnstorableValue(AppError):
    """400: a value is well formed but no column can hold it, such as a date beyond the calendar."""

    key = "invalid_payload"
    message = "Invalid payload"


class UnknownRoute(AppError):
    """404: nothing lives at this path."""

    status = 404
    key = "not_found"
    message = "Resource not found"


class MethodNotAllowed(AppError):
    """405: the path exists, the method does not."""

    status = 405
    message = "Method not allowed"


class BodyTooLarge(AppError):
    """413: the body is longer than this server reads."""

    status = 413
    message = "Payload too large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"Request bodies may have up to {limit_bytes} bytes.")


class UnsupportedMediaType(AppError):
    """415: the body is in a format this route does not read."""

    status = 415
    message = "Unsupported media type"

    def __init__(self, content_type: str) -> None:
        super().__init__(f"Send the body as application/json, not as {content_type}.")


class Internal(AppError):
    """500: a bug of ours. The log has the story under the same request id."""

    status = 500
    key = "internal"
    message = "Internal error"


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


class TimedOut(Busy):
    """503: the request took longer than this server lets one take. Whether it had effect is not known."""

    message = "Took too long, please retry"


class Problem(BaseModel):
    """One thing that is wrong with a request, and where: a JSON path, or the name of a query parameter."""

    path: str
    message: str


class CustomError(BaseModel):
    """What the marketer wants the customer to be told."""

    message: str


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
    errors: list[Problem] | None = None
    error: CustomError | None = None
    redeemable_type: str | None = None
    redeemable_id: str | None = None


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
