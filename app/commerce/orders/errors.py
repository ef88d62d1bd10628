"""What can go wrong with orders."""

from app.engine.currencies import MISMATCH_KEY
from app.kit.errors import AppError, DuplicateFound


class SourceIdTaken(DuplicateFound):
    """409: another order of the project has the source id."""

    def __init__(self, source_id: str) -> None:
        super().__init__(f"Another order has the source_id {source_id}.", resource_id=source_id, resource_type="order")


class OrderInAnotherCurrency(AppError):
    """400: the order is kept in another currency than the request says; amounts are never converted."""

    key = MISMATCH_KEY
    message = "Currency mismatch"

    def __init__(self, order_id: str, kept_in: str, said: str) -> None:
        super().__init__(
            f"The order {order_id} is in {kept_in}, the request says {said}.",
            resource_id=order_id,
            resource_type="order",
        )
