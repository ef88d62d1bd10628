"""The wire shapes of vouchers."""

from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from app.engine.effects import Discount
from app.engine.money import Currency
from app.engine.points_expiration import PointsExpirationRules
from app.incentives.categories.schemas import CategoryId, CategoryName, CategoryRead
from app.incentives.schedule import ScheduleIn, SchedulePatch, ValidityHours, ValidityTimeframe
from app.incentives.validation_rules.schemas import AssignmentList
from app.kit.lists import PageBody
from app.kit.wire import Amount, Instant, Metadata, WireIn, WireOut, no_truth_value

MOST_POINTS = 2**53 - 1
"""So many points every client can count exactly, those that know only floating point numbers included."""

VoucherType = Literal["DISCOUNT_VOUCHER", "GIFT_VOUCHER", "LOYALTY_CARD"]
Code = Annotated[
    str, Field(max_length=255, description="Unique in the project, whatever its case if the project ignores case.")
]
AdditionalInfo = Annotated[str, Field(max_length=10_000)]
Points = Annotated[int, Field(ge=0, le=MOST_POINTS), BeforeValidator(no_truth_value)]


class Gift(WireIn):
    """What a gift card is made with, in minor units, and whether it pays orders or only the lines its rule picks."""

    amount: Amount
    currency: Annotated[
        Currency | None, Field(description="ISO 4217, of the orders it pays; the project's when left out.")
    ] = None
    effect: Literal["APPLY_TO_ORDER", "APPLY_TO_ITEMS"] = "APPLY_TO_ORDER"


class LoyaltyCard(WireIn):
    """How many points a card begins with."""

    points: Points = 0


class LoyaltyProgram(LoyaltyCard):
    """What the cards of a program begin with when they are published, and when points of the program expire."""

    expiration_rules: Annotated[
        PointsExpirationRules | None, Field(description="Without rules points never expire.")
    ] = None


class CodeConfig(WireIn):
    """What generated codes look like: `prefix`, then the `pattern` or `length` random characters, then `postfix`."""

    length: Annotated[int | None, Field(description="Random characters of a code.", examples=[8])] = None
    charset: Annotated[str | None, Field(max_length=4096, description="Where random characters are taken from.")] = None
    prefix: Annotated[str | None, Field(max_length=255, examples=["SPRING-"])] = None
    postfix: Annotated[str | None, Field(max_length=255)] = None
    pattern: Annotated[
        str | None,
        Field(max_length=255, description="Each # is a random character; overrides `length`.", examples=["##-####"]),
    ] = None


class RedemptionIn(WireIn):
    quantity: Annotated[
        int | None,
        Field(ge=1, le=2**31 - 1, description="How often the voucher may be redeemed; without limit when empty."),
    ] = None


class VoucherOptions(ScheduleIn):
    """What can be said of any new voucher, in a campaign or not."""

    category: CategoryName | None = None
    category_id: CategoryId | None = None
    additional_info: AdditionalInfo | None = None
    metadata: Metadata = Field(default_factory=dict)
    redemption: RedemptionIn = Field(default_factory=RedemptionIn)


class VoucherCreate(VoucherOptions):
    """A new voucher. With a campaign it has the campaign's discount and time limits where it brings none."""

    code: Code | None = None
    code_config: CodeConfig | None = None
    type: VoucherType | None = None
    discount: Discount | None = None
    gift: Gift | None = None
    loyalty_card: Annotated[LoyaltyCard | None, Field(description="For a card of a loyalty program.")] = None
    campaign: Annotated[str | None, Field(description="Name or id of the campaign it joins.")] = None
    campaign_id: str | None = None
    active: bool = True
    validation_rules: Annotated[list[str], Field(max_length=10, description="Ids of rules that bind it.")] = Field(
        default_factory=list
    )


class VoucherUpdate(SchedulePatch):
    """A partial change. The type of the discount stays."""

    category: CategoryName | None = None
    category_id: CategoryId | None = None
    active: bool | None = None
    additional_info: AdditionalInfo | None = None
    metadata: Metadata | None = None
    discount: Discount | None = None
    gift: dict[str, Any] | None = None
    loyalty_card: dict[str, Any] | None = None


class GiftRead(WireOut):
    """A gift card's money in minor units: `balance` is `amount`, all that was ever put in, without what was subtracted
    by hand and what was redeemed."""

    amount: int
    subtracted_amount: int
    redeemed_amount: int
    balance: int
    currency: str | None = None
    effect: Literal["APPLY_TO_ORDER", "APPLY_TO_ITEMS"]


class LoyaltyCardRead(WireOut):
    """A card's points: `balance` is `points`, all that were ever added, without those that expired, were subtracted or
    were redeemed. Points that are pending are in none of them."""

    points: int
    balance: int
    next_expiration_date: Annotated[
        date | None, Field(description="The last day of the points that expire next; absent when none expire.")
    ] = None
    next_expiration_points: int | None = None
    pending_points: int
    expired_points: int
    subtracted_points: int


class PublishRead(WireOut):
    object: Literal["list"] = "list"
    count: int
    url: str


class VoucherRedemptionRead(WireOut):
    nullable: ClassVar[frozenset[str]] = frozenset({"quantity"})

    object: Literal["list"] = "list"
    quantity: int | None
    redeemed_quantity: int
    redeemed_amount: Annotated[int | None, Field(description="What a gift card paid, less what was given back.")] = None
    redeemed_points: Annotated[int | None, Field(description="What a loyalty card paid, less what came back.")] = None
    url: str


class VoucherRead(WireOut):
    nullable: ClassVar[frozenset[str]] = frozenset({"campaign", "campaign_id", "category_id"})

    id: Annotated[str, Field(examples=["v_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    code: str
    campaign: str | None = None
    campaign_id: str | None = None
    category: str | None = None
    category_id: str | None = None
    type: VoucherType
    discount: Discount | None = None
    gift: GiftRead | None = None
    loyalty_card: LoyaltyCardRead | None = None
    start_date: Instant | None = None
    expiration_date: Instant | None = None
    validity_timeframe: ValidityTimeframe | None = None
    validity_day_of_week: list[int] | None = None
    validity_hours: ValidityHours | None = None
    active: bool
    additional_info: str | None = None
    metadata: Metadata
    is_referral_code: bool
    holder_id: str | None = None
    referrer_id: Annotated[str | None, Field(description="The holder of a referral code.")] = None
    created_at: Instant
    updated_at: Instant | None = None
    object: Literal["voucher"] = "voucher"
    categories: list[CategoryRead]
    publish: PublishRead
    redemption: VoucherRedemptionRead
    validation_rules_assignments: AssignmentList
    warnings: Annotated[list[str] | None, Field(description="What is doubtful about a generated code.")] = None


class VoucherList(PageBody):
    data_ref: Literal["vouchers"] = "vouchers"
    vouchers: list[VoucherRead]
