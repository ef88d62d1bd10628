"""The wire shapes of reasons and budgets."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from app.distribution.goodwill_settings.messages import check_message
from app.engine.postings import Period
from app.kit.wire import Instant, Int64, WireIn, WireOut, WirePatch

MOST_AMOUNT = 10**12
"""In minor units, so that no sum of what is given away can leave 64 bits."""

PeriodName = Literal["total", "day", "week", "month"]

ReasonKey = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", description="How agents name it.", examples=["late_delivery"])
]
ReasonName = Annotated[str, Field(min_length=1, max_length=200, examples=["The parcel came late"])]
ValidDays = Annotated[
    Int64, Field(ge=1, le=3650, description="How long what is given is valid unless the agent says otherwise.")
]
Message = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2000,
        description="Text for the customer. {code}, {worth}, {expires_on}, {agent} and {customer_name} are filled in.",
        examples=["Sorry that we were late! {code} takes {worth} off until {expires_on}. {agent}"],
    ),
    AfterValidator(check_message),
]
BudgetAmount = Annotated[Int64, Field(ge=0, le=MOST_AMOUNT, description="In minor units.", examples=[50_000])]


class BudgetIn(WireIn):
    """How much may be given in each calendar day, ISO week or month of the project's zone, or altogether (`total`)."""

    amount: BudgetAmount
    period: PeriodName = "month"


class ReasonCreate(WireIn):
    key: ReasonKey
    name: ReasonName
    active: bool = True
    budget: Annotated[BudgetIn | None, Field(description="Without limit when left out.")] = None
    valid_days: ValidDays = 90
    message: Message | None = None


class ReasonUpdate(WirePatch):
    """A member that is left out stays as it is; null brings back the default. The key never changes."""

    name: ReasonName | None = None
    active: bool | None = None
    budget: BudgetIn | None = None
    valid_days: ValidDays | None = None
    message: Message | None = None


class BudgetRead(WireOut):
    """A budget and what is left of it in the period that runs now, in minor units."""

    amount: int
    period: PeriodName
    granted_amount: Annotated[int, Field(description="What was given in this period and not cancelled.")]
    left_amount: int


class ReasonRead(WireOut):
    id: str
    key: str
    name: str
    active: bool
    budget: BudgetRead | None = None
    valid_days: int
    message: str | None = None
    created_at: Instant
    updated_at: Instant | None = None
    object: Literal["goodwill_reason"] = "goodwill_reason"


class KeyBudgetRead(WireOut):
    """What one API key may give away. A support key without a budget may give nothing, other keys are not limited."""

    api_key_id: str
    budget: BudgetRead | None = None
    object: Literal["goodwill_budget"] = "goodwill_budget"


def period_named(name: PeriodName) -> Period:
    return "" if name == "total" else name


def name_of_period(period: str) -> PeriodName:
    names: dict[str, PeriodName] = {"": "total", "day": "day", "week": "week", "month": "month"}
    return names[period]
