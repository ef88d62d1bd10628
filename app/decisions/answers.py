"""What a checkout is answered, for the document and for clients made from it.

The busy endpoints write these shapes directly (app/decisions/rendering.py); tests parse every answer with them.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from app.commerce.orders.schemas import CustomerId, OrderItemRead, Status
from app.commerce.products.schemas import ProductWithoutSkus, SkuRead
from app.decisions.schemas import TtlUnit
from app.engine.applicability import ApplicableTo
from app.engine.bundles import ItemKind
from app.engine.effects import Discount
from app.engine.stacking import ContractSkipReason, StackingRules
from app.incentives.categories.schemas import StackedCategoryRead
from app.incentives.promotions.schemas import PromotionTierRead
from app.incentives.rewards.schemas import ParametersRead, RewardType
from app.incentives.vouchers.schemas import VoucherRead
from app.kit.lists import ListBody, PageBody
from app.kit.wire import Instant, Metadata, WireOut


class CalculatedOrder(WireOut):
    """The order with what was taken off. `applied_` figures are those of one redeemable, or of the whole request at
    the top; the others hold everything the order carries. Identity is there when the order or customer is known."""

    id: str | None = None
    source_id: str | None = None
    status: Status | None = None
    currency: str | None = None
    amount: int | None = None
    initial_amount: int | None = None
    discount_amount: int | None = None
    items_discount_amount: int | None = None
    total_discount_amount: int | None = None
    total_amount: int | None = None
    applied_discount_amount: int | None = None
    items_applied_discount_amount: int | None = None
    total_applied_discount_amount: int | None = None
    items: list[OrderItemRead] | None = None
    metadata: Metadata | None = None
    object: Literal["order"] = "order"
    created_at: Instant | None = None
    updated_at: Instant | None = None
    customer_id: str | None = None
    referrer_id: str | None = None
    customer: CustomerId | None = None
    referrer: CustomerId | None = None
    redemptions: dict[str, Any] | None = None


class ErrorRead(WireOut):
    """Why a redeemable does not apply: the error that redeeming it would give."""

    code: int
    key: str
    message: str
    details: str
    request_id: str
    resource_id: str | None = None
    resource_type: str | None = None
    error: Annotated[dict[str, str] | None, Field(description="The marketer's own `message`.")] = None


class ResultDetails(WireOut):
    key: str
    message: str


class BundleItem(WireOut):
    """Units of one line of the order that go into bundles."""

    id: str
    object: Literal["product", "sku"]
    item_index: int
    item_quantity: int


class MissingItem(WireOut):
    """What one complete bundle still needs."""

    id: str
    object: ItemKind
    item_quantity: int


class BundleRead(WireOut):
    """How many complete bundles the order has, of at most `limit`; the discount is given that often."""

    quantity: int
    limit: int
    identified: list[BundleItem]
    missing: list[MissingItem] | None = None


class AppliedResult(WireOut):
    discount: Discount
    bundle: BundleRead | None = None


class GiftUse(WireOut):
    """`balance` is what the card holds before `credits` of it are used."""

    balance: int
    credits: int
    locked_credits: Annotated[
        int | None, Field(description="How much of the balance sessions of others hold: not free.")
    ] = None


class GiftResult(WireOut):
    gift: GiftUse


class PointsUse(WireOut):
    """`balance` is what the card holds before `points` of it are used."""

    points: int
    balance: int
    locked_points: Annotated[
        int | None, Field(description="How many of the points sessions of others hold: not free.")
    ] = None


class PointsResult(WireOut):
    loyalty_card: PointsUse


class FailedResult(WireOut):
    error: ErrorRead
    details: ResultDetails
    bundle: BundleRead | None = None


class SkippedDetails(WireOut):
    key: ContractSkipReason
    message: str


class SkippedResult(WireOut):
    details: SkippedDetails


class OrderItemUnits(WireOut):
    """Units of one line, by their numbers from 1; not listed when the order has more than 1000 units."""

    index: int
    units: list[int] | None = None
    units_limit_exceeded: bool | None = None


class ApplicableToEntry(ApplicableTo):
    """An entry of a rule's targets with the lines of the order it reaches, in the order in which they are discounted,
    and their units where the entry does not mean whole lines."""

    order_item_indices: list[int] | None = None
    order_item_units: list[OrderItemUnits] | None = None


class RedeemableDetails(WireOut):
    """With `expand: ["redeemable"]` and `["category"]`."""

    metadata: Metadata | None = None
    campaign_id: str | None = None
    campaign_name: str | None = None
    name: Annotated[str | None, Field(description="Of a promotion tier.")] = None
    categories: list[StackedCategoryRead] | None = None


class ApplicableRedeemable(RedeemableDetails):
    """`order` is the running order right after this redeemable; its lines come with `expand: ["order"]`."""

    status: Literal["APPLICABLE"]
    id: str
    object: Literal["voucher", "promotion_tier"]
    automatic: Annotated[
        bool | None, Field(description="True for a code that nobody named: support gave it for the next order.")
    ] = None
    order: CalculatedOrder
    applicable_to: ListBody[ApplicableToEntry]
    inapplicable_to: ListBody[ApplicableToEntry]
    result: AppliedResult | GiftResult | PointsResult


class InapplicableRedeemable(RedeemableDetails):
    status: Literal["INAPPLICABLE"]
    id: str
    object: Annotated[
        Literal["voucher", "promotion_tier"],
        Field(description="For a promotion stack that does not exist it is `promotion_tier`; see `resource_type`."),
    ]
    result: FailedResult


class SkippedRedeemable(RedeemableDetails):
    status: Literal["SKIPPED"]
    id: str
    object: Literal["voucher", "promotion_tier"]
    result: SkippedResult


class FindingRead(WireOut):
    """One condition: what it expected, what it saw, and what would make it hold."""

    nullable: ClassVar[frozenset[str]] = frozenset({"expected", "seen", "counterfactual"})

    path: str
    fact: str
    operator: str
    expected: Any
    seen: Any
    holds: bool
    counterfactual: str | None


class PostingRead(WireOut):
    """What a redemption takes from an account, and how far the account may sink."""

    nullable: ClassVar[frozenset[str]] = frozenset({"floor"})

    owner_id: str
    measure: str
    subject: str
    period: str
    amount: int
    floor: int | None


class TraceEntry(WireOut):
    id: str
    object: str
    status: str
    findings: list[FindingRead]
    postings: list[PostingRead]


Outcome = Annotated[ApplicableRedeemable | InapplicableRedeemable | SkippedRedeemable, Field(discriminator="status")]


class BestDealRead(WireOut):
    """How the best deal was found, with `options.best_deal`."""

    is_optimal: Annotated[bool, Field(description="Nothing saves more; else the search was cut short.")]
    considered: Annotated[int, Field(description="How many times a redeemable was looked at.")]


class SessionRead(WireOut):
    """The session that now holds what the redeemables would use up."""

    key: str
    type: Literal["LOCK"] = "LOCK"
    ttl: int | float
    ttl_unit: TtlUnit


class ValidationRead(WireOut):
    """`redeemables` are those that apply, or all of them when the request is not valid."""

    id: str
    valid: bool
    redeemables: list[Outcome]
    inapplicable_redeemables: list[InapplicableRedeemable] | None = None
    skipped_redeemables: list[SkippedRedeemable] | None = None
    order: CalculatedOrder | None = None
    tracking_id: str | None = None
    session: SessionRead | None = None
    stacking_rules: StackingRules
    best_deal: BestDealRead | None = None
    trace: list[TraceEntry] | None = None


class SimpleCustomer(WireOut):
    id: str
    source_id: str | None = None
    name: str | None = None
    email: str | None = None
    metadata: Metadata
    object: Literal["customer"] = "customer"


class RedeemedVoucher(VoucherRead):
    holder: SimpleCustomer | None = None


class Channel(WireOut):
    nullable: ClassVar[frozenset[str]] = frozenset({"channel_id"})

    channel_id: str | None
    channel_type: Literal["USER", "API", "AUTO_REDEEM"]


class RelatedRedemption(WireOut):
    id: str
    date: Instant


class RelatedRedemptions(WireOut):
    rollbacks: list[RelatedRedemption] | None = None
    redemptions: list[RelatedRedemption] | None = None


class GiftAmount(WireOut):
    amount: Annotated[int, Field(description="What the card paid; negative where a rollback gave it back.")]


class PointsAmount(WireOut):
    points: Annotated[int, Field(description="What was paid; negative where a rollback gave it back.")]


class RewardResult(WireOut):
    """The reward as it was, and what was given: a code, or a thing."""

    nullable: ClassVar[frozenset[str]] = frozenset(
        {"customer", "voucher", "product", "sku", "loyalty_tier_id", "updated_at"}
    )

    id: str
    name: str | None = None
    type: RewardType
    parameters: ParametersRead
    metadata: Metadata
    assignment_id: Annotated[str, Field(description="On which terms it was offered.")]
    customer: SimpleCustomer | None
    voucher: VoucherRead | None
    product: ProductWithoutSkus | None
    sku: SkuRead | None
    loyalty_tier_id: str | None
    created_at: Instant
    updated_at: Instant | None
    object: Literal["reward"] = "reward"


class RedemptionSession(WireOut):
    key: str


class RedemptionRead(WireOut):
    """A redemption or, by `object`, the rollback of one. `redemption` is the parent of a part of a stack; for a
    rollback it is what was rolled back."""

    nullable: ClassVar[frozenset[str]] = frozenset({"customer_id", "tracking_id", "redemption", "order", "customer"})

    id: str
    object: Literal["redemption", "redemption_rollback"]
    date: Instant
    customer_id: str | None
    tracking_id: str | None
    metadata: Metadata
    amount: int | None = None
    redemption: str | None
    result: Literal["SUCCESS", "FAILURE"]
    status: Literal["SUCCEEDED", "FAILED", "ROLLED_BACK"]
    reason: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    order: CalculatedOrder | None
    channel: Channel
    customer: SimpleCustomer | None
    related_object_type: Literal["voucher", "promotion_tier", "promotion_stack", "redemption"]
    related_object_id: str
    related_redemptions: RelatedRedemptions | None = None
    voucher: RedeemedVoucher | None = None
    promotion_tier: PromotionTierRead | None = None
    gift: GiftAmount | None = None
    loyalty_card: Annotated[PointsAmount | None, Field(description="Of a loyalty card: `amount` are its points.")] = (
        None
    )
    reward: Annotated[RewardResult | None, Field(description="For what a loyalty card was redeemed.")] = None
    session: Annotated[RedemptionSession | None, Field(description="The session that it was redeemed with.")] = None


class RedemptionsRead(WireOut):
    """What was redeemed: one redemption for each redeemable, and a parent when there is more than one."""

    redemptions: list[RedemptionRead]
    parent_redemption: RedemptionRead | None = None
    order: CalculatedOrder | None = None
    inapplicable_redeemables: list[InapplicableRedeemable] | None = None
    skipped_redeemables: list[SkippedRedeemable] | None = None
    best_deal: BestDealRead | None = None
    trace: list[TraceEntry] | None = None


class RollbacksRead(WireOut):
    rollbacks: list[RedemptionRead]
    parent_rollback: RedemptionRead | None = None
    order: CalculatedOrder | None = None


class RedemptionList(PageBody):
    data_ref: Literal["redemptions"] = "redemptions"
    redemptions: list[RedemptionRead]


class VoucherRedemptions(PageBody):
    """How often a voucher was redeemed, and its newest redemptions and rollbacks, at most 100 of them."""

    nullable: ClassVar[frozenset[str]] = frozenset({"quantity"})

    quantity: int | None
    redeemed_quantity: int
    url: str
    data_ref: Literal["redemption_entries"] = "redemption_entries"
    redemption_entries: list[RedemptionRead]


class QualifiedTier(RedeemableDetails):
    id: Annotated[str, Field(description="The voucher's code; else the id.")]
    object: Literal["voucher", "promotion_tier", "promotion_stack", "campaign"]
    created_at: Instant
    name: str | None = None
    banner: str | None = None
    result: AppliedResult | GiftResult | PointsResult | None = None
    order: CalculatedOrder | None = None
    applicable_to: ListBody[ApplicableToEntry] | None = None
    inapplicable_to: ListBody[ApplicableToEntry] | None = None
    validation_rules_assignments: ListBody[Any] | None = None


class QualifiedRedeemable(QualifiedTier):
    """A stack has no result and no targets of its own, but `redeemables`: its tiers, one after the other."""

    redeemables: list[QualifiedTier] | None = None


class QualifiedList(ListBody[QualifiedRedeemable]):
    has_more: bool
    more_starting_after: Annotated[
        str | None,
        Field(
            description="The `starting_after` of the next page: an instant whose last three digits tell those apart "
            "that were created in one millisecond. Only when sorted by DEFAULT."
        ),
    ] = None


class QualificationRead(WireOut):
    redeemables: QualifiedList
    order: CalculatedOrder | None = None
    tracking_id: str | None = None
    stacking_rules: StackingRules
