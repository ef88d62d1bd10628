"""Activities of customers on the wire."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.commerce.customers.activities import Category
from app.kit.lists import QueryInstant
from app.kit.wire import Instant, WireIn, WireOut

CampaignType = Literal["DISCOUNT_COUPONS", "REFERRAL_PROGRAM", "GIFT_VOUCHERS", "PROMOTION", "LOYALTY_PROGRAM"]


class ActivityQuery(WireIn):
    limit: Annotated[int, Field(ge=1, le=100, description="At most this many.")] = 10
    order: Annotated[Literal["created_at", "-created_at"], Field(description="With `-` the newest first.")] = (
        "-created_at"
    )
    starting_after_id: Annotated[str | None, Field(description="The last id of the page before.")] = None
    start_date: Annotated[QueryInstant | None, Field(description="Nothing that happened before this.")] = None
    end_date: Annotated[QueryInstant | None, Field(description="Nothing that happened after this.")] = None
    campaign_id: Annotated[str | None, Field(max_length=64, description="Only what is about this campaign.")] = None
    campaign_type: Annotated[CampaignType | None, Field(description="Only what is about such campaigns.")] = None
    category: Annotated[
        Category | None, Field(description="What the customer did (`ACTION`), or what came of it (`EFFECT`).")
    ] = None
    type: Annotated[str | None, Field(max_length=100, description="Only activities of this type.")] = None


class ActivityRead(WireOut):
    id: str
    type: Annotated[str, Field(examples=["customer.order.paid"])]
    data: Annotated[dict[str, Any], Field(description="What the event says: ids, and no personal data.")]
    created_at: Instant
    group_id: Annotated[str, Field(description="The same for everything that happened in one step.")]
    category: Category


class ActivityList(WireOut):
    object: Literal["list"] = "list"
    data_ref: Literal["data"] = "data"
    data: list[ActivityRead]
    has_more: bool
    more_starting_after: str | None = None
