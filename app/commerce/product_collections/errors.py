"""What can go wrong with product collections."""

from app.kit.errors import AppError


class TooManyCollections(AppError):
    """400: the project has as many product collections as it can have."""

    key = "quantity_exceeded"
    message = "Quantity exceeded"

    def __init__(self, most: int) -> None:
        super().__init__(f"A project can have up to {most} product collections.")
