"""What a checkout sends: the redeemables, the order, the customer."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from app.commerce.customers.identities import IdentityIn
from app.commerce.customers.schemas import CustomerIn
from app.commerce.orders.schemas import OrderIn
from app.engine.money import LARGEST_INTEGER, READ_WHOLE
from app.kit.wire import Metadata, WireIn

MAX_REDEEMABLES = 30

RedeemableId = Annotated[
    str, Field(min_length=1, max_length=500, description="A voucher's code, or the id of anything else.")
]


Credits = Annotated[int, Field(gt=0, le=LARGEST_INTEGER), READ_WHOLE]


class GiftIn(WireIn):
    credits: Annotated[
        Credits | None,
        Field(description="What the card shall pay, in minor units; all that it can when left out."),
    ] = None


class RewardIn(WireIn):
    """What a loyalty card is used for."""

    id: Annotated[
        str, Field(min_length=1, max_length=512, description="A reward of its program, to pay with points: a coin.")
    ]
    points: Annotated[
        Credits | None,
        Field(description="How many points shall pay; as many as the order takes when left out."),
    ] = None


class RedeemableIn(WireIn):
    """Something the customer wants to use on the order."""

    object: Literal["voucher", "promotion_tier", "promotion_stack"] = "voucher"
    id: RedeemableId
    gift: Annotated[GiftIn | None, Field(description="For gift cards.")] = None
    reward: Annotated[RewardIn | None, Field(description="For loyalty cards.")] = None


class OptionsIn(WireIn):
    """`expand` asks for details of what was redeemed beyond ids and results."""

    expand: list[Literal["order", "redemption", "redeemable", "category"]] = Field(default_factory=list)
    best_deal: Annotated[
        bool,
        Field(
            description="Use those redeemables, in that order, that save the customer most under the stacking rules, "
            "and leave the others out. What fails is left out, too, whatever `redeemables_application_mode` says. The "
            "search takes some 0.2 seconds at most; `best_deal.is_optimal` of the answer tells whether it was done."
        ),
    ] = False


TtlUnit = Literal["DAYS", "HOURS", "MINUTES", "SECONDS", "MILLISECONDS", "MICROSECONDS", "NANOSECONDS"]
MICROSECONDS: dict[TtlUnit, float] = {
    "DAYS": 86_400e6,
    "HOURS": 3_600e6,
    "MINUTES": 60e6,
    "SECONDS": 1e6,
    "MILLISECONDS": 1e3,
    "MICROSECONDS": 1,
    "NANOSECONDS": 1e-3,
}
LONGEST_SESSION = timedelta(days=366)
DEFAULT_DAYS = 7


def _no_truth_value(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("ttl", "Input should be a valid number.")
    return value


Ttl = Annotated[float, Field(gt=0), BeforeValidator(_no_truth_value)]


class SessionIn(WireIn):
    """A session that holds what the redeemables would use up, until it ends."""

    type: Literal["LOCK"] = "LOCK"
    key: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=255,
            description="Names the session, such as the id of your checkout. A validation without one makes a new one; "
            "with a key that it made before it replaces what that held.",
        ),
    ] = None
    ttl_unit: TtlUnit = "DAYS"
    ttl: Annotated[
        Ttl | None, Field(description="How long the session lasts, at most 366 days; 7 days when left out.")
    ] = None

    @field_validator("ttl")
    @classmethod
    def _is_not_endless(cls, ttl: float | None, info: ValidationInfo) -> float | None:
        unit: TtlUnit = info.data.get("ttl_unit", "NANOSECONDS")
        if ttl is not None and ttl * MICROSECONDS[unit] > LONGEST_SESSION / timedelta(microseconds=1):
            raise PydanticCustomError("ttl", "A session may last up to 366 days.")
        return ttl


class CheckoutIn(WireIn):
    """A cart and what should be used on it, for validation and redemption alike."""

    redeemables: Annotated[
        list[RedeemableIn],
        Field(
            max_length=MAX_REDEEMABLES,
            description="May be empty when a customer is named: then codes are used that support gave them with "
            "`auto_apply`. Such codes are used next to those that are named, too, and are in the answer like them.",
        ),
    ]
    order: OrderIn | None = None
    customer: CustomerIn | None = None
    identity: IdentityIn | None = None
    tracking_id: Annotated[str, Field(max_length=500)] | None = None
    metadata: Metadata | None = None
    options: OptionsIn = Field(default_factory=OptionsIn)
    session: Annotated[
        SessionIn | None,
        Field(
            description="Validating with a session holds uses, budgets and credits for it; redeeming with its `key` "
            "uses them and ends it."
        ),
    ] = None

    @property
    def session_key(self) -> str | None:
        """The session on whose account the request is made."""
        return self.session.key if self.session is not None else None
