"""Accounts: whatever can run out. Entries: movements of what is worth money. Holds: what sessions have reserved."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.tables import Base, Id, Json, ProjectRow

ACCOUNT_KEY = ("project_id", "owner_id", "measure", "subject", "period")


class Account(Base):
    """Something that can run out: uses of a code, uses per customer, a budget, the balance of a gift card. Named by
    `engine.postings.AccountKey`.

    The row is made by its first posting. Counting accounts start at 0 and sink; `floor` is what the last posting was
    not allowed to cross, empty without limit. What holds value can never fall below zero: the second guard. Only value
    accounts have entries: `entries_count` of them, the newest with `last_hash`; `totals` sums them up by counterpart,
    so the totals of an account add up to its balance.

    `held` is the sum of its holds, also of those that have expired and are not cleared away yet: what is beyond it is
    free for certain.
    """

    __tablename__ = "accounts"
    __table_args__ = (
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
    account's after it, `total` all that was ever issued to it. `position` counts the entries of the account from 1 and
    `hash` covers the entry and, through `previous_hash`, all before it (`entry_hash`, migrations/functions/v2.py). A
    cause is entered once in an account. An amount that a voucher was made with is entered together with the first
    movement after it: `effective_at` is then when the voucher was made, `recorded_at` when the entry was.
    """

    __tablename__ = "entries"
    __table_args__ = (
        UniqueConstraint(*ACCOUNT_KEY, "position", name="entries_chain_key"),
        UniqueConstraint(*ACCOUNT_KEY, "cause_type", "cause_id", name="entries_cause_key"),
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
