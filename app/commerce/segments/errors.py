"""What can go wrong with segments."""

from app.kit.errors import AppError


class TooManySegments(AppError):
    """400: the project has as many segments with a filter as it can have."""

    key = "quantity_exceeded"
    message = "Quantity exceeded"

    def __init__(self, most: int) -> None:
        super().__init__(f"A project can have up to {most} segments with a filter.")
