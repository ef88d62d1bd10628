"""The wire shapes of what support gives away."""

from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.commerce.customers.email import normal_email
from app.commerce.customers.schemas import CustomerIn, CustomerRead
from app.distribution.goodwill_settings.schemas import MOST_AMOUNT, ReasonKey
from app.incentives.vouchers.schemas import VoucherRead
from app.incentives.wallets.schemas import CustomerRedeemable
from app.incentives.wallets.standing import Status
from app.kit.conditions import Filterable
from app.kit.filters import moment, text
from app.kit.lists import CursorQuery
from app.kit.wire import Instant, Int64, WireIn, WireOut
from app.models import Goodwill

Money = Annotated[Int64, Field(gt=0, le=MOST_AMOUNT, description="In minor units.", examples=[500])]
PercentOff = Annotated[Decimal, Field(gt=0, le=100, decimal_places=2)]
UnitName = Annotated[str, Field(min_length=1, max_length=500)]
State = Literal[Status, "CANCELLED", "DELETED"]


class GoodwillAmount(WireIn):
    type: Literal["AMOUNT"]
    amount_off: Money


class GoodwillPercent(WireIn):
    type: Literal["PERCENT"]
    percent_off: PercentOff
    amount_limit: Annotated[
        Money, Field(description="What it may take off at most; so much is taken from the budgets.")
    ]


class GoodwillGift(WireIn):
    amount: Money


class GoodwillCreate(WireIn):
    """What to give to whom, and why: a `discount` that can be used once, or a `gift` card that lasts until it is
    empty."""

    customer: Annotated[
        CustomerIn,
        Field(description="Found by `id`, else by `source_id`, else by `email`, however it is spelled; else made."),
    ]
    reason: ReasonKey
    agent: Annotated[str, Field(min_length=1, max_length=200, description="Who gives it.", examples=["Grace"])]
    discount: Annotated[GoodwillAmount | GoodwillPercent, Field(discriminator="type")] | None = None
    gift: GoodwillGift | None = None
    expiration_date: Annotated[
        Instant | None, Field(description="As many days from now as the reason says when it is left out.")
    ] = None
    products: Annotated[
        list[UnitName], Field(max_length=50, description="Only for these products: ids or source ids.")
    ] = Field(default_factory=list)
    product_collections: Annotated[
        list[UnitName], Field(max_length=20, description="Only for products of these collections, by id.")
    ] = Field(default_factory=list)

    auto_apply: Annotated[
        bool,
        Field(
            description="Use the discount on the customer's next order, without anybody naming the code: every "
            "validation and redemption with a server key that names this customer, by id, source id or e-mail, applies "
            "it next to what is named, as long as it takes nothing else's place. It can still be named, too. "
            "Requests that redeem a promotion stack, and those of browsers, do not use it by themselves."
        ),
    ] = False

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        customer = self.customer
        if customer.id is None and customer.source_id is None and not normal_email(customer.email or ""):
            raise PydanticCustomError("customer", "Name the customer by id, source_id or email.")
        if (self.discount is None) == (self.gift is None):
            raise PydanticCustomError("worth", "Give either a discount or a gift.")
        if self.auto_apply and self.gift is not None:
            raise PydanticCustomError(
                "auto_apply", "A gift card pays when it is named; only a discount can auto_apply."
            )
        return self

    @property
    def amount(self) -> int:
        """What it can cost at most, in minor units."""
        if self.gift is not None:
            return self.gift.amount
        assert self.discount is not None  # one of the two is there
        return self.discount.amount_off if isinstance(self.discount, GoodwillAmount) else self.discount.amount_limit


class QrRead(WireOut):
    id: str
    url: Annotated[str, Field(description="A PNG that anyone with this address can load; it never changes.")]


class AssetsRead(WireOut):
    qr: QrRead


class GoodwillRead(WireOut):
    """Something support gave to a customer."""

    id: Annotated[str, Field(examples=["gw_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    code: str
    state: Annotated[State, Field(description="Whether the code can still be used.")]
    customer_id: str
    voucher_id: str
    reason: str
    agent: str
    amount: Annotated[int, Field(description="What it can cost at most, in minor units.")]
    api_key_id: str
    created_at: Instant
    cancelled_at: Instant | None = None
    object: Literal["goodwill"] = "goodwill"


class GoodwillGiven(GoodwillRead):
    """What was just given, with everything an agent needs for the answer to the customer."""

    voucher: VoucherRead
    text: Annotated[str, Field(description="To be pasted into the answer to the customer.")]
    assets: AssetsRead


class GoodwillQuery(CursorQuery):
    filterable: ClassVar = Filterable(
        {
            "customer_id": text(Goodwill.customer_id),
            "reason": text(Goodwill.reason),
            "agent": text(Goodwill.agent),
            "api_key_id": text(Goodwill.api_key_id),
            "code": text(Goodwill.code),
            "created_at": moment(Goodwill.created_at),
            "cancelled_at": moment(Goodwill.cancelled_at),
        }
    )


class RefusedAttempt(WireOut):
    """A redemption that failed, and why."""

    id: Annotated[str, Field(description="Of the failed redemption.")]
    code: str | None = None
    related_object_type: str
    related_object_id: str
    key: Annotated[str | None, Field(examples=["voucher_expired"])]
    message: str | None
    tracking_id: str | None = None
    created_at: Instant
    object: Literal["refused_attempt"] = "refused_attempt"


class GoodwillHistory(WireOut):
    object: Literal["list"] = "list"
    data_ref: Literal["data"] = "data"
    data: list[GoodwillRead]
    has_more: bool


class Wallet(WireOut):
    object: Literal["list"] = "list"
    data_ref: Literal["data"] = "data"
    data: list[CustomerRedeemable]
    total: int
    has_more: bool


class RefusedAttempts(WireOut):
    object: Literal["list"] = "list"
    data_ref: Literal["data"] = "data"
    data: list[RefusedAttempt]
    has_more: bool


class SupportCustomer(WireOut):
    """What support needs to know of a customer; each list begins with the newest."""

    customer: CustomerRead
    goodwill: GoodwillHistory
    wallet: Wallet
    refused_attempts: RefusedAttempts
    object: Literal["support_customer"] = "support_customer"
