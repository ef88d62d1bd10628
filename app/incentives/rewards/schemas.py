"""The wire shapes of rewards and their assignments."""

from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from app.engine.money import LARGEST_INTEGER, READ_WHOLE, exact_percent, json_number
from app.kit.lists import ListBody, ListQuery
from app.kit.wire import Instant, Metadata, WireIn, WireOut, WirePatch
from app.models import Reward, RewardAssignment

RewardType = Literal["CAMPAIGN", "COIN", "MATERIAL"]
MOST_ASSIGNED_AT_ONCE = 20
MOST_RULES = 10

Name = Annotated[str, Field(min_length=1, max_length=255, examples=["Coffee mug"])]
Points = Annotated[int, Field(gt=0, le=LARGEST_INTEGER), READ_WHOLE]
Ratio = Annotated[
    Decimal,
    Field(gt=0, le=1_000_000, decimal_places=6),
    BeforeValidator(exact_percent),
    PlainSerializer(json_number),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000, "examples": [0.05]}),
]
Stock = Annotated[
    int,
    Field(ge=0, le=LARGEST_INTEGER, description="How many units there are, those redeemed included; null for no end."),
    READ_WHOLE,
]


class CampaignParameters(WireIn):
    """A code of another campaign: a coupon, or credits on a gift card, or points on a loyalty card."""

    id: Annotated[str, Field(min_length=1, max_length=512, description="Id or name of the campaign.")]
    balance: Annotated[
        int | None,
        Field(ge=0, le=LARGEST_INTEGER, description="Credits in minor units, or points; none for coupons."),
        READ_WHOLE,
    ] = None


class ProductParameters(WireIn):
    """A thing."""

    id: Annotated[str, Field(min_length=1, max_length=512, description="Id or source id of the product.")]
    sku_id: Annotated[str | None, Field(min_length=1, max_length=512, description="One of its SKUs.")] = None


class CoinParameters(WireIn):
    """Money off an order: `points_ratio` points are worth `exchange_ratio`, in whole units of the currency."""

    exchange_ratio: Annotated[Ratio, Field(description="An amount in units of the currency, such as 0.05 for 5 cents.")]
    points_ratio: Annotated[Points, Field(description="How many points that is.")] = 1


class Parameters(WireIn):
    """What the reward is: one of the three."""

    campaign: CampaignParameters | None = None
    product: ProductParameters | None = None
    coin: CoinParameters | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> "Parameters":
        if sum(each is not None for each in (self.campaign, self.product, self.coin)) != 1:
            raise PydanticCustomError("reward", "A reward has either a campaign, a product or a coin.")
        return self

    @property
    def type(self) -> RewardType:
        """The kind of reward these are the parameters of."""
        return "CAMPAIGN" if self.campaign else "MATERIAL" if self.product else "COIN"


class Attributes(WireIn):
    """What a page shows of a thing."""

    image_url: Annotated[str | None, Field(max_length=2_048)] = None
    description: Annotated[str | None, Field(max_length=10_000)] = None


class RewardCreate(WireIn):
    name: Name | None = None
    parameters: Parameters
    stock: Annotated[Stock | None, Field(description="For things: how many there are; no end when left out.")] = None
    attributes: Attributes | None = None
    metadata: Metadata = Field(default_factory=dict)


class RewardUpdate(WirePatch):
    """A partial change. `parameters` replace all of them and keep the type."""

    name: Name | None = None
    parameters: Parameters | None = None
    stock: Stock | None = None
    attributes: Attributes | None = None
    metadata: Metadata | None = None


class RewardQuery(ListQuery):
    orders: ClassVar = {"created_at": Reward.created_at, "updated_at": Reward.updated_at, "name": Reward.name}

    assignment_id: Annotated[str | None, Field(description="Only the reward that this assignment offers.")] = None


class CampaignParametersRead(WireOut):
    id: str
    balance: int | None = None
    type: Literal["DISCOUNT_COUPONS", "GIFT_VOUCHERS", "LOYALTY_PROGRAM"]


