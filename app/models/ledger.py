"""Accounts: whatever can run out."""

from sqlalchemy import CheckConstraint, Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.tables import Base, Id


class Account(Base):
    """Something that can run out: uses of a code, uses per customer, a budget. Named by `engine.postings.AccountKey`.

    The row is made by its first posting. Counting accounts start at 0 and sink; `floor` is what the last posting was
    not allowed to cross, empty without limit. What holds value can never fall below zero: the second guard.
    """

    __tablename__ = "accounts"
    __table_args__ = (CheckConstraint("NOT holds_value OR balance >= 0", "value_never_negative"),)

    project_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    owner_id: Mapped[Id] = mapped_column(primary_key=True)
    measure: Mapped[Id] = mapped_column(primary_key=True)
    subject: Mapped[Id] = mapped_column(primary_key=True)
    period: Mapped[Id] = mapped_column(primary_key=True)
    holds_value: Mapped[bool] = mapped_column(default=False, server_default="false")
    balance: Mapped[int]
    floor: Mapped[int | None]
