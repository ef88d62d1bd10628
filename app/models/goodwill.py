"""What support gives away: why, for how much at most, and what was given."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from app.kit.tables import Id, ProjectRow, Timestamps


class GoodwillReason(ProjectRow, Timestamps):
    """Why support may give something away. `key` is how agents name it and never changes.

    At most `budget_amount` minor units are given in each `budget_period` (day, week or month; empty: altogether),
    without limit when it is empty. What is given ends after `valid_days` unless the agent says otherwise. `message` is
    the text for the customer with {placeholders}, the usual one when empty.
    """

    __tablename__ = "goodwill_reasons"
    __table_args__ = (UniqueConstraint("project_id", "key"),)

    key: Mapped[Id]
    name: Mapped[str]
    active: Mapped[bool]
    budget_amount: Mapped[int | None]
    budget_period: Mapped[str]
    valid_days: Mapped[int]
    message: Mapped[str | None]


class GoodwillBudget(ProjectRow):
    """How much an API key, whose id is the `id`, may give away in each period, in minor units."""

    __tablename__ = "goodwill_budgets"

    amount: Mapped[int]
    period: Mapped[str]
    updated_at: Mapped[datetime]


class Goodwill(ProjectRow):
    """A code that support gave to a customer. `amount` is what it can cost at most: what was taken from the budgets of
    the reason and of the key, and given back to them when it was cancelled.
    """

    __tablename__ = "goodwill"
    __table_args__ = (
        UniqueConstraint("project_id", "voucher_id"),
        Index(None, "project_id", "customer_id", "id"),
    )

    voucher_id: Mapped[Id]
    code: Mapped[str]
    customer_id: Mapped[Id]
    reason_id: Mapped[Id]
    reason: Mapped[str]
    agent: Mapped[str]
    amount: Mapped[int]
    api_key_id: Mapped[Id]
    created_at: Mapped[datetime]
    cancelled_at: Mapped[datetime | None]
