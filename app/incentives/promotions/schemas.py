"""The wire shapes of promotion tiers and stacks."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from app.engine.effects import Discount
from app.incentives.categories.schemas import CategoryId, CategoryName, CategoryRead
from app.incentives.schedule import ScheduleIn, SchedulePatch, ValidityHours, ValidityTimeframe
from app.incentives.validation_rules.schemas import AssignmentList
from app.kit.lists import PageBody
from app.kit.wire import Instant, Metadata, WireIn, WireOut, WirePatch

MOST_TIERS = 30
"""How many tiers a stack can have."""

Name = Annotated[str, Field(min_length=1, max_length=255, examples=["10 % from 100 EUR"])]
Banner = Annotated[str, Field(max_length=10_000, description="What buyers read.", examples=["Spend 100, save 10 %"])]
Hierarchy = Annotated[
    int, Field(ge=0, le=2**31 - 1, description="Lower ones come first; by default after the campaign's last.")
]


class Action(WireIn):
    """What the tier gives."""

    discount: Discount


class AssignmentIn(WireIn):
    rule_id: str


class AssignmentsIn(WireIn):
    data: Annotated[list[AssignmentIn], Field(max_length=10)] = Field(default_factory=list)


Assignments = Annotated[AssignmentsIn | None, Field(description="The rules that bind the tier, by `rule_id`.")]


class TierCreate(ScheduleIn):
    name: Name
    banner: Banner | None = None
    action: Action
    metadata: Metadata = Field(default_factory=dict)
    hierarchy: Hierarchy | None = None
    active: bool = True
    category: CategoryName | None = None
    category_id: CategoryId | None = None
    validation_rule_assignments: Assignments = None
    validation_rules: Annotated[list[str], Field(max_length=10, description="The same, ids only.")] = Field(
        default_factory=list
    )

    @property
    def rule_ids(self) -> list[str]:
        """The rules that are to bind the tier, each once."""
        listed = self.validation_rule_assignments.data if self.validation_rule_assignments else []
        return list(dict.fromkeys([*(entry.rule_id for entry in listed), *self.validation_rules]))


class TierUpdate(SchedulePatch):
    """A partial change; official clients send null for what they leave out, so what a tier always has stays then.
    `validation_rule_assignments`, when given, names all rules that bind the tier from now on."""

    name: Name | None = None
    banner: Banner | None = None
    action: Action | None = None
    metadata: Metadata | None = None
    hierarchy: Hierarchy | None = None
    category: CategoryName | None = None
    category_id: CategoryId | None = None
    validation_rule_assignments: Assignments = None


class PromotionIn(WireIn):
    """The `promotion` of a campaign that is made."""

    tiers: Annotated[list[TierCreate], Field(max_length=100)] = Field(default_factory=list)


class ActionRead(WireOut):
    discount: Discount


class TierCampaign(WireOut):
    """The campaign of a tier: both must be active and open for the tier to apply."""

    id: str
    start_date: Instant | None = None
    expiration_date: Instant | None = None
    validity_timeframe: ValidityTimeframe | None = None
    validity_day_of_week: list[int] | None = None
    validity_hours: ValidityHours | None = None
    active: bool
    category_id: str | None = None
    object: Literal["campaign"] = "campaign"


class RedeemedTotal(WireOut):
    total_redeemed: int


class OrderTotals(WireOut):
    """In minor units: the orders before any discount, and what this tier took off them."""

    total_amount: int
    total_discount_amount: int


class TierSummary(WireOut):
    """What was redeemed and not rolled back."""

    redemptions: RedeemedTotal
    orders: OrderTotals


class PromotionTierRead(WireOut):
    nullable: ClassVar[frozenset[str]] = frozenset({"category_id"})

    id: Annotated[str, Field(examples=["promo_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    name: str
    banner: str | None = None
    action: ActionRead
    metadata: Metadata
    hierarchy: int
    promotion_id: Annotated[str, Field(description="The campaign's id.")]
    campaign_id: str
    campaign: TierCampaign
    active: bool
    start_date: Instant | None = None
    expiration_date: Instant | None = None
    validity_timeframe: ValidityTimeframe | None = None
    validity_day_of_week: list[int] | None = None
    validity_hours: ValidityHours | None = None
    summary: TierSummary
    validation_rule_assignments: AssignmentList
    category: str | None = None
    category_id: str | None = None
    categories: list[CategoryRead]
    created_at: Instant
    updated_at: Instant | None = None
    object: Literal["promotion_tier"] = "promotion_tier"


class PromotionTiers(WireOut):
    """The tiers of a campaign in its own answer, first in hierarchy first."""

    object: Literal["list"] = "list"
    data_ref: Literal["tiers"] = "tiers"
    tiers: list[PromotionTierRead]
    total: int
    has_more: bool = False


class TierList(PageBody):
    data_ref: Literal["tiers"] = "tiers"
    tiers: list[PromotionTierRead]
    has_more: bool


def _each_once(ids: list[str]) -> list[str]:
    if len(set(ids)) < len(ids):
        raise PydanticCustomError("duplicates", "A stack has each of its tiers once.")
    return ids


class StackTiers(WireIn):
    """Tiers of the campaign in the order in which they are applied."""

    ids: Annotated[list[str], Field(min_length=1, max_length=MOST_TIERS), AfterValidator(_each_once)]
    hierarchy_mode: Literal["MANUAL"] = "MANUAL"


class StackCreate(WireIn):
    name: Name
    tiers: StackTiers
    category: CategoryName | None = None
    category_id: CategoryId | None = None


class StackUpdate(WirePatch):
    """A partial change; `tiers` replaces all of them."""

    name: Name | None = None
    tiers: StackTiers | None = None
    category: CategoryName | None = None
    category_id: CategoryId | None = None


class StackTiersRead(WireOut):
    ids: list[str]
    hierarchy_mode: Literal["MANUAL"] = "MANUAL"


class PromotionStackRead(WireOut):
    nullable: ClassVar[frozenset[str]] = frozenset({"category_id"})

    id: Annotated[str, Field(examples=["stack_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    name: str
    tiers: StackTiersRead
    campaign_id: str
    category: str | None = None
    category_id: str | None
    categories: list[CategoryRead]
    created_at: Instant
    updated_at: Instant | None = None
    object: Literal["promotion_stack"] = "promotion_stack"
