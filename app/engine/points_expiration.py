"""When points expire: a rule of the program, or of what earned them, and the calendar of the project."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from app.engine.postings import day_start
from app.engine.stored import Stored

LONGEST_MONTHS = 1200
_PERIOD_MONTHS = {"END_OF_MONTH": 1, "END_OF_QUARTER": 3, "END_OF_HALF_YEAR": 6, "END_OF_YEAR": 12}

Rounding = Literal["END_OF_MONTH", "END_OF_QUARTER", "END_OF_HALF_YEAR", "END_OF_YEAR", "PARTICULAR_MONTH"]
Month = Annotated[int, Field(ge=1, le=12)]


class PointsExpirationRules(Stored):
    """`MONTH`: so many months after they were earned (0: on the same day), then, if asked, at the end of a calendar
    period, or of the next month `rounding_value`. `FIXED_DAY_OF_YEAR`: on that day of every year. A month that is too
    short has its last day instead. Points are good until that day ends in the project's time zone."""

    period_type: Literal["MONTH", "FIXED_DAY_OF_YEAR"]
    period_value: Annotated[int | None, Field(ge=0, le=LONGEST_MONTHS, description="Months, for MONTH.")] = None
    rounding_type: Rounding | None = None
    rounding_value: Annotated[Month | None, Field(description="The month, for PARTICULAR_MONTH.")] = None
    fixed_month: Month | None = None
    fixed_day: Annotated[int | None, Field(ge=1, le=31)] = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.period_type == "FIXED_DAY_OF_YEAR":
            if self.fixed_month is None or self.fixed_day is None:
                raise ValueError("FIXED_DAY_OF_YEAR needs fixed_month and fixed_day")
            if self.fixed_day > monthrange(2000, self.fixed_month)[1]:
                raise ValueError(f"no month {self.fixed_month} has {self.fixed_day} days")
        elif self.period_value is None:
            raise ValueError("MONTH needs period_value, the number of months")
        elif self.rounding_type == "PARTICULAR_MONTH" and self.rounding_value is None:
            raise ValueError("PARTICULAR_MONTH needs rounding_value, the month from 1 to 12")
        return self

    def last_day(self, earned_on: date) -> date:
        """The last day on which points earned on that day are good. Raises OverflowError past the year 9999."""
        if self.period_type == "FIXED_DAY_OF_YEAR":
            assert self.fixed_month is not None  # checked when it was read, like the day
            assert self.fixed_day is not None
            this_year = _day_of(earned_on.year, self.fixed_month, self.fixed_day)
            if this_year >= earned_on:
                return this_year
            return _day_of(earned_on.year + 1, self.fixed_month, self.fixed_day)
        assert self.period_value is not None  # checked likewise
        later = _months_later(earned_on, self.period_value)
        if self.rounding_type is None:
            return later
        if self.rounding_type == "PARTICULAR_MONTH":
            assert self.rounding_value is not None
            year = later.year if later.month <= self.rounding_value else later.year + 1
            return _day_of(year, self.rounding_value, 31)
        length = _PERIOD_MONTHS[self.rounding_type]
        return _day_of(later.year, (later.month + length - 1) // length * length, 31)


def points_expire_at(rules: PointsExpirationRules | None, earned_at: datetime, zone: ZoneInfo) -> datetime | None:
    """The instant from which points earned at `earned_at` are gone: the end of their last day in `zone`, in UTC. None
    for those that never expire: without rules, or after the last day there is."""
    if rules is None:
        return None
    try:
        return end_of_day(rules.last_day(earned_at.astimezone(zone).date()), zone)
    except OverflowError:
        return None


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which `day` is over in `zone`. Raises OverflowError for the last day there is."""
    return day_start(day + timedelta(days=1), zone).astimezone(UTC)


def last_day_before(expires_at: datetime, zone: ZoneInfo) -> date:
    """The last day on which points are good that are gone from `expires_at` on."""
    return (expires_at - timedelta(microseconds=1)).astimezone(zone).date()


def _day_of(year: int, month: int, day: int) -> date:
    """That day, or the last one of a month that is too short."""
    if year > date.max.year:
        raise OverflowError("date value out of range")
    return date(year, month, min(day, monthrange(year, month)[1]))


def _months_later(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return _day_of(day.year + years, month + 1, day.day)
