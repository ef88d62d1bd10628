"""When points expire."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.engine.points_expiration import PointsExpirationRules, end_of_day, last_day_before, points_expire_at

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def rules(**members: Any) -> PointsExpirationRules:
    return PointsExpirationRules.model_validate({"period_type": "MONTH", **members})


@pytest.mark.parametrize(
    ("earned_on", "members", "last_day"),
    [
        ("2026-11-22", {"period_value": 0}, "2026-11-22"),
        ("2026-11-22", {"period_value": 3}, "2027-02-22"),
        ("2026-01-31", {"period_value": 1}, "2026-02-28"),
        ("2028-01-31", {"period_value": 1}, "2028-02-29"),
        ("2026-12-31", {"period_value": 12}, "2027-12-31"),
        ("2026-11-22", {"period_value": 3, "rounding_type": "END_OF_MONTH"}, "2027-02-28"),
        ("2026-11-22", {"period_value": 2, "rounding_type": "END_OF_QUARTER"}, "2027-03-31"),
        ("2026-11-22", {"period_value": 0, "rounding_type": "END_OF_QUARTER"}, "2026-12-31"),
        ("2026-11-22", {"period_value": 3, "rounding_type": "END_OF_HALF_YEAR"}, "2027-06-30"),
        ("2026-11-22", {"period_value": 3, "rounding_type": "END_OF_YEAR"}, "2027-12-31"),
        ("2026-11-22", {"period_value": 0, "rounding_type": "PARTICULAR_MONTH", "rounding_value": 11}, "2026-11-30"),
        ("2026-11-22", {"period_value": 1, "rounding_type": "PARTICULAR_MONTH", "rounding_value": 11}, "2027-11-30"),
        ("2026-11-22", {"period_value": 0, "rounding_type": "PARTICULAR_MONTH", "rounding_value": 2}, "2027-02-28"),
    ],
)
def test_points_are_good_for_so_many_months_and_then_to_the_end_of_a_period(
    earned_on: str, members: dict[str, Any], last_day: str
) -> None:
    assert rules(**members).last_day(date.fromisoformat(earned_on)) == date.fromisoformat(last_day)


@pytest.mark.parametrize(
    ("earned_on", "month", "day", "last_day"),
    [
        ("2026-11-22", 12, 24, "2026-12-24"),
        ("2026-11-22", 11, 22, "2026-11-22"),
        ("2026-11-22", 11, 21, "2027-11-21"),
        ("2026-11-22", 2, 29, "2027-02-28"),
        ("2027-11-22", 2, 29, "2028-02-29"),
    ],
)
def test_points_are_good_until_a_fixed_day_of_the_year(earned_on: str, month: int, day: int, last_day: str) -> None:
    fixed = rules(period_type="FIXED_DAY_OF_YEAR", fixed_month=month, fixed_day=day)

    assert fixed.last_day(date.fromisoformat(earned_on)) == date.fromisoformat(last_day)


def test_points_are_good_until_their_last_day_ends_in_the_projects_zone() -> None:
    late = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)

    assert points_expire_at(rules(period_value=0), late, BERLIN) == datetime(2026, 11, 23, 23, tzinfo=UTC)


def test_the_last_day_of_summer_time_ends_at_its_own_midnight() -> None:
    saturday = datetime(2026, 10, 24, 12, tzinfo=UTC)

    assert points_expire_at(rules(period_value=0), saturday, BERLIN) == datetime(2026, 10, 24, 22, tzinfo=UTC)
    sunday = saturday + timedelta(days=1)
    assert points_expire_at(rules(period_value=0), sunday, BERLIN) == datetime(2026, 10, 25, 23, tzinfo=UTC)


def test_points_without_a_rule_never_expire() -> None:
    assert points_expire_at(None, NOON, BERLIN) is None


def test_points_that_would_outlive_the_calendar_never_expire() -> None:
    at_the_end = datetime(9999, 12, 1, tzinfo=UTC)

    assert points_expire_at(rules(period_value=12), at_the_end, BERLIN) is None
    assert points_expire_at(rules(period_value=0, rounding_type="END_OF_YEAR"), at_the_end, BERLIN) is None


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"period_value": -1},
        {"period_value": 1201},
        {"period_value": 1, "rounding_type": "PARTICULAR_MONTH"},
        {"period_value": 1, "rounding_type": "PARTICULAR_MONTH", "rounding_value": 13},
        {"period_value": 1, "rounding_type": "END_OF_WEEK"},
        {"period_type": "FIXED_DAY_OF_YEAR", "fixed_month": 2},
        {"period_type": "FIXED_DAY_OF_YEAR", "fixed_day": 2},
        {"period_type": "FIXED_DAY_OF_YEAR", "fixed_month": 2, "fixed_day": 30},
        {"period_type": "FIXED_DAY_OF_YEAR", "fixed_month": 13, "fixed_day": 1},
        {"period_type": "DAY", "period_value": 1},
    ],
)
def test_rules_that_say_no_day_are_refused(members: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rules(**members)


ROUNDINGS = [None, "END_OF_MONTH", "END_OF_QUARTER", "END_OF_HALF_YEAR", "END_OF_YEAR", "PARTICULAR_MONTH"]


@given(
    st.integers(0, 40 * 365 * 24).map(lambda hours: NOON + timedelta(hours=hours)),
    st.integers(0, 60),
    st.sampled_from(ROUNDINGS),
    st.integers(1, 12),
)
def test_points_never_expire_before_they_were_earned_nor_earlier_for_being_rounded(
    earned_at: datetime, months: int, rounding: str | None, month: int
) -> None:
    plain = points_expire_at(rules(period_value=months), earned_at, BERLIN)
    rounded = points_expire_at(
        rules(period_value=months, rounding_type=rounding, rounding_value=month), earned_at, BERLIN
    )

    assert plain is not None
    assert rounded is not None
    assert earned_at < plain <= rounded <= plain + timedelta(days=366)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.sampled_from(["Europe/Berlin", "America/Santiago", "UTC"]))
def test_the_end_of_a_day_tells_the_day(day: date, zone: str) -> None:
    assert last_day_before(end_of_day(day, ZoneInfo(zone)), ZoneInfo(zone)) == day
