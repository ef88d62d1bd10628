"""Refunds on the wire."""

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.decisions.redemptions.schemas import Reason
from app.engine.money import LARGEST_INTEGER
from app.kit.lists import CursorQuery
from app.kit.wire import Instant, Int64, Metadata, WireIn, WireOut

MOST_UNITS_NAMED = 1000
MOST_LINES = 1000
Policy = Literal["paid_share", "requalify"]
UnitNumber = Annotated[Int64, Field(ge=1, le=LARGEST_INTEGER)]


class RefundLineIn(WireIn):
    """Units of one line that come back: so many, or those with these numbers; all that are left when neither is said.

    Of a `quantity` the units that cost least come back first, of equal ones the last: whoever keeps two of "three for
    two" keeps two that were paid for.
    """

    index: Annotated[Int64, Field(ge=0, description="Which line of the redemption's order, from 0.")]
    quantity: Annotated[UnitNumber | None, Field(description="How many units.")] = None
    units: Annotated[
        list[UnitNumber] | None,
        Field(min_length=1, max_length=MOST_UNITS_NAMED, description="Which units, by their numbers from 1."),
    ] = None

    @model_validator(mode="after")
    def _says_it_once(self) -> "RefundLineIn":
        if self.quantity is not None and self.units is not None:
            raise PydanticCustomError("refund_line", "A line has either a quantity or units.")
        return self


class RefundIn(WireIn):
    """What comes back. Without `lines` it is all that the customer still has, which gives back all that is left.

    `policy` paid_share: every unit gives back what it cost after its share of the discounts, as it was kept when the
    order was redeemed. requalify: the discounts are evaluated again for what is kept, and what that costs more than
    before is charged back. Without it the policy of earlier refunds goes on, else paid_share.
    """

    lines: Annotated[list[RefundLineIn] | None, Field(min_length=1, max_length=MOST_LINES)] = None
    policy: Policy | None = None
    reason: Reason | None = None
    metadata: Metadata | None = None


class UnitSpan(WireOut):
    """Neighbouring units of a line, by their numbers from 1."""

    first: int
    last: int


class RefundedLine(WireOut):
    """`amount` is the money that the units cost, `credits` what gift cards and points paid for them and
    `discount_amount` the part of the discounts that they carry. `remaining_quantity` can still come back."""

    index: int
    product_id: str | None = None
    sku_id: str | None = None
    source_id: str | None = None
    quantity: int
    units: list[UnitSpan]
    amount: int
    credits: int
    discount_amount: int
    remaining_quantity: int


class RefundedRedeemable(WireOut):
    """`credits` go back to this gift card, or are the worth of the `points` that go back to this loyalty card;
    `discount_amount` is the part of this discount that the units carry."""

    redemption_id: str
    object: Literal["voucher", "promotion_tier", "promotion_stack"]
    id: Annotated[str, Field(description="Of the voucher or promotion tier.")]
    voucher_code: str | None = None
    credits: int
    points: Annotated[int | None, Field(description="In proportion to what they paid, parts cut off.")] = None
    discount_amount: int
    remaining_credits: int


class RemainingRead(WireOut):
    """What can still come back, and be given back for it."""

    quantity: int
    amount: int
    credits: int


class RefundFigures(WireOut):
    """`amount` is money to give back, in minor units; `credits` go back to gift cards, or to loyalty cards in points.
    `adjustment_amount` is what both are beyond the sum of the lines: negative for what requalifying charges back,
    positive for what no unit carries, which comes with the last one."""

    redemption_id: str
    order_id: str
    policy: Policy
    currency: Annotated[str | None, Field(description="Of the order, where it is known.")] = None
    amount: int
    credits: int
    adjustment_amount: int
    lines: list[RefundedLine]
    redeemables: list[RefundedRedeemable]


class RefundPreview(RefundFigures):
    object: Literal["refund_preview"] = "refund_preview"
    remaining: RemainingRead


class RefundRead(RefundFigures):
    """A refund as it was made. `remaining` comes with the answer to making it."""

    id: str
    object: Literal["refund"] = "refund"
    reason: str | None = None
    metadata: Metadata
    created_at: Instant
    remaining: RemainingRead | None = None


class RefundQuery(CursorQuery):
    """Newest first."""
