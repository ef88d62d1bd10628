"""Movements of value: each is an entry in an account, made in the statement that changes its balance."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from app.engine.postings import AccountKey, Posting
from app.kit.ids import new_id

Counterpart = Literal["issued", "removed", "redeemed"]
"""The other leg, outside of the accounts: what the shop gave, what it took away, and what was paid at checkouts. Their
balances are not kept but summed up from the entries: a row that every redemption of a project posts to would be a
queue."""

CauseType = Literal["opening", "adjustment", "redemption", "rollback", "refund"]


class Cause(NamedTuple):
    """Why value moved. A cause moves an account once: a unique constraint of the entries says so.

    `id` is the voucher for its opening, the redemption for a redemption and for its rollback, the refund for a refund,
    and for an adjustment what the caller named it by, else the entry itself.
    """

    type: CauseType
    id: str


@dataclass(frozen=True, slots=True)
class Opening:
    """What an account that has no row yet holds, and since when: what the voucher was made with."""

    amount: int
    opened_at: datetime
    id: str = field(default_factory=lambda: new_id("vtx"))


@dataclass(frozen=True, slots=True)
class Movement:
    """A posting to an account that holds value, and everything that its entry says.

    `opening` must be given unless the account is known to have a row; it is entered only if there is none.
    """

    posting: Posting
    counterpart: Counterpart
    cause: Cause
    effective_at: datetime
    opening: Opening | None = None
    actor: str | None = None
    campaign_id: str | None = None
    source_id: str | None = None
    reason: str | None = None
    id: str = field(default_factory=lambda: new_id("vtx"))


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a value account holds, and the sums of its movements by counterpart, which add up to that."""

    balance: int
    totals: Mapping[str, int]

    @classmethod
    def unopened(cls, amount: int) -> "Holdings":
        """Those of an account without a row: what the voucher was made with."""
        return cls(amount, {"issued": amount})

    @property
    def issued_amount(self) -> int:
        """All that was ever put in."""
        return self.totals.get("issued", 0)

    @property
    def subtracted_amount(self) -> int:
        """All that was taken away without a purchase."""
        return -self.totals.get("removed", 0)

    @property
    def redeemed_amount(self) -> int:
        """All that was paid with, less what was given back."""
        return -self.totals.get("redeemed", 0)


def value_account(voucher_id: str) -> AccountKey:
    """The account in which a gift card's balance is kept."""
    return AccountKey(voucher_id, "balance")


def movement_rows(movements: Sequence[Movement]) -> list[dict[str, Any]] | None:
    """The movements as `apply_movements` takes them; None when nothing of value moves."""
    return [_row(movement) for movement in movements] or None


def _row(movement: Movement) -> dict[str, Any]:
    row = {
        **movement.posting.account._asdict(),
        "id": movement.id,
        "amount": movement.posting.amount,
        "floor": movement.posting.floor or 0,
        "counterpart": movement.counterpart,
        "cause_type": movement.cause.type,
        "cause_id": movement.cause.id,
        "actor": movement.actor,
        "campaign_id": movement.campaign_id,
        "source_id": movement.source_id,
        "reason": movement.reason,
        "effective_at": movement.effective_at,
    }
    opening = movement.opening
    if opening is not None:
        row |= {"opening_id": opening.id, "opening_amount": opening.amount, "opened_at": opening.opened_at}
    return row


def holdings_after(moved: Iterable[Sequence[Any]] | None) -> dict[AccountKey, Holdings]:
    """What `apply_postings` says of the value accounts it moved."""
    return {AccountKey(*account): Holdings(balance, totals) for *account, balance, totals in moved or ()}
