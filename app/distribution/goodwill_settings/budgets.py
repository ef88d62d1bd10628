"""Budgets as accounts that count: what a reason and a key gave, in each kind of period."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import get_args
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.distribution.goodwill_settings.schemas import BudgetRead, name_of_period
from app.engine.postings import AccountKey, Period, Posting, period_name
from app.models import Account, GoodwillBudget, GoodwillReason

PERIODS: tuple[Period, ...] = get_args(Period)


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `amount` minor units in each `period`."""

    amount: int
    period: Period


def budget_of_reason(reason: GoodwillReason) -> Budget | None:
    """None is no limit."""
    if reason.budget_amount is None:
        return None
    return Budget(reason.budget_amount, reason.budget_period)  # type: ignore[arg-type]  # only periods are stored


def budget_of_key(row: GoodwillBudget | None) -> Budget | None:
    return None if row is None else Budget(row.amount, row.period)  # type: ignore[arg-type]  # only periods are stored


def account_of(owner_id: str, period: Period, now: datetime, zone: ZoneInfo) -> AccountKey:
    """Where it is counted what the owner, a reason or a key, gave in the period around `now`."""
    return AccountKey(owner_id, "granted", "", period_name(period, now, zone))


def postings_of(owner_id: str, amount: int, budget: Budget | None, now: datetime, zone: ZoneInfo) -> list[Posting]:
    """What giving `amount` takes from the owner. Every kind of period is counted, so that a budget that is set or
    changed later is exact from its first moment; only that of the budget has a floor."""
    return [
        Posting(
            account_of(owner_id, period, now, zone),
            -amount,
            -budget.amount if budget is not None and budget.period == period else None,
        )
        for period in PERIODS
    ]


async def budgets_read(
    session: AsyncSession, project_id: int, budgets: Mapping[str, Budget | None], now: datetime, zone: ZoneInfo
) -> dict[str, BudgetRead | None]:
    """The budgets of these owners with what is left of them now; one statement."""
    accounts = {
        owner_id: account_of(owner_id, budget.period, now, zone) for owner_id, budget in budgets.items() if budget
    }
    granted = await _granted(session, project_id, accounts.values())
    return {
        owner_id: None if budget is None else _read(budget, granted.get(accounts[owner_id], 0))
        for owner_id, budget in budgets.items()
    }


async def _granted(session: AsyncSession, project_id: int, accounts: Iterable[AccountKey]) -> dict[AccountKey, int]:
    wanted = set(accounts)
    rows = await session.execute(
        select(Account.owner_id, Account.period, Account.balance).where(
            Account.project_id == project_id,
            Account.owner_id.in_({account.owner_id for account in wanted}),
            Account.measure == "granted",
            Account.subject == "",
            Account.period.in_({account.period for account in wanted}),
        )
    )
    return {AccountKey(owner_id, "granted", "", period): -balance for owner_id, period, balance in rows}


def _read(budget: Budget, granted_amount: int) -> BudgetRead:
    return BudgetRead(
        amount=budget.amount,
        period=name_of_period(budget.period),
        granted_amount=granted_amount,
        left_amount=max(0, budget.amount - granted_amount),
    )
