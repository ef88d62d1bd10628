"""What can go wrong with reasons and budgets."""

from app.kit.errors import AppError, DuplicateFound, NotFound


class ReasonNotFound(NotFound):
    """404: the catalogue of the project has no such reason."""

    def __init__(self, key: str) -> None:
        super().__init__("goodwill_reason", key)


class ReasonKeyTaken(DuplicateFound):
    """409: another reason of the project has the key."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"A reason with the key {key} already exists.", resource_id=key, resource_type="goodwill_reason"
        )


class TooManyReasons(AppError):
    """400: the catalogue is full; delete a reason first."""

    key = "too_many_goodwill_reasons"
    message = "Too many reasons"

    def __init__(self, limit: int) -> None:
        super().__init__(f"A project has at most {limit} reasons.")
