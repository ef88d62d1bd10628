"""What a member can earn by a rule at most: counting accounts of the rule, one for each card and period.

`earned` counts points, `earnings` how often there were any; what is taken back is given back to them. Only under the
lock of the member (`occasions.wait_for_member`), so that what is read is true when it is posted; the floors make sure.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.engine.postings import AccountKey, Measure, Period, Posting, period_name
from app.models import Account, EarningRule, PointsEarning

MEASURES: Final[Mapping[str, Measure]] = {"POINTS": "earned", "TIMES": "earnings"}
PERIODS: Final[Mapping[str, Period]] = {"DAY": "day", "WEEK": "week", "MONTH": "month", "EVER": ""}


def _account(rule_id: str, card_id: str, measure: Measure, period: str) -> AccountKey:
    return AccountKey(rule_id, measure, f"card:{card_id}", period)


def limits_of(rule: EarningRule, card_id: str, at: datetime, zone: ZoneInfo) -> dict[AccountKey, int]:
    """The accounts that the limits of the rule mean for this card at that instant, and the most that each may count."""
    return {
        _account(rule.id, card_id, MEASURES[limit["measure"]], period_name(PERIODS[limit["period"]], at, zone)): limit[
            "most"
        ]
        for limit in rule.limits
    }


async def points_within(session: AsyncSession, project_id: int, limits: Mapping[AccountKey, int], points: int) -> int:
    """How many of these points the limits leave; one statement where there are any."""
    if not limits:
        return points
    key = (Account.owner_id, Account.measure, Account.subject, Account.period)
    rows = await session.execute(
        select(*key, Account.balance).where(Account.project_id == project_id, tuple_(*key).in_(list(limits)))
    )
    used = {tuple(account): -balance for *account, balance in rows}
    for account, most in limits.items():
        left = max(0, most - used.get(tuple(account), 0))
        points = min(points, left) if account.measure == "earned" else points if left else 0
    return points


def counting(limits: Mapping[AccountKey, int], points: int) -> list[Posting]:
    """What earning so many points once takes of the limits."""
    return [
        Posting(account, -(points if account.measure == "earned" else 1), -most) for account, most in limits.items()
    ]


def counted_in(limits: Mapping[AccountKey, int]) -> dict[str, Any]:
    """The accounts, as `PointsEarning.counted` names them."""
    counted: dict[str, list[str]] = {}
    for account in limits:
        counted.setdefault(account.measure, []).append(account.period)
    return counted


def given_back(earning: PointsEarning, points: int) -> Sequence[Posting]:
    """What taking back so many of the points, before it is noted, gives back to the limits."""
    is_last = earning.taken_back_points + points == earning.points
    return [
        Posting(_account(earning.rule_id, earning.voucher_id, measure, period), points if measure == "earned" else 1)
        for measure in MEASURES.values()
        for period in earning.counted.get(measure, ())
        if measure == "earned" or is_last
    ]
