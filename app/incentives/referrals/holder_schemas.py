"""Holders of referral codes on the wire."""

from typing import Annotated, Literal

from pydantic import Field

from app.commerce.customers.schemas import CustomerIn
from app.kit.wire import Instant, Metadata, WireIn, WireOut

MOST_HOLDERS = 100


class HoldersAdd(WireIn):
    """Customers to name as referees of a code; unknown ones are made."""

    holders: Annotated[list[CustomerIn], Field(min_length=1, max_length=MOST_HOLDERS)]
    metadata: Metadata = Field(default_factory=dict)


class HolderRead(WireOut):
    """A customer who has to do with a referral code."""

    id: Annotated[str, Field(examples=["rf_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    created_at: Instant
    redeemable_id: str
    redeemable_object: Literal["voucher"] = "voucher"
    customer_id: str
    holder_role: Literal["REFERRER", "REFEREE"]
    campaign_id: str
    campaign_type: Literal["REFERRAL_PROGRAM"] = "REFERRAL_PROGRAM"
    voucher_type: Literal["DISCOUNT_VOUCHER"] = "DISCOUNT_VOUCHER"
    metadata: Metadata
    object: Literal["redeemable_holder"] = "redeemable_holder"


class HoldersAdded(WireOut):
    holders: list[HolderRead]
