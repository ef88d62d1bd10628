"""What a shop asks when it wants to know what a customer could use."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from app.commerce.customers.schemas import CustomerIn
from app.commerce.orders.schemas import OrderIn
from app.kit.wire import Instant, Metadata, WireIn

Scenario = Literal["ALL", "CUSTOMER_WALLET"]


class QualificationOptionsIn(WireIn):
    limit: Annotated[int, Field(ge=1, le=50, description="At most so many redeemables.")] = 5
    starting_after: Annotated[
        Instant | None, Field(description="Only redeemables created before this: `more_starting_after` of a page.")
    ] = None
    expand: list[Literal["redeemable", "category", "validation_rules"]] = Field(default_factory=list)
    sorting_rule: Annotated[
        Literal["DEFAULT", "BEST_DEAL", "LEAST_DEAL"],
        Field(description="Newest first, or by what they take off: most first, least first."),
    ] = "DEFAULT"
    filters: Any = None

    @field_validator("filters")
    @classmethod
    def _are_absent(cls, value: Any) -> None:
        if value:
            raise PydanticCustomError("filters", "Filters of qualifications are not available yet.")


class QualificationIn(WireIn):
    """A customer, an order, and which of the redeemables to look at: all that are open to them, or their wallet."""

    customer: CustomerIn | None = None
    order: OrderIn | None = None
    tracking_id: Annotated[str, Field(max_length=500)] | None = None
    scenario: Scenario = "ALL"
    options: QualificationOptionsIn = Field(default_factory=QualificationOptionsIn)
    metadata: Metadata | None = None