class ProductParametersRead(WireOut):
    nullable: ClassVar[frozenset[str]] = frozenset({"sku_id"})

    id: str
    sku_id: str | None = None


class CoinParametersRead(WireOut):
    exchange_ratio: float
    points_ratio: int


class ParametersRead(WireOut):
    campaign: CampaignParametersRead | None = None
    product: ProductParametersRead | None = None
    coin: CoinParametersRead | None = None


class AttributesRead(WireOut):
    image_url: str | None = None
    description: str | None = None


class RewardRead(WireOut):
    nullable: ClassVar[frozenset[str]] = frozenset({"stock", "redeemed", "updated_at"})

    id: Annotated[str, Field(examples=["rew_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    name: str | None = None
    type: RewardType
    parameters: ParametersRead
    stock: Annotated[int | None, Field(description="Units there ever were; null where there is no end.")]
    redeemed: Annotated[int | None, Field(description="Units of the stock that members have.")]
    attributes: AttributesRead | None = None
    metadata: Metadata
    created_at: Instant
    updated_at: Instant | None
    object: Literal["reward"] = "reward"


class LoyaltyPrice(WireIn):
    """What the reward costs in this program."""

    points: Points
    auto_redeem: Annotated[bool | None, Field(description="Let members have it as soon as they have the points.")] = (
        None
    )


class LoyaltyPricePatch(WireIn):
    points: Points | None = None
    auto_redeem: bool | None = None


class AssignmentParameters(WireIn):
    loyalty: LoyaltyPrice


class AssignmentParametersPatch(WireIn):
    loyalty: LoyaltyPricePatch


class Offer(WireIn):
    """`parameters` for what has a price; `validation_rules` for paying with points."""

    parameters: AssignmentParameters | None = None
    validation_rules: Annotated[
        list[str], Field(max_length=MOST_RULES, description="Rules that must hold for paying with points, by id.")
    ] = Field(default_factory=list)


class AssignmentToCampaign(Offer):
    campaign: Annotated[str, Field(min_length=1, max_length=512, description="Id or name of the loyalty program.")]


class AssignmentOfReward(Offer):
    reward: Annotated[str, Field(min_length=1, max_length=512, description="Id of the reward.")]


class AssignmentPatch(WireIn):
    """What is left out stays; `validation_rules`, when given, are all that bind the offer from now on."""

    parameters: AssignmentParametersPatch | None = None
    validation_rules: Annotated[list[str] | None, Field(max_length=MOST_RULES)] = None


class RewardAssignmentQuery(ListQuery):
    orders: ClassVar = {"created_at": RewardAssignment.created_at, "updated_at": RewardAssignment.updated_at}


class MemberRewardQuery(ListQuery):
    """The rewards that one member can choose from."""

    orders: ClassVar = {"created_at": RewardAssignment.created_at}

    affordable_only: Annotated[bool, Field(description="Only those that the member has the points for.")] = False


class LoyaltyPriceRead(WireOut):
    points: int
    auto_redeem: bool


class AssignmentParametersRead(WireOut):
    loyalty: LoyaltyPriceRead


class RewardAssignmentRead(WireOut):
    nullable: ClassVar[frozenset[str]] = frozenset({"updated_at"})

    id: Annotated[str, Field(examples=["rewa_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    reward_id: str
    related_object_id: Annotated[str, Field(description="The loyalty program.")]
    related_object_type: Literal["campaign"] = "campaign"
    parameters: AssignmentParametersRead | None = None
    validation_rules: Annotated[list[str] | None, Field(description="Ids of rules that bind paying with points.")] = (
        None
    )
    created_at: Instant
    updated_at: Instant | None
    object: Literal["reward_assignment"] = "reward_assignment"


class LoyaltyRewardRead(WireOut):
    """A reward, and on which terms the program offers it."""

    reward: RewardRead
    assignment: RewardAssignmentRead
    object: Literal["loyalty_reward"] = "loyalty_reward"


RewardList = ListBody[RewardRead]
RewardAssignmentList = ListBody[RewardAssignmentRead]
LoyaltyRewardList = ListBody[LoyaltyRewardRead]

Answer = dict[str, Any]
