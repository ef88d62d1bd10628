"""Redemptions on the wire: what a rollback takes."""

from typing import Annotated

from pydantic import Field

from app.commerce.customers.schemas import CustomerIn
from app.commerce.orders.schemas import OrderIn
from app.kit.wire import Metadata, WireIn

Reason = Annotated[str, Field(max_length=5000, description="Why, for people who read it later.")]
TrackingId = Annotated[str, Field(max_length=500)]


class RollbackIn(WireIn):
    """Customer and order, when given, must be those of the redemption."""

    reason: Reason | None = None
    tracking_id: TrackingId | None = None
    customer: CustomerIn | None = None
    order: OrderIn | None = None
    metadata: Metadata | None = None


class RollbackQuery(WireIn):
    """The same as in the body; the body wins."""

    reason: Reason | None = None
    tracking_id: TrackingId | None = None

    def merged_into(self, body: RollbackIn) -> RollbackIn:
        return body.model_copy(
            update={"reason": body.reason or self.reason, "tracking_id": body.tracking_id or self.tracking_id}
        )
