"""The wire shapes of earning rules."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from app.engine.earning import Loyalty
from app.engine.points_expiration import PointsExpirationRules
from app.incentives.schedule import ScheduleIn, SchedulePatch, ValidityHours, ValidityTimeframe
from app.kit.lists import ListQuery
from app.kit.wire import Instant, Metadata, WireIn, WireOut
from app.models import EarningRule

MOST_RULES = 100
MOST_LIMITS = 8

Answer = dict[str, Any]
EventName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=300,
        description="What earns: `order.paid`, `customer.segment.entered`, `customer.loyalty.tier.joined`, `.left`, "
        "`.upgraded`, `.downgraded` or `.prolonged`, or the name of a custom event.",
        examples=["order.paid"],
    ),
]
Banner = Annotated[str, Field(max_length=10_000, examples=["1 point for every euro"])]
Id = Annotated[str, Field(min_length=1, max_length=512)]


class EarningSourceIn(WireIn):
    """What buyers read about the rule."""

    banner: Banner | None = None


class SegmentWaited(WireIn):
    id: Id


class CustomEventWaited(WireIn):
    schema_id: Annotated[Id, Field(description="Id of the schema of the custom event.")]


class LoyaltyTierWaited(WireIn):
    id: Annotated[Id, Field(description="A tier of the program; `__ANY__` for all of them.")]


class PendingPeriod(WireIn):
    """How long points are held back after they were earned; by paid orders only."""

    period_type: Literal["DAY"] = "DAY"
    period_value: Annotated[int, Field(ge=1, le=90, description="Days.")]


class EarningLimit(WireIn):
    """The most that one member can earn by the rule in a calendar period of the project's time zone, or ever."""

    measure: Annotated[
        Literal["POINTS", "TIMES"],
        Field(description="Points: what is above the limit is not given. Times: how often the rule gives any."),
    ]
    period: Literal["DAY", "WEEK", "MONTH", "EVER"] = "EVER"
    most: Annotated[int, Field(gt=0, le=10**12)]


def _each_once(limits: list[EarningLimit]) -> list[EarningLimit]:
    if len({(limit.measure, limit.period) for limit in limits}) < len(limits):
        raise PydanticCustomError("duplicates", "There is one limit for each measure and period.")
    return limits


Limits = Annotated[
    list[EarningLimit],
    Field(
        max_length=MOST_LIMITS,
        description="An extension of ours: what a member can earn at most.",
        examples=[[{"measure": "TIMES", "period": "DAY", "most": 1}]],
    ),
    AfterValidator(_each_once),
]
ValidationRuleId = Annotated[Id, Field(description="A validation rule that must hold when the event happens.")]


class EarningRuleCreate(ScheduleIn):
    """A rule that earns points. Its time limits hold beside those of the campaign."""

    event: EventName
    loyalty: Loyalty
    source: EarningSourceIn | None = None
    active: bool = True
    validation_rule_id: ValidationRuleId | None = None
    segment: Annotated[SegmentWaited | None, Field(description="For `customer.segment.entered`.")] = None
    custom_event: CustomEventWaited | None = None
    loyalty_tier: Annotated[LoyaltyTierWaited | None, Field(description="For changes of the loyalty tier.")] = None
    pending_points: PendingPeriod | None = None
    expiration_rules: Annotated[
        PointsExpirationRules | None, Field(description="When the points expire, if not by the program's rules.")
    ] = None
    limits: Limits = Field(default_factory=list)
    metadata: Metadata = Field(default_factory=dict)


class EarningRuleUpdate(SchedulePatch):
    """A partial change. What a rule waits for stays as it is."""

    loyalty: Loyalty | None = None
    source: EarningSourceIn | None = None
    active: bool | None = None
    validation_rule_id: ValidationRuleId | None = None
    pending_points: PendingPeriod | None = None
    expiration_rules: PointsExpirationRules | None = None
    limits: Limits | None = None
    metadata: Metadata | None = None


class EarningRuleQuery(ListQuery):
    orders: ClassVar = {"created_at": EarningRule.created_at, "updated_at": EarningRule.updated_at}


class EarningSource(WireOut):
    banner: str | None = None
    object_id: Annotated[str, Field(description="The campaign's id.")]
    object_type: Literal["campaign"] = "campaign"


class SegmentEntered(WireOut):
    id: str


class CustomEventTracked(WireOut):
    schema_id: str


class LoyaltyTierReached(WireOut):
    id: str


class EarningRuleRead(WireOut):
    nullable: ClassVar[frozenset[str]] = frozenset({"validation_rule_id", "updated_at"})

    id: Annotated[str, Field(examples=["ern_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    event: str
    loyalty: Loyalty
    custom_event: CustomEventTracked | None = None
    segment: SegmentEntered | None = None
    loyalty_tier: LoyaltyTierReached | None = None
    pending_points: PendingPeriod | None = None
    expiration_rules: PointsExpirationRules | None = None
    limits: Annotated[list[EarningLimit] | None, Field(description="What a member can earn at most.")] = None
    source: EarningSource
    active: bool
    start_date: Instant | None = None
    expiration_date: Instant | None = None
    validity_timeframe: ValidityTimeframe | None = None
    validity_day_of_week: list[int] | None = None
    validity_hours: ValidityHours | None = None
    validation_rule_id: str | None
    automation_id: Annotated[str, Field(description="The rule's id again.")]
    metadata: Metadata
    created_at: Instant
    updated_at: Instant | None
    object: Literal["earning_rule"] = "earning_rule"


class EarningRuleList(WireOut):
    object: Literal["list"] = "list"
    data_ref: Literal["data"] = "data"
    data: list[EarningRuleRead]
    total: int
