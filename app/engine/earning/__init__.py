"""Ways of earning points. A new one is a class in this package and a name in `Loyalty`. Contract: surface.md section
15, types.md section 11."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Tag

from app.engine.earning.base import MOST_POINTS, Earned, Earning, Occasion, Trigger
from app.engine.earning.fixed import FixedPoints
from app.engine.earning.proportional import (
    CustomerMetadata,
    CustomEventMetadata,
    OrderAmount,
    OrderItemsAmount,
    OrderItemsQuantity,
    OrderItemsSubtotalAmount,
    OrderMetadata,
    OrderTotalAmount,
)
from app.engine.earning.worth import Tender, Worth, points_of_units


def _tag(definition: Any) -> Any:
    """What tells them apart: the type, and of those in proportion what they are in proportion to."""
    members = (
        definition if isinstance(definition, Mapping) else vars(definition) if isinstance(definition, Earning) else {}
    )
    kind = members.get("type")
    return members.get("calculation_type") if kind == "PROPORTIONAL" else kind


Loyalty = Annotated[
    Annotated[FixedPoints, Tag("FIXED")]
    | Annotated[OrderAmount, Tag("ORDER_AMOUNT")]
    | Annotated[OrderTotalAmount, Tag("ORDER_TOTAL_AMOUNT")]
    | Annotated[OrderMetadata, Tag("ORDER_METADATA")]
    | Annotated[OrderItemsQuantity, Tag("ORDER_ITEMS_QUANTITY")]
    | Annotated[OrderItemsAmount, Tag("ORDER_ITEMS_AMOUNT")]
    | Annotated[OrderItemsSubtotalAmount, Tag("ORDER_ITEMS_SUBTOTAL_AMOUNT")]
    | Annotated[CustomerMetadata, Tag("CUSTOMER_METADATA")]
    | Annotated[CustomEventMetadata, Tag("CUSTOM_EVENT_METADATA")],
    Discriminator(
        _tag,
        custom_error_type="earning",
        custom_error_message="Points are FIXED, or PROPORTIONAL to what `calculation_type` names: ORDER_AMOUNT, "
        "ORDER_TOTAL_AMOUNT, ORDER_METADATA, ORDER_ITEMS_QUANTITY, ORDER_ITEMS_AMOUNT, ORDER_ITEMS_SUBTOTAL_AMOUNT, "
        "CUSTOMER_METADATA or CUSTOM_EVENT_METADATA.",
    ),
]

__all__ = [
    "MOST_POINTS",
    "CustomEventMetadata",
    "CustomerMetadata",
    "Earned",
    "Earning",
    "FixedPoints",
    "Loyalty",
    "Occasion",
    "OrderAmount",
    "OrderItemsAmount",
    "OrderItemsQuantity",
    "OrderItemsSubtotalAmount",
    "OrderMetadata",
    "OrderTotalAmount",
    "Tender",
    "Trigger",
    "Worth",
    "points_of_units",
]
