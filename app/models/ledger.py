"""Accounts: whatever can run out. Entries: movements of what is worth money. Holds: what sessions have reserved."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Computed, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.tables import Base, Id, Json, ProjectRow

ACCOUNT_KEY = ("project_id", "owner_id", "measure", "subject", "period")


class Account(Base):
    """Something that can run out: uses of a code, uses per customer, a budget, the balance of a gift card. Named by
    `engine.postings.AccountKey`.

    The row is made by its first posting. Counting accounts start at 0 and sink; `floor` is what the last posting was
    not allowed to cross, empty without limit. What holds value can never fall below zero: the second guard. Only value
    accounts have entries: `entries_count` of them, the newest recorded at `last_entry_at` with `last_hash`; `totals`
    sums them up by counterpart, so the totals of an account add up to its balance. The balance of points is also what
    its lots have left, those included that have expired but were not entered as expired yet.

    `held` is the sum of its holds, also of those that have expired and are not cleared away yet: what is beyond it is
    free for certain.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        Index(
            "accounts_payable_idx", "project_id", "owner_id", "subject", postgresql_where=text("measure = 'payable'")
        ),
        CheckConstraint("NOT holds_value OR balance >= 0", "value_never_negative"),
        CheckConstraint("held >= 0 AND (NOT holds_value OR balance >= held)", "held_is_there"),
    )

    project_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    owner_id: Mapped[Id] = mapped_column(primary_key=True)
    measure: Mapped[Id] = mapped_column(primary_key=True)
    subject: Mapped[Id] = mapped_column(primary_key=True)
    period: Mapped[Id] = mapped_column(primary_key=True)
    holds_value: Mapped[bool] = mapped_column(default=False, server_default="false")
    balance: Mapped[int]
    floor: Mapped[int | None]
    held: Mapped[int] = mapped_column(default=0, server_default="0")
    entries_count: Mapped[int | None]
    last_hash: Mapped[bytes | None]
    totals: Mapped[Json | None]
    last_entry_at: Mapped[datetime | None]


class Lot(ProjectRow):
    """What an account holds with one expiry (`lopb_`); without `expires_at` it never expires.

    Every entry that puts something in with that expiry fills the same lot: `issued_points` is all that was ever put in,
    `left_points` what nobody has taken yet. A lot counts for nothing from `expires_at` on. Rows change only under the
    lock of the account's row, in the function that moves it. Indexes are about `has_points` and not about `left_points`
    so that a lot can be spent from without touching them.
    """

    __tablename__ = "lots"
    __table_args__ = (
        UniqueConstraint(*ACCOUNT_KEY, "expires_at", name="lots_account_key", postgresql_nulls_not_distinct=True),
        Index(
            "lots_expiry_idx",
            "project_id",
            "expires_at",
            "id",
            postgresql_where=text("has_points AND expires_at IS NOT NULL"),
        ),
        CheckConstraint("left_points BETWEEN 0 AND issued_points", "left_of_what_was_issued"),
    )

    owner_id: Mapped[Id]
    measure: Mapped[Id]
    subject: Mapped[Id]
    period: Mapped[Id]
    issued_points: Mapped[int]
    left_points: Mapped[int]
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    has_points: Mapped[bool] = mapped_column(Computed("left_points > 0", persisted=True))


class Hold(Base):
    """What a session has reserved of an account for one redeemable: nobody else can take it until `expires_at`.

    Holds of an account change only under the lock of its row, together with `held` there. After `expires_at` a hold
    counts for nothing, whether it was cleared away or not.
    """

    __tablename__ = "holds"
    __table_args__ = (
        Index("holds_account_idx", *ACCOUNT_KEY, "expires_at"),
        Index(None, "project_id", "expires_at"),
        CheckConstraint("amount > 0", "holds_something"),
    )

    project_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    session_key: Mapped[Id] = mapped_column(primary_key=True)
    object_id: Mapped[Id] = mapped_column(primary_key=True)
    owner_id: Mapped[Id] = mapped_column(primary_key=True)
    measure: Mapped[Id] = mapped_column(primary_key=True)
    subject: Mapped[Id] = mapped_column(primary_key=True)
    period: Mapped[Id] = mapped_column(primary_key=True)
    amount: Mapped[int]
    expires_at: Mapped[datetime]


class Entry(ProjectRow):
    """One movement of value between an account and its `counterpart`; never changed, never deleted (a trigger).

    `amount` is what the account gains, negative what it loses; the counterpart moves by the opposite. `balance` is the
    account's after it, `total` all that was ever issued to it or earned. `position` counts the entries of the account
    from 1, in the sequence of `recorded_at`, and `hash` covers the entry and, through `previous_hash`, all before it
    (`entry_hash`, migrations/functions/v5.py). A cause is entered once in an account. An amount that a voucher was made
    with is entered together with the first movement after it: `effective_at` is then when the voucher was made,
    `recorded_at` when the entry was.

    Entries made together for one reason have one `transaction_id` (none before there were such). `lots` says what the
    entry moved in which lot, as pairs of id and amount that add up to `amount`. `reverses_id` is the entry that this
    one takes back, wholly or in part; all of them together take back no more than it moved. `details` are ids to show.
    """

    __tablename__ = "entries"
    __table_args__ = (
        UniqueConstraint(*ACCOUNT_KEY, "position", name="entries_chain_key"),
        UniqueConstraint(*ACCOUNT_KEY, "cause_type", "cause_id", name="entries_cause_key"),
        Index(
            "entries_reverses_idx",
            "project_id",
            "reverses_id",
            postgresql_where=text("reverses_id IS NOT NULL"),
        ),
        Index(
            "entries_campaign_idx",
            "project_id",
            "campaign_id",
            "id",
            postgresql_where=text("campaign_id IS NOT NULL"),
        ),
        CheckConstraint("amount <> 0", "moves_something"),
        CheckConstraint("balance >= 0", "balance_never_negative"),
    )

    owner_id: Mapped[Id]
    measure: Mapped[Id]
    subject: Mapped[Id]
    period: Mapped[Id]
    position: Mapped[int]
    counterpart: Mapped[Id]
    amount: Mapped[int]
    balance: Mapped[int]
    total: Mapped[int]
    cause_type: Mapped[Id]
    cause_id: Mapped[Id]
    actor: Mapped[str | None]
    campaign_id: Mapped[Id | None]
    source_id: Mapped[str | None]
    reason: Mapped[str | None]
    effective_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    previous_hash: Mapped[bytes]
    hash: Mapped[bytes]
    transaction_id: Mapped[Id | None]
    reverses_id: Mapped[Id | None]
    lots: Mapped[list[Any] | None]
    details: Mapped[Json | None]
