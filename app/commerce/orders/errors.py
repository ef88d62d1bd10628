"""What can go wrong with orders."""

from app.kit.errors import DuplicateFound


class SourceIdTaken(DuplicateFound):
    """409: another order of the project has the source id."""

    def __init__(self, source_id: str) -> None:
        super().__init__(f"Another order has the source_id {source_id}.", resource_id=source_id, resource_type="order")
