"""The wire shapes of publications."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from app.commerce.customers.schemas import CustomerIn, CustomerRead
from app.engine.effects import Discount
from app.incentives.vouchers.schemas import GiftRead, LoyaltyCardRead, VoucherRead
from app.kit.lists import PageBody
from app.kit.wire import Instant, Metadata, WireIn, WireOut

MOST_VOUCHERS = 50
"""How many vouchers one publication can give."""

Name = Annotated[str, Field(min_length=1, max_length=500)]
Count = Annotated[int, Field(ge=1, le=2**31, description=f"How many vouchers to give, at most {MOST_VOUCHERS}.")]


class CampaignSource(WireIn):
    """Where to take vouchers from."""

    name: Annotated[str, Field(min_length=1, max_length=500, description="Name or id of the campaign.")]
    count: Count = 1


class PublicationCreate(WireIn):
    """Which code goes to whom: a certain `voucher`, or any of a `campaign`."""

    voucher: Annotated[Name | None, Field(description="Code or id of the voucher to give.")] = None
    campaign: CampaignSource | None = None
    customer: CustomerIn
    source_id: Annotated[
        Name | None,
        Field(
            description="Your own id of this publication. The same id again gives the same code, never a second one."
        ),
    ] = None
    metadata: Metadata = Field(default_factory=dict)
    channel: Annotated[str, Field(max_length=255)] = "API"

    @field_validator("campaign", mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        """Older clients send the name alone."""
        return {"name": value} if isinstance(value, str) else value


class PublicationRead(WireOut):
    """What was given: one voucher as `voucher`, several as the codes in `vouchers`."""

    nullable: ClassVar[frozenset[str]] = frozenset({"source_id"})

    id: Annotated[str, Field(examples=["pub_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    created_at: Instant
    customer_id: str
    tracking_id: str | None
    metadata: Metadata
    channel: Annotated[
        Literal["API"],
        Field(description="Always API here, because clients insist on it; the list shows the channel that was given."),
    ] = "API"
    source_id: str | None
    result: Literal["SUCCESS"] = "SUCCESS"
    customer: Annotated[CustomerRead | None, Field(description="Absent once the customer has been erased.")]
    vouchers_id: list[str]
    voucher: VoucherRead | None = None
    vouchers: list[str] | None = None
    object: Literal["publication"] = "publication"


class PublishedVoucher(WireOut):
    """The voucher of a listed publication, in short."""

    code: str
    campaign: str | None
    discount: Discount | None = None
    gift: GiftRead | None = None
    loyalty_card: LoyaltyCardRead | None = None
    is_referral_code: bool = False
    object: Literal["voucher"] = "voucher"


class PublicationEntry(WireOut):
    """A publication in a list, failed ones included."""

    nullable: ClassVar[frozenset[str]] = frozenset({"source_id"})

    id: str
    created_at: Instant
    customer_id: str
    tracking_id: str | None
    metadata: Metadata
    channel: str
    source_id: str | None
    result: Literal["SUCCESS", "FAILURE"]
    failure_code: str | None
    failure_message: str | None
    customer: Annotated[CustomerRead | None, Field(description="Absent once the customer has been erased.")]
    vouchers: Annotated[list[str], Field(description="The codes that were given.")]
    vouchers_id: list[str]
    voucher: PublishedVoucher | None = None
    object: Literal["publication"] = "publication"


class PublicationList(PageBody):
    data_ref: Literal["publications"] = "publications"
    publications: list[PublicationEntry]
