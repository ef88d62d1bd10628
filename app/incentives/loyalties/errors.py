"""What can go wrong with programs, cards and points."""

from app.kit.errors import AppError, NotFound


class MemberNotFound(NotFound):
    """404: the program has no card with this code or id."""

    def __init__(self, member: str) -> None:
        super().__init__("voucher", member)


class PendingPointsNotFound(NotFound):
    """404: the card has no pending points with this id."""

    def __init__(self, pending_points_id: str) -> None:
        super().__init__("pending_points", pending_points_id)


class CardNotPublished(AppError):
    """400: nobody holds the card yet; it has no points to change."""

    key = "not_published"
    message = "Not published"

    def __init__(self, code: str) -> None:
        super().__init__(f"Nobody holds {code} yet.", resource_id=code, resource_type="voucher")


class PointsExceeded(AppError):
    """400: the card has not so many points."""

    key = "loyalty_card_points_exceeded"
    message = "Loyalty card points exceeded"

    def __init__(self, code: str, points: int) -> None:
        super().__init__(
            f"{points} points cannot be taken from {code}, which has less.", resource_id=code, resource_type="voucher"
        )


class TooManyPoints(AppError):
    """400: no card can have so many points."""

    key = "invalid_amount"
    message = "Invalid amount"

    def __init__(self, code: str) -> None:
        super().__init__(f"{code} cannot have that many points.", resource_id=code, resource_type="voucher")


class InvalidExpirationDate(AppError):
    """400: the day is missing, or over."""

    key = "invalid_expiration_date"
    message = "Invalid expiration date"


class InvalidPendingPointsState(AppError):
    """400: the points are not pending any more."""

    key = "invalid_pending_points_state"
    message = "Invalid pending points state"

    def __init__(self, pending_points_id: str, status: str) -> None:
        super().__init__(f"They are {status}.", resource_id=pending_points_id, resource_type="pending_points")


class InvalidPendingPointsChange(AppError):
    """400: nothing would change, or nothing would be left: cancel the points then."""

    key = "invalid_amount"
    message = "Invalid amount"


class DuplicateSourceId(AppError):
    """400: the source id was given to another change of this card before."""

    key = "duplicate_source_id"
    message = "Duplicate source id"

    def __init__(self, source_id: str) -> None:
        super().__init__(f"{source_id} names another change of points.", resource_id=source_id)
