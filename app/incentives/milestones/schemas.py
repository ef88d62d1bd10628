"""The wire shapes of milestones."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from app.engine.money import LARGEST_INTEGER, READ_WHOLE
from app.kit.lists import CursorQuery, ListQuery
from app.kit.wire import Instant, Metadata, WireIn, WireOut, WirePatch
from app.models import Milestone

Metric = Literal["spent", "orders", "points", "referrals"]
MOST_REWARDS = 10

Name = Annotated[str, Field(min_length=1, max_length=255, examples=["Ten orders"])]
RewardIds = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=512)]],
    Field(
        min_length=1,
        max_length=MOST_REWARDS,
        description="A single reward is given by itself; of several the customer chooses one.",
    ),
]


class MilestoneCreate(WireIn):
    name: Name
    metric: Annotated[
        Metric,
        Field(
            description="`spent`: minor units of the project's currency paid for orders; `orders`: how many orders "
            "were paid; `points`: points earned in the program; `referrals`: referees for whom the customer was "
            "rewarded."
        ),
    ]
    threshold: Annotated[
        int, Field(gt=0, le=LARGEST_INTEGER, description="The figure at which it is reached."), READ_WHOLE
    ]
    repeats: Annotated[bool, Field(description="Whether it is reached again at twice the threshold, and so on.")] = (
        False
    )
    campaign: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=512,
            description="Id or name of the loyalty program whose points count, or of the referral program whose "
            "referees do. Points need one.",
        ),
    ] = None
    rewards: RewardIds
    active: bool = True
    metadata: Metadata = Field(default_factory=dict)


class MilestoneUpdate(WirePatch):
    """A partial change. What the milestone is about stays: those who reached it have reached it."""

    name: Name | None = None
    rewards: RewardIds | None = None
    active: bool | None = None
    metadata: Metadata | None = None


class MilestoneQuery(ListQuery):
    orders: ClassVar = {"created_at": Milestone.created_at, "updated_at": Milestone.updated_at}


class CrossingQuery(CursorQuery):
    customer_id: Annotated[str | None, Field(description="Only those of this customer.")] = None
    status: Literal["GIVEN", "DUE", "FAILED"] | None = None


class MilestoneRead(WireOut):
    nullable: ClassVar[frozenset[str]] = frozenset({"campaign_id", "updated_at"})

    id: Annotated[str, Field(examples=["mile_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    name: str
    metric: Metric
    threshold: int
    repeats: bool
    campaign_id: str | None
    rewards: list[str]
    active: bool
    metadata: Metadata
    created_at: Instant
    updated_at: Instant | None
    object: Literal["milestone"] = "milestone"

    @classmethod
    def of(cls, row: Milestone) -> "MilestoneRead":
        return cls(
            id=row.id,
            name=row.name,
            metric=metric_of(row),
            threshold=row.threshold,
            repeats=row.repeats,
            campaign_id=row.campaign_id,
            rewards=row.reward_ids,
            active=row.active,
            metadata=row.milestone_metadata,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


class GivenRead(WireOut):
    """What the customer has: a code of a campaign, or a thing."""

    voucher_id: str | None = None
    product_id: str | None = None
    sku_id: str | None = None


class CrossingRead(WireOut):
    """That a customer reached a milestone for the `number`th time. A choice is DUE until it is made; what FAILED can be
    tried again by choosing."""

    nullable: ClassVar[frozenset[str]] = frozenset({"reward_id", "settled_at"})

    id: Annotated[str, Field(examples=["mlcr_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    milestone_id: str
    customer_id: str
    number: int
    status: Literal["GIVEN", "DUE", "FAILED"]
    problem: Annotated[str | None, Field(description="What was in the way of the reward.")] = None
    reward_id: str | None
    given: GivenRead
    created_at: Instant
    settled_at: Instant | None
    object: Literal["milestone_crossing"] = "milestone_crossing"


def metric_of(row: Milestone) -> Metric:
    metric: Any = row.metric
    named: Metric = metric
    return named
