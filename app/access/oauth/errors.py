"""What can go wrong when a token is asked for."""

from typing import ClassVar

from app.kit.errors import AppError


class InvalidGrantType(AppError):
    """400: only `client_credentials` is offered."""

    key = "invalid_grant_type"
    message = "Invalid grant type"


class InvalidScope(AppError):
    """400: a scope is unknown."""

    key = "invalid_scope"
    message = "Invalid scope"


class MissingParameters(AppError):
    """400: a form field is missing. The body is `application/x-www-form-urlencoded`."""

    key = "missing_parameters"
    message = "Missing parameters"


class TooManyTokens(AppError):
    """429: the project has as many live tokens as it may. Use one of them until it expires, or revoke some."""

    status = 429
    message = "Too many tokens"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "60"}
