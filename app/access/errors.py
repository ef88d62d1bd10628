"""What can go wrong before an endpoint runs."""

import math

from app.kit.errors import AppError


class Unauthorized(AppError):
    """401: the key or token is missing, wrong, revoked or expired. It is not said which."""

    status = 401
    key = "unauthorized"
    message = "Unauthorized"

    def __init__(self) -> None:
        super().__init__("The key or token is missing or wrong.")


class MissingPermission(AppError):
    """403: the role of the key, or the scope of the token, does not allow this."""

    status = 403
    key = "missing_required_permission"
    message = "Missing required permission"

    def __init__(self, permission: str) -> None:
        super().__init__(f"This needs the permission {permission}.")


class Forbidden(AppError):
    """403: the key is right, but not for this place."""

    status = 403
    key = "forbidden"
    message = "Forbidden"


class CurrencyInUse(AppError):
    """400: amounts of the project are in its currency, and are never converted."""

    key = "currency_in_use"
    message = "Currency in use"

    def __init__(self, project_id: str, currency: str) -> None:
        super().__init__(
            f"The project has vouchers, campaigns or orders in {currency}; make another project for another currency.",
            resource_id=project_id,
            resource_type="project",
        )


class OverLimit(AppError):
    """429: a limit of the client-side API is reached; `Retry-After` says when to come back."""

    status = 429

    def __init__(self, seconds_left: float) -> None:
        self.retry_seconds = max(1, math.ceil(seconds_left))
        super().__init__(f"Try again in {self.retry_seconds} seconds.")


class TooManyRequests(OverLimit):
    """429: the address has made as many requests as it may for now."""

    key = "too_many_requests"
    message = "Too many requests hit the API too quickly."


class TooManyFailedLookups(OverLimit):
    """429: too many codes were tried in vain by the address, with the key or for the customer. Codes that can be used
    are not told from others until then."""

    key = "too_many_failed_lookups"
    message = "Too many codes were tried in vain."
