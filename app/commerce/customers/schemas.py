"""Customers on the wire."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from app.commerce.customers.email import MAX_LENGTH, normal_email
from app.kit.lists import PageBody
from app.kit.wire import Instant, Metadata, WireIn, WireOut, WirePatch


def _storable(text: str) -> str:
    """Normal forms are indexed, and those of rare letters may be longer than what was given."""
    if not text.isascii() and len(normal_email(text) or "") > MAX_LENGTH:
        raise ValueError(f"The normal form of the address is longer than {MAX_LENGTH} characters.")
    return text


Reference = Annotated[str, Field(max_length=64, description="The id Guerdon gave.")]
SourceId = Annotated[str, Field(min_length=1, max_length=500, description="Your own id; unique in the project.")]
Line = Annotated[str, Field(max_length=500)]
Text = Annotated[str, Field(max_length=5000)]
Email = Annotated[str, Field(max_length=MAX_LENGTH, pattern=r"^\s*([^\s@]+@\S+)?\s*$"), AfterValidator(_storable)]
"""A mail address as given; empty text counts as none."""

Birthday = Annotated[date, Field(description="Older name of `birthdate`.", json_schema_extra={"deprecated": True})]


class AddressIn(WireIn):
    city: Line | None = None
    state: Line | None = None
    line_1: Line | None = None
    line_2: Line | None = None
    country: Line | None = None
    postal_code: Line | None = None


class CustomerIn(WireIn):
    """A customer as the shop mentions them anywhere: found by `id`, else by `source_id`, else new."""

    id: Reference | None = None
    source_id: SourceId | None = None
    name: Line | None = None
    description: Text | None = None
    email: Email | None = None
    phone: Line | None = None
    birthdate: date | None = None
    birthday: Birthday | None = None
    address: AddressIn | None = None
    metadata: Metadata | None = None


class CustomerUpdate(WirePatch):
    """What may change. The address is replaced as a whole; metadata is merged key by key, a null removes its key."""

    name: Line | None = None
    description: Text | None = None
    email: Email | None = None
    phone: Line | None = None
    birthdate: date | None = None
    birthday: Birthday | None = None
    address: AddressIn | None = None
    metadata: Metadata | None = None


class AddressRead(WireOut):
    city: str | None = None
    state: str | None = None
    line_1: str | None = None
    line_2: str | None = None
    country: str | None = None
    postal_code: str | None = None


class GiftSummary(WireOut):
    redeemed_amount: int = 0
    amount_to_go: int = 0


class LoyaltyCardSummary(WireOut):
    redeemed_points: int = 0
    points_to_go: int = 0


class RedemptionsSummary(WireOut):
    """What the customer redeemed, each part of a stack by itself. Redemptions that were rolled back later still count
    as redeemed and succeeded."""

    total_redeemed: int = 0
    total_failed: int = 0
    total_succeeded: int = 0
    total_rolled_back: int = 0
    total_rollback_failed: int = 0
    total_rollback_succeeded: int = 0
    gift: GiftSummary = GiftSummary()
    loyalty_card: LoyaltyCardSummary = LoyaltyCardSummary()


class OrdersSummary(WireOut):
    """Orders that are PAID or FULFILLED, after discounts, in minor units; the average is rounded half up. Amounts are
    of orders in the project's currency only; those in others are counted, and not summed up."""

    total_amount: int = 0
    total_count: int = 0
    average_amount: int = 0
    last_order_amount: int = 0
    last_order_date: Instant | None = None


class CustomerSummary(WireOut):
    redemptions: RedemptionsSummary = RedemptionsSummary()
    orders: OrdersSummary = OrdersSummary()


class ProgramStanding(WireOut):
    """A customer in one loyalty or referral program."""

    points: Annotated[int, Field(description="On their card of the program, without what has expired.")] = 0
    loyalty_tier: Annotated[str | None, Field(description="The name of the tier they are in.")] = None
    referred_customers: Annotated[int, Field(description="Who came by their code and was not rejected.")] = 0


class CustomerLoyalty(WireOut):
    points: Annotated[int, Field(description="On all their loyalty cards.")] = 0
    referred_customers: int = 0
    campaigns: Annotated[
        dict[str, ProgramStanding], Field(default_factory=dict, description="By the name of the campaign.")
    ]


class ReferredBy(WireOut):
    """How the customer came: by whose code of which program."""

    campaign_id: str
    referrer_id: str
    related_object_id: str
    related_object_type: Literal["voucher"] = "voucher"
    date: Instant


class CustomerReferrals(WireOut):
    total: int = 0
    campaigns: list[ReferredBy] = Field(default_factory=list)


class CustomerRead(WireOut):
    """A customer with what they did so far."""

    id: str
    source_id: str | None = None
    name: str | None = None
    description: str | None = None
    email: str | None = None
    phone: str | None = None
    birthdate: date | None = None
    birthday: Birthday | None = None
    address: AddressRead | None = None
    metadata: Metadata
    system_metadata: Metadata = Field(default_factory=dict)
    summary: CustomerSummary
    loyalty: CustomerLoyalty
    referrals: CustomerReferrals
    created_at: Instant
    updated_at: Instant | None = None
    object: Literal["customer"] = "customer"


class DeletedCounts(WireOut):
    """What was erased. Orders stay, without the person: they refer to the customer by an id that means nothing now."""

    events: int = 0
    customer_events: int = 0
    daily_events: int = 0
    segments: int = 0
    orders: int = 0
    order_events: int = 0
    customer: int = 1


class PermanentDeletion(WireOut):
    """Proof of an erasure."""

    id: str
    created_at: Instant
    related_object_id: str
    related_object: Literal["customer"] = "customer"
    status: Literal["DONE"] = "DONE"
    data_json: DeletedCounts = DeletedCounts()
    object: Annotated[Literal["pernament_deletion"], Field(description="Spelled as clients of this API know it.")] = (
        "pernament_deletion"
    )


class CustomerList(PageBody):
    data_ref: Literal["customers"] = "customers"
    customers: list[CustomerRead]
    has_more: bool
