"""The wire shapes of the invariants."""

from typing import Annotated, Literal

from pydantic import Field

from app.engine.postings import AccountKey
from app.kit.wire import Instant, WireOut
from app.ledger.doctor import Difference, Tampering


class AccountName(WireOut):
    """What names an account that holds value."""

    owner_id: Annotated[str, Field(description="The voucher, reward or customer it belongs to.")]
    measure: Annotated[str, Field(examples=["points"])]
    subject: Annotated[str | None, Field(examples=["currency:USD"])] = None

    @classmethod
    def of(cls, account: AccountKey) -> "AccountName":
        return cls(owner_id=account.owner_id, measure=account.measure, subject=account.subject or None)


class FaultRead(WireOut):
    """One thing that does not add up."""

    what: Annotated[str, Field(examples=["account v_01kb2m7t9cf3r8n5x0q4w6z1ye/points"])]
    problem: Annotated[str, Field(examples=["the account holds 120, but its entries add up to 100"])]
    account: Annotated[AccountName | None, Field(description="Where value is kept that is not what it should be.")] = (
        None
    )
    entry_id: Annotated[
        str | None, Field(description="The entry that was changed, or before which one is missing.")
    ] = None

    @classmethod
    def of(cls, found: Difference | Tampering) -> "FaultRead":
        if isinstance(found, Difference):
            return cls(what=found.what, problem=found.problem)
        account = AccountName.of(found.account)
        return cls(what=found.what, problem=found.problem, account=account, entry_id=found.entry_id)


class InvariantsRead(WireOut):
    """Whether everything adds up, and if not, what does not: at most 1,000 faults."""

    object: Literal["invariants"] = "invariants"
    holds: Annotated[bool, Field(description="True: everything adds up.")]
    faults: list[FaultRead]
    has_more: Annotated[bool, Field(description="There are more faults than are told.")]
    checked_at: Instant
