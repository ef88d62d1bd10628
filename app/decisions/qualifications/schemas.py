"""What a shop asks when it wants to know what a customer could use."""

from typing import Annotated, Literal

from pydantic import Field

from app.commerce.customers.identities import IdentityIn
from app.commerce.customers.schemas import CustomerIn
from app.commerce.orders.schemas import OrderIn
from app.decisions.qualifications.filters import FiltersIn
from app.decisions.qualifications.scenarios import Scenario
from app.decisions.schemas import SessionIn
from app.kit.wire import Instant, Metadata, WireIn


class QualificationOptionsIn(WireIn):
    limit: Annotated[int, Field(ge=1, le=50, description="At most so many redeemables.")] = 5
    starting_after: Annotated[
        Instant | None, Field(description="Only redeemables created before this: `more_starting_after` of a page.")
    ] = None
    expand: list[Literal["redeemable", "category", "validation_rules"]] = Field(default_factory=list)
    sorting_rule: Annotated[
        Literal["DEFAULT", "BEST_DEAL", "LEAST_DEAL"],
        Field(
            description="Newest first; or by what they take off, most or least first, of the 200 newest, without pages."
        ),
    ] = "DEFAULT"
    filters: FiltersIn | None = None


class QualificationIn(WireIn):
    """A customer, an order, and which of the redeemables to look at."""

    customer: CustomerIn | None = None
    identity: IdentityIn | None = None
    order: OrderIn | None = None
    tracking_id: Annotated[str, Field(max_length=500)] | None = None
    scenario: Annotated[
        Scenario,
        Field(
            description="`ALL`: the customer's codes, public codes and promotion tiers. `CUSTOMER_WALLET`: the codes "
            "that were published to the customer. `PROMOTION_STACKS`: promotion stacks. `AUDIENCE_ONLY`: as `ALL`, and "
            "campaigns with a code for each customer; of the rules only conditions on the customer are asked. "
            "`PRODUCTS_DISCOUNT`: discounts on products of the order; only conditions on products are asked. "
            "`PRODUCTS`: also what asks for products of the order. `..._BY_CUSTOMER`: conditions on the customer are "
            "asked, too. Conditions that a scenario does not ask are taken to hold."
        ),
    ] = "ALL"
    options: QualificationOptionsIn = Field(default_factory=QualificationOptionsIn)
    metadata: Metadata | None = None
    session: Annotated[
        SessionIn | None,
        Field(
            description="The session on whose account is asked: what it holds itself counts as free. Nothing is held."
        ),
    ] = None
