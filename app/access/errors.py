"""What can go wrong before an endpoint runs."""

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
