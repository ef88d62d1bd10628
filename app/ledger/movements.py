"""Movements of value: each is an entry in an account, made in the statement that changes its balance."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from app.engine.postings import KEPT_IN_LOTS, AccountKey, Posting
from app.kit import clock
from app.kit.ids import new_id
from app.models import Entry

Counterpart = Literal["issued", "earned", "removed", "redeemed", "expired", "transferred"]
"""The other leg. Outside of the accounts: what the shop gave, what was earned, what it took away, what was paid at
checkouts or for rewards, and what expired. Their balances are not kept but summed up from the entries: a row that every
redemption of a project posts to would be a queue. Between accounts: what was `transferred`; such legs of one
transaction sum to zero."""

CauseType = Literal[
    "opening",
    "adjustment",
    "redemption",
    "rollback",
    "refund",
    "earning",
    "earning_reversal",
    "expiry",
    "transfer",
    "pending_points",
    "reward",
    "milestone",
    "referral",
    "stock_change",
    "debt",
]


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
    `transaction_id` is that of the movements made together with this one for one reason, such as the two legs of a
    transfer. `details` are ids for those who read the entry.

    Points that are put in go to the lot that expires at `expires_at`, None is never; they are taken from the lots that
    expire soonest. Otherwise one of these says which lots: `lot_id` takes from that lot, even if it has expired;
    `returns_to` gives back to those that this entry took from, a part of it to the ones that expire latest;
    `takes_back` takes from the lot that this entry filled as long as that has any, then as usual. What reverses an
    entry of an account without lots names it in `returns_to` or `takes_back` too: all that do, together, reverse no
    more than the entry moved.
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
    transaction_id: str = field(default_factory=lambda: new_id("ltx"))
    expires_at: datetime | None = None
    lot_id: str | None = None
    returns_to: str | None = None
    takes_back: str | None = None
    details: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a value account holds, and the sums of its movements by counterpart, which add up to that.

    What is left in lots that have expired is not held any more, and is in the sum of what expired, whether or not it
    was entered as expired already.
    """

    balance: int
    totals: Mapping[str, int]

    @classmethod
    def unopened(cls, amount: int) -> "Holdings":
        """Those of an account without a row: what the voucher was made with."""
        return cls(amount, {"issued": amount})

    @property
    def issued_amount(self) -> int:
        """All that was ever put in, be it given or earned."""
        return self.totals.get("issued", 0) + self.totals.get("earned", 0)

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


def points_account(voucher_id: str) -> AccountKey:
    """The account in which a loyalty card's points are kept."""
    return AccountKey(voucher_id, KEPT_IN_LOTS)


def entry_account(entry: Entry) -> AccountKey:
    """The account that the entry moved."""
    measure: Any = entry.measure
    return AccountKey(entry.owner_id, measure, entry.subject, entry.period)


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
        "transaction_id": movement.transaction_id,
        "reverses_id": movement.returns_to or movement.takes_back,
        "details": movement.details,
    }
    if movement.posting.account.measure == KEPT_IN_LOTS:
        row |= {"expires_at": movement.expires_at, "lot_id": movement.lot_id, "moment": clock.now()}
    opening = movement.opening
    return row if opening is None else row | opening_row(opening)


def opening_row(opening: Opening) -> dict[str, Any]:
    """An opening as the functions of the ledger take it."""
    return {
        "opening_id": opening.id,
        "opening_amount": opening.amount,
        "opened_at": opening.opened_at,
    }


def holdings_after(moved: Iterable[Sequence[Any]] | None) -> dict[AccountKey, Holdings]:
    """What `apply_postings` says of the value accounts it moved."""
    return {AccountKey(*account): Holdings(balance, totals) for *account, balance, totals in moved or ()}
