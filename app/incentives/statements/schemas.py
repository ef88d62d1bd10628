"""The wire shapes of statements and balances."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from app.engine.money import Currency
from app.engine.postings import AccountKey
from app.kit.lists import QueryInstant
from app.kit.wire import Instant, WireIn, WireOut
from app.ledger.movements import CauseType, Counterpart
from app.models import Entry

ValueMeasure = Literal["balance", "points", "stock", "payable", "owed"]


class AccountQuery(WireIn):
    measure: Annotated[
        ValueMeasure | None,
        Field(
            description="Which account of an owner that has several: the money on a gift card, the points on a loyalty"
            " card, the stock of a reward, money payable to a customer, or points owed by a card."
        ),
    ] = None
    currency: Annotated[
        Currency | None, Field(description="Of money payable in a currency that is not the project's.")
    ] = None


class BalanceQuery(AccountQuery):
    at: Annotated[QueryInstant | None, Field(description="Now unless said.", examples=["2026-11-21T12:00:00Z"])] = None


class StatementQuery(AccountQuery):
    from_: Annotated[QueryInstant | None, Field(alias="from", description="From the beginning unless said.")] = None
    to: Annotated[QueryInstant | None, Field(description="Until now unless said.")] = None
    limit: Annotated[int, Field(ge=1, le=100, description="At most this many entries.")] = 100
    starting_after: Annotated[str | None, Field(description="The last entry of the page before.")] = None


class AccountRead(WireOut):
    """An account that holds value."""

    owner_id: Annotated[str, Field(description="The voucher, reward or customer it belongs to.")]
    measure: ValueMeasure
    currency: Annotated[str | None, Field(description="If it is not the project's.")] = None

    @classmethod
    def of(cls, account: AccountKey) -> "AccountRead":
        currency = account.subject.removeprefix("currency:") or None
        return cls.model_validate({"owner_id": account.owner_id, "measure": account.measure, "currency": currency})


class AccountBalanceRead(WireOut):
    object: Literal["account_balance"] = "account_balance"
    account: AccountRead
    balance: Annotated[int, Field(description="Minor units, points or pieces.")]
    at: Instant


class CauseRead(WireOut):
    """Why value moved; a cause moves an account once."""

    type: CauseType
    id: str


class LotMove(WireOut):
    """How much of a movement of points was in which lot."""

    lot_id: Annotated[str, Field(examples=["lopb_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    points: int


class EntryRead(WireOut):
    """One movement; what a card was made with has no `id` as long as nothing else was recorded."""

    nullable: ClassVar[frozenset[str]] = frozenset({"id"})

    id: str | None
    transaction_id: Annotated[str | None, Field(description="Entries made together for one reason share it.")] = None
    amount: Annotated[int, Field(description="What the account gained; negative what it lost.")]
    balance: Annotated[int, Field(description="What it held then.")]
    counterpart: Annotated[Counterpart, Field(description="Where that came from or went to.")]
    cause: CauseRead
    reverses_id: Annotated[str | None, Field(description="The entry that this one takes back, at least in part.")] = (
        None
    )
    lots: list[LotMove] | None = None
    actor: Annotated[str | None, Field(description="The key or user that asked for it.")] = None
    source_id: str | None = None
    reason: str | None = None
    details: dict[str, Any] | None = None
    effective_at: Annotated[Instant, Field(description="When it happened.")]
    recorded_at: Annotated[Instant, Field(description="When it was entered.")]
    object: Literal["entry"] = "entry"

    @classmethod
    def of(cls, entry: Entry) -> "EntryRead":
        return cls.model_validate(
            {
                "id": entry.id,
                "transaction_id": entry.transaction_id,
                "amount": entry.amount,
                "balance": entry.balance,
                "counterpart": entry.counterpart,
                "cause": {"type": entry.cause_type, "id": entry.cause_id},
                "reverses_id": entry.reverses_id,
                "lots": entry.lots and [{"lot_id": lot_id, "points": points} for lot_id, points in entry.lots],
                "actor": entry.actor,
                "source_id": entry.source_id,
                "reason": entry.reason,
                "details": entry.details,
                "effective_at": entry.effective_at,
                "recorded_at": entry.recorded_at,
            }
        )


class StatementRead(WireOut):
    """The entries of an account in a period, and what it held before and after."""

    object: Literal["statement"] = "statement"
    account: AccountRead
    from_: Annotated[Instant | None, Field(alias="from", description="Left out: from the beginning.")] = None
    to: Instant
    opening_balance: Annotated[int, Field(description="What the account held before the period.")]
    closing_balance: Annotated[int, Field(description="What it held at the end of it.")]
    data_ref: Literal["data"] = "data"
    data: list[EntryRead]
    has_more: bool
    more_starting_after: str | None = None
