"""The wire shapes of members, balances, transfers and pending points."""

from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field
from sqlalchemy import Select, select

from app.access.callers import Caller
from app.commerce.customers.schemas import CustomerIn
from app.incentives.balances.schemas import RelatedVoucher
from app.incentives.categories.schemas import CategoryRead
from app.incentives.vouchers.listing import VoucherQuery, vouchers_of
from app.incentives.vouchers.schemas import MOST_POINTS, LoyaltyCardRead, PublishRead, VoucherRedemptionRead
from app.kit.lists import CursorQuery, ListQuery
from app.kit.wire import Instant, Metadata, WireIn, WireOut, no_truth_value
from app.models import Lot, PendingPoints, Voucher

MOST_TRANSFERS = 50
"""How many cards points can be moved from at once."""

Name = Annotated[str, Field(min_length=1, max_length=500)]
SourceId = Annotated[
    str, Field(min_length=1, max_length=500, description="Your name for this change, which is made only once.")
]
Reason = Annotated[str, Field(max_length=5000, description="Why, for people who read it later.")]
Delta = Annotated[int, Field(ge=-MOST_POINTS, le=MOST_POINTS), BeforeValidator(no_truth_value)]


class MemberCreate(WireIn):
    """Who becomes a member, and with which card: a certain one (`voucher`), or any that is free."""

    voucher: Annotated[Name | None, Field(description="Code or id of the card.")] = None
    customer: CustomerIn
    source_id: Annotated[Name | None, Field(description="Your own id of this publication.")] = None
    metadata: Metadata = Field(default_factory=dict)
    channel: Annotated[str, Field(max_length=255)] = "API"


class PointsChange(WireIn):
    """What to add to a card's points, or to take away when negative."""

    points: Annotated[Delta, Field(examples=[500])]
    expiration_type: Annotated[
        Literal["PROGRAM_RULES", "CUSTOM_DATE", "NON_EXPIRING"] | None,
        Field(description="When added points expire: as the program says unless a date is given, on a date, or never."),
    ] = None
    expiration_date: Annotated[Instant | None, Field(description="They are good until this day ends.")] = None
    reason: Reason | None = None
    source_id: SourceId | None = None


class PointsBalanceRead(WireOut):
    """A change by `points`: `total` is all that was ever added, transfers aside, `balance` what is there after it."""

    points: int
    total: int
    balance: int
    type: Literal["loyalty_card"] = "loyalty_card"
    object: Literal["balance"] = "balance"
    operation_type: Literal["MANUAL", "AUTOMATIC"]
    related_object: RelatedVoucher


class PendingPointsChange(WireIn):
    points: Annotated[Delta, Field(description="How many more are to come, or fewer when negative.")]


class PendingBalanceRead(WireOut):
    """A change of pending points by `points`; `total` is what is pending after it."""

    points: int
    total: int
    object: Literal["balance"] = "balance"
    operation_type: Literal["MANUAL"] = "MANUAL"
    related_object: RelatedVoucher


class TransferIn(WireIn):
    """From which card points come."""

    code: Annotated[Name, Field(description="Code or id of the card that gives.")]
    points: Annotated[int, Field(ge=1, le=MOST_POINTS), BeforeValidator(no_truth_value)]
    reason: Reason | None = None
    source_id: SourceId


class TransferRead(WireOut):
    """The card that got the points: a voucher without `active`, which clients of the contract read as a text here."""

    nullable: ClassVar[frozenset[str]] = frozenset(
        {"category", "category_id", "additional_info", "start_date", "expiration_date"}
    )

    id: str
    code: str
    campaign: str | None = None
    campaign_id: str | None = None
    category: str | None
    category_id: str | None
    categories: list[CategoryRead]
    type: Literal["LOYALTY_CARD"]
    loyalty_card: LoyaltyCardRead
    start_date: Instant | None
    expiration_date: Instant | None
    validity_timeframe: dict[str, Any]
    validity_day_of_week: list[int]
    validity_hours: dict[str, Any]
    publish: PublishRead
    redemption: VoucherRedemptionRead
    additional_info: str | None
    metadata: Metadata
    is_referral_code: bool
    holder_id: str | None = None
    created_at: Instant
    updated_at: Instant | None = None


class PendingPointsRead(WireOut):
    id: Annotated[str, Field(examples=["lopp_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    voucher_id: str
    campaign_id: str
    customer_id: str
    order_id: str | None = None
    points: int
    activates_at: Annotated[date, Field(description="The day on which they are put on the card.")]
    details: dict[str, Any]
    created_at: Instant
    updated_at: Instant | None = None


class LotPoints(WireOut):
    total_points: int


class PointsBucketRead(WireOut):
    """Points of a card that expire on the same day. Without `expires_at` they never do."""

    id: Annotated[str, Field(examples=["lopb_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    voucher_id: str
    campaign_id: str
    bucket: LotPoints
    status: Annotated[
        Literal["ACTIVE", "EXPIRED"], Field(description="EXPIRED for a moment only, until they are taken off the card.")
    ]
    expires_at: Annotated[date | None, Field(description="Their last day.")] = None
    created_at: Instant
    updated_at: Instant | None = None
    object: Literal["loyalty_points_bucket"] = "loyalty_points_bucket"


class MemberQuery(VoucherQuery):
    """What lists of members can be asked, newest first."""

    max_page: ClassVar = 100


class PendingPointsQuery(CursorQuery):
    """What lists of pending points can be asked, newest first."""


class BucketQuery(ListQuery):
    """Lists of points by their last day, the soonest first."""

    orders: ClassVar = {"expires_at": Lot.expires_at, "created_at": Lot.created_at}
    order: str = "expires_at"


def members_of(caller: Caller, query: MemberQuery, program_id: str) -> Select[Voucher]:
    """The cards of the program that somebody holds."""
    return vouchers_of(caller, query).where(Voucher.campaign_id == program_id, Voucher.holder_id.is_not(None))


def lots_of(project_id: int, card_id: str) -> Select[Lot]:
    """The lots of the card that have points."""
    return select(Lot).where(
        Lot.project_id == project_id,
        Lot.owner_id == card_id,
        Lot.measure == "points",
        Lot.subject == "",
        Lot.period == "",
        Lot.has_points,
    )


def pending_of(project_id: int) -> Select[PendingPoints]:
    return select(PendingPoints).where(PendingPoints.project_id == project_id)
