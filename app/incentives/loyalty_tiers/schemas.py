"""The wire shapes of loyalty tiers."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from app.engine.loyalty_tiers import PointsMapping
from app.incentives.rewards.schemas import RewardAssignmentRead, RewardRead
from app.kit.lists import ListQuery
from app.kit.wire import Amount, Instant, Metadata, WireIn, WireOut, WirePatch
from app.models import EarningRule, LoyaltyTier, RewardAssignment

MOST_MAPPINGS = 200

Name = Annotated[str, Field(min_length=1, max_length=255, examples=["Gold"])]
Points = Annotated[Amount, Field(le=2**53, description="Points.")]
Mappings = Annotated[
    dict[str, PointsMapping],
    Field(
        max_length=MOST_MAPPINGS,
        examples=[{"ern_01kb2m7t9cf3r8n5x0q4w6z1ye": {"type": "MULTIPLY", "multiplier": 2}}],
    ),
]
EarningMappings = Annotated[
    Mappings, Field(description="What members of the tier get for an earning rule, by its id; others as the rule says.")
]
RewardMappings = Annotated[
    Mappings,
    Field(
        description="What a reward costs members of the tier, by the id of the reward or of its assignment; "
        "NOT_AVAILABLE keeps it from them."
    ),
]


class PointsRange(WireIn):
    """The points that a tier is for, both ends included. Leave `to` out for the highest tier."""

    model_config = ConfigDict(populate_by_name=True)

    from_: Annotated[Points, Field(alias="from")]
    to: Points | None = None

    @model_validator(mode="after")
    def _is_range(self) -> Self:
        if self.to is not None and self.to < self.from_:
            raise ValueError("to must not be less than from")
        return self


class LoyaltyTierCreate(WireIn):
    name: Name
    points: PointsRange
    earning_rules: EarningMappings = Field(default_factory=dict)
    rewards: RewardMappings = Field(default_factory=dict)
    metadata: Metadata = Field(default_factory=dict)


class LoyaltyTierUpdate(WirePatch):
    """A partial change; `earning_rules` and `rewards` replace what was there."""

    name: Name | None = None
    points: PointsRange | None = None
    earning_rules: EarningMappings | None = None
    rewards: RewardMappings | None = None
    metadata: Metadata | None = None


class PointsRangeRead(WireOut):
    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    from_: Annotated[int, Field(alias="from")]
    to: int | None = None


class TierConfig(WireOut):
    points: PointsRangeRead


class TierSpell(WireOut):
    """Since when a member is in the tier and until when: not at the instant itself any more. Without
    `expiration_date` it lasts as long as the points do."""

    customer_id: str
    campaign_id: str
    tier_id: str
    start_date: Instant
    expiration_date: Instant | None = None
    created_at: Instant
    updated_at: Instant | None = None


class LoyaltyTierRead(WireOut):
    id: Annotated[str, Field(examples=["ltr_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    campaign_id: str
    name: str
    points: PointsRangeRead
    config: TierConfig
    earning_rules: dict[str, PointsMapping]
    rewards: dict[str, PointsMapping]
    metadata: Metadata
    created_at: Instant
    updated_at: Instant | None = None
    expiration: Annotated[TierSpell | None, Field(description="Of the member that was asked about.")] = None
    object: Literal["loyalty_tier"] = "loyalty_tier"


class LoyaltyTierQuery(ListQuery):
    orders: ClassVar = {
        "created_at": LoyaltyTier.created_at,
        "updated_at": LoyaltyTier.updated_at,
        "points": LoyaltyTier.points_from,
    }

    order: str = "points"


class TierEarningRuleQuery(ListQuery):
    """The earning rules of one tier."""

    orders: ClassVar = {"created_at": EarningRule.created_at}


class TierRewardQuery(ListQuery):
    """The rewards of one tier."""

    orders: ClassVar = {"created_at": RewardAssignment.created_at}


class TierRewardRead(WireOut):
    """A reward, and on which terms members of the tier can have it."""

    reward: RewardRead
    assignment: RewardAssignmentRead
    object: Literal["loyalty_tier_reward"] = "loyalty_tier_reward"


class UpdateOptions(WireIn):
    """What else is done when a program is changed."""

    recalculate_tiers: Annotated[
        bool, Field(description="Look at every member again: tiers rise and last longer, none is lowered.")
    ] = False
