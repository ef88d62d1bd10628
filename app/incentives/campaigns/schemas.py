"""The wire shapes of campaigns."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from app.engine.effects import Discount
from app.engine.loyalty_tiers import TiersExpiration
from app.incentives.categories.schemas import CategoryId, CategoryName, CategoryRead
from app.incentives.loyalty_tiers.schemas import UpdateOptions
from app.incentives.promotions.schemas import PromotionIn, PromotionTiers
from app.incentives.referrals.program_schemas import ReferralProgramIn, ReferralProgramRead
from app.incentives.schedule import ScheduleIn, SchedulePatch, ValidityHours, ValidityTimeframe
from app.incentives.validation_rules.schemas import AssignmentList
from app.incentives.vouchers.schemas import (
    AdditionalInfo,
    Code,
    CodeConfig,
    Gift,
    GiftRead,
    LoyaltyProgram,
    RedemptionIn,
    VoucherType,
)
from app.kit.lists import PageBody
from app.kit.wire import Instant, Metadata, WireIn, WireOut

CampaignType = Literal["DISCOUNT_COUPONS", "GIFT_VOUCHERS", "LOYALTY_PROGRAM", "REFERRAL_PROGRAM", "PROMOTION"]
GenerationStatus = Literal["DONE", "IN_PROGRESS", "FAILED"]
Name = Annotated[str, Field(min_length=1, max_length=255, examples=["Spring sale"])]
Description = Annotated[str, Field(max_length=10_000)]
Span = Annotated[
    str, Field(description="How long a code is active after it was published; ISO 8601.", examples=["P24D"])
]


class VoucherDefinition(WireIn):
    """What the campaign's vouchers are like."""

    type: VoucherType | None = None
    discount: Discount | None = None
    gift: Gift | None = None
    loyalty_card: Annotated[LoyaltyProgram | None, Field(description="For a LOYALTY_PROGRAM.")] = None
    redemption: RedemptionIn = Field(default_factory=RedemptionIn)
    code_config: CodeConfig = Field(default_factory=CodeConfig)
    code: Annotated[Code | None, Field(description="The public code of a STANDALONE campaign.")] = None
    is_referral_code: bool = False


class CampaignCreate(ScheduleIn):
    name: Name
    description: Description | None = None
    campaign_type: Annotated[CampaignType | None, Field(description="Seen from `voucher` when missing.")] = None
    type: Annotated[
        Literal["AUTO_UPDATE", "STATIC", "STANDALONE"],
        Field(description="New codes on demand, a fixed pool of codes, or one public code; promotions are STATIC."),
    ] = "AUTO_UPDATE"
    join_once: bool = False
    auto_join: bool = False
    use_voucher_metadata_schema: bool = False
    vouchers_count: Annotated[
        int, Field(ge=0, description="Codes to generate at once; more than one in the background.")
    ] = 0
    activity_duration_after_publishing: Span | None = None
    category: CategoryName | None = None
    category_id: CategoryId | None = None
    metadata: Metadata = Field(default_factory=dict)
    validation_rules: Annotated[list[str], Field(max_length=10, description="Ids of rules that bind it.")] = Field(
        default_factory=list
    )
    voucher: VoucherDefinition | None = None
    promotion: Annotated[PromotionIn | None, Field(description="For campaigns of the type PROMOTION.")] = None
    referral_program: Annotated[
        ReferralProgramIn | None, Field(description="For campaigns of the type REFERRAL_PROGRAM.")
    ] = None
    loyalty_tiers_expiration: Annotated[
        TiersExpiration | None,
        Field(description="For a LOYALTY_PROGRAM; without it a member is in the tier of their balance."),
    ] = None


class CampaignUpdate(SchedulePatch):
    """A partial change. A new discount or gift is for vouchers neither published nor used; the others keep theirs."""

    description: Description | None = None
    type: Literal["AUTO_UPDATE", "STATIC"] | None = None
    join_once: bool | None = None
    auto_join: bool | None = None
    activity_duration_after_publishing: Span | None = None
    category: CategoryName | None = None
    category_id: CategoryId | None = None
    metadata: Metadata | None = None
    unset_metadata_fields: list[str] | None = None
    discount: Discount | None = None
    gift: Gift | None = None
    loyalty_card: Annotated[
        LoyaltyProgram | None,
        Field(description="Instead of what it was, for cards not published yet and points not earned yet."),
    ] = None
    referral_program: Annotated[
        ReferralProgramIn | None, Field(description="Replaces all that was said of the program.")
    ] = None
    loyalty_tiers_expiration: Annotated[
        TiersExpiration | None,
        Field(description="Instead of what it was; members keep their tiers until they end. Null leaves it as it is."),
    ] = None
    options: UpdateOptions | None = None


class VouchersAdd(WireIn):
    """What the added vouchers have of their own."""

    code: Code | None = None
    code_config: CodeConfig | None = None
    category: CategoryName | None = None
    category_id: CategoryId | None = None
    metadata: Metadata = Field(default_factory=dict)
    redemption: RedemptionIn | None = None
    additional_info: AdditionalInfo | None = None
    start_date: Instant | None = None
    expiration_date: Instant | None = None


class QuantityRead(WireOut):
    nullable: ClassVar[frozenset[str]] = frozenset({"quantity"})

    quantity: int | None


class VoucherDefinitionRead(WireOut):
    type: VoucherType
    discount: Discount | None = None
    gift: GiftRead | None = None
    loyalty_card: LoyaltyProgram | None = None
    redemption: QuantityRead
    code_config: CodeConfig
    is_referral_code: bool
    start_date: Instant | None = None
    expiration_date: Instant | None = None
    validity_timeframe: ValidityTimeframe | None = None
    validity_day_of_week: list[int] | None = None
    validity_hours: ValidityHours | None = None


class CampaignRead(WireOut):
    nullable: ClassVar[frozenset[str]] = frozenset({"category_id"})

    id: Annotated[str, Field(examples=["camp_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    name: str
    description: str | None = None
    campaign_type: CampaignType
    type: Literal["AUTO_UPDATE", "STATIC", "STANDALONE"]
    voucher: Annotated[VoucherDefinitionRead | None, Field(description="Absent where there are no codes.")] = None
    promotion: Annotated[PromotionTiers | None, Field(description="The tiers of a promotion.")] = None
    referral_program: ReferralProgramRead | None = None
    loyalty_tiers_expiration: TiersExpiration | None = None
    auto_join: bool
    join_once: bool
    use_voucher_metadata_schema: bool
    start_date: Instant | None = None
    expiration_date: Instant | None = None
    validity_timeframe: ValidityTimeframe | None = None
    validity_day_of_week: list[int] | None = None
    validity_hours: ValidityHours | None = None
    activity_duration_after_publishing: str | None = None
    vouchers_count: int
    active: bool
    metadata: Metadata
    created_at: Instant
    updated_at: Instant | None = None
    category: str | None = None
    category_id: str | None = None
    categories: list[CategoryRead]
    creation_status: GenerationStatus
    vouchers_generation_status: GenerationStatus
    protected: bool
    object: Literal["campaign"] = "campaign"
    validation_rules_assignments: AssignmentList
    warnings: Annotated[list[str] | None, Field(description="What is doubtful about the codes.")] = None


class CampaignList(PageBody):
    data_ref: Literal["campaigns"] = "campaigns"
    campaigns: list[CampaignRead]
