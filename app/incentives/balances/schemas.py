"""The wire shapes of balances and transactions."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from app.kit.conditions import Filterable
from app.kit.filters import moment, text
from app.kit.lists import CursorQuery
from app.kit.wire import Instant, Int64, WireIn, WireOut
from app.models import Entry

TransactionType = Literal[
    "CREDITS_ADDITION",
    "CREDITS_REMOVAL",
    "CREDITS_REDEMPTION",
    "CREDITS_REFUND",
    "POINTS_ACCRUAL",
    "POINTS_ADDITION",
    "POINTS_REMOVAL",
    "POINTS_REDEMPTION",
    "POINTS_REFUND",
    "POINTS_EXPIRATION",
    "POINTS_TRANSFER_IN",
    "POINTS_TRANSFER_OUT",
    "PENDING_POINTS_ACTIVATION",
]


class BalanceChange(WireIn):
    """What to add to a balance, or to take away when negative."""

    amount: Annotated[Int64, Field(description="In minor units; negative takes away.", examples=[5000])]
    source_id: Annotated[
        str | None,
        Field(min_length=1, max_length=500, description="The caller's name for this change, which is made only once."),
    ] = None
    reason: Annotated[str | None, Field(max_length=5000, description="Why, for people who read it later.")] = None


class RelatedVoucher(WireOut):
    id: str
    type: Literal["voucher"] = "voucher"


class BalanceRead(WireOut):
    """A change of a balance by `amount` (gift cards, in minor units) or `points` (loyalty cards): `total` is all that
    was ever put in, transfers aside, `balance` what is there after it."""

    amount: int | None = None
    points: int | None = None
    total: int
    balance: int
    type: Literal["gift_voucher", "loyalty_card"] = "gift_voucher"
    operation_type: Literal["MANUAL", "AUTOMATIC"]
    object: Literal["balance"] = "balance"
    related_object: RelatedVoucher


class RelatedOrder(WireOut):
    id: str
    source_id: str | None = None


class Related(WireOut):
    id: str


class TransactionDetails(WireOut):
    balance: BalanceRead
    order: RelatedOrder | None = None
    redemption: Related | None = None
    rollback: Related | None = None
    refund: Annotated[Related | None, Field(description="Where units of the order came back.")] = None
    event: dict[str, Any] | None = None
    earning_rule: dict[str, Any] | None = None
    segment: dict[str, Any] | None = None
    loyalty_tier: dict[str, Any] | None = None
    holder_loyalty_tier: dict[str, Any] | None = None
    custom_event: dict[str, Any] | None = None
    event_schema: dict[str, Any] | None = None
    pending_points: dict[str, Any] | None = None
    reward: dict[str, Any] | None = None
    source_voucher: dict[str, Any] | None = None
    destination_voucher: dict[str, Any] | None = None


class TransactionRead(WireOut):
    """One change of a balance; those of redemptions and rollbacks name them in `details`."""

    nullable: ClassVar[frozenset[str]] = frozenset({"source_id", "campaign_id", "source", "reason"})

    id: Annotated[str, Field(examples=["vtx_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    source_id: str | None
    voucher_id: str
    campaign_id: str | None
    source: Annotated[Literal["API"] | None, Field(description="Where a change by hand came from.")]
    reason: str | None
    type: TransactionType
    related_transaction_id: Annotated[
        str | None, Field(description="Of a transfer, the transaction of the other card.")
    ] = None
    details: TransactionDetails
    created_at: Instant


class TransactionQuery(CursorQuery):
    """What lists of transactions can be asked; newest first."""

    filterable: ClassVar = Filterable(
        {"id": text(Entry.id), "voucher_id": text(Entry.owner_id), "created_at": moment(Entry.recorded_at)}
    )
