"""What a checkout sends: the redeemables, the order, the customer."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from app.commerce.customers.schemas import CustomerIn
from app.commerce.orders.schemas import OrderIn
from app.engine.money import LARGEST_INTEGER, READ_WHOLE
from app.kit.wire import Metadata, WireIn

MAX_REDEEMABLES = 30

RedeemableId = Annotated[
    str, Field(min_length=1, max_length=500, description="A voucher's code, or the id of anything else.")
]


Credits = Annotated[int, Field(gt=0, le=LARGEST_INTEGER), READ_WHOLE]


class GiftIn(WireIn):
    credits: Annotated[
        Credits | None,
        Field(description="What the card shall pay, in minor units; all that it can when left out."),
    ] = None


class RedeemableIn(WireIn):
    """Something the customer wants to use on the order."""

    object: Literal["voucher", "promotion_tier", "promotion_stack"] = "voucher"
    id: RedeemableId
    gift: Annotated[GiftIn | None, Field(description="For gift cards.")] = None


class OptionsIn(WireIn):
    """`expand` asks for details of what was redeemed beyond ids and results."""

    expand: list[Literal["order", "redemption", "redeemable", "category"]] = Field(default_factory=list)
    best_deal: Annotated[
        bool,
        Field(
            description="Use those redeemables, in that order, that save the customer most under the stacking rules, "
            "and leave the others out. What fails is left out, too, whatever `redeemables_application_mode` says. The "
            "search takes some 0.2 seconds at most; `best_deal.is_optimal` of the answer tells whether it was done."
        ),
    ] = False


class CheckoutIn(WireIn):
    """A cart and what should be used on it, for validation and redemption alike."""

    redeemables: Annotated[list[RedeemableIn], Field(min_length=1, max_length=MAX_REDEEMABLES)]
    order: OrderIn | None = None
    customer: CustomerIn | None = None
    tracking_id: Annotated[str, Field(max_length=500)] | None = None
    metadata: Metadata | None = None
    options: OptionsIn = Field(default_factory=OptionsIn)
    session: Any = None

    @field_validator("session")
    @classmethod
    def _is_absent(cls, value: Any) -> None:
        """A lock that is silently not taken would be worse than none."""
        if value is not None:
            raise PydanticCustomError("session", "Sessions that hold uses are not available yet.")
