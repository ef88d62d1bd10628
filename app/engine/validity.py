"""When a thing may be used: dates, recurring time frames, days of the week, opening hours.

All calendar arithmetic happens in the project's zone, so `P1D` across a clock change is one calendar day (23 or 25
hours) while `PT24H` is 24 hours. Every interval is half-open: the start is in, the end is out. Nothing here loops over
the past: the cost of a check does not depend on how long ago a time frame began.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

DAY_SECONDS = 86_400
# The Gregorian calendar repeats after 400 years, which are 4800 months and 146,097 days.
MONTH_SECONDS = 146_097 * DAY_SECONDS / 4800
LONGEST_SECONDS = 100 * 12 * MONTH_SECONDS
MOST_PERIODS = 50
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

DURATION = re.compile(
    r"P(?=[0-9T])(?:([0-9]{1,9})Y)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})W)?(?:([0-9]{1,9})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})S)?)?"
)
CLOCK = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])")


class InvalidValidity(ValueError):
    """A time limit that means nothing. `path` names the field (`validity_hours.daily[1].start_time`)."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


@dataclass(frozen=True, slots=True)
class Duration:
    """An ISO 8601 duration. Months and days are counted on the calendar, seconds on the clock."""

    months: int = 0
    days: int = 0
    seconds: int = 0

    @property
    def typical_seconds(self) -> float:
        """Its length in an average year."""
        return self.months * MONTH_SECONDS + self.days * DAY_SECONDS + self.seconds

    def times(self, count: int) -> "Duration":
        return Duration(self.months * count, self.days * count, self.seconds * count)


def parse_duration(text: object) -> Duration:
    """The duration that `text` (`P1M`, `P2W`, `P1DT12H`) writes: whole numbers, more than nothing, at most 100 years.

    Raises ValueError with a sentence.
    """
    match = DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("must be an ISO 8601 duration in whole numbers, such as P1D, P2W, P1M or PT12H")
    years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    duration = Duration(years * 12 + months, weeks * 7 + days, hours * 3600 + minutes * 60 + seconds)
    if not 0 < duration.typical_seconds <= LONGEST_SECONDS:
        raise ValueError("must be longer than nothing and at most 100 years")
    return duration


def add_duration(instant: datetime, duration: Duration, zone: ZoneInfo) -> datetime:
    """`instant` plus `duration` on the calendar of `zone`, in UTC. Raises OverflowError past the year 9999.

    Months first (31 January plus one month is the last day of February), then days, both keeping the local time of day,
    then seconds. A local time that the clock change skips moves forward by the skipped hour; one that happens twice is
    the first of the two.
    """
    if duration.months or duration.days:
        local = instant.astimezone(zone)
        day = _add_months(local.date(), duration.months) + timedelta(days=duration.days)
        instant = datetime.combine(day, local.time().replace(fold=0), zone)
    return instant.astimezone(UTC) + timedelta(seconds=duration.seconds)


def _add_months(day: date, months: int) -> date:
    if not months:
        return day
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > 9999:
        raise OverflowError("date value out of range")
    first = date(year, month + 1, 1)
    length = 31 if month == 11 else (date(year, month + 2, 1) - first).days
    return first.replace(day=min(day.day, length))


def sunday_first(day: date) -> int:
    """The weekday as the wire counts it: 0 is Sunday."""
    return day.isoweekday() % 7


def spoken(instant: datetime, zone: ZoneInfo) -> str:
    """`Friday 27 November 2026 00:00 Europe/Berlin`."""
    local = instant.astimezone(zone)
    weekday, month = WEEKDAYS[sunday_first(local)], MONTHS[local.month - 1]
    return f"{weekday} {local.day} {month} {local.year} {local:%H:%M} {zone.key}"


@dataclass(frozen=True, slots=True)
class Timeframe:
    """Open for `duration` from the start of every `interval`, counted from an anchor."""

    interval: Duration
    duration: Duration

    def is_open(self, anchor: datetime, at: datetime, zone: ZoneInfo) -> bool:
        """Only the latest interval matters: an earlier one that is still open would imply that this one is too."""
        if at < anchor:
            return False
        try:
            return at < add_duration(self._begin(self._latest(anchor, at, zone), anchor, zone), self.duration, zone)
        except OverflowError:  # it closes after the last day there is
            return True

    def next_opening(self, anchor: datetime, at: datetime, zone: ZoneInfo) -> datetime | None:
        """The first start of an interval after `at`."""
        if at < anchor:
            return anchor
        try:
            return self._begin(self._latest(anchor, at, zone) + 1, anchor, zone)
        except OverflowError:
            return None

    def _begin(self, count: int, anchor: datetime, zone: ZoneInfo) -> datetime:
        # Counted from the anchor, not from the interval before, so 31 January, 28 February, 31 March keep their day.
        return add_duration(anchor, self.interval.times(count), zone)

    def _latest(self, anchor: datetime, at: datetime, zone: ZoneInfo) -> int:
        """The last count whose interval has begun. The guess is near: over any span, calendar months and days
        stray from their average length by less than three days, and intervals without them do not stray at all."""
        guess = int((at - anchor).total_seconds() / self.interval.typical_seconds)
        low, high = max(0, guess - 3), guess + 3
        while low < high:
            middle = (low + high + 1) // 2
            if self._has_begun(middle, anchor, at, zone):
                low = middle
            else:
                high = middle - 1
        return low

    def _has_begun(self, count: int, anchor: datetime, at: datetime, zone: ZoneInfo) -> bool:
        try:
            return self._begin(count, anchor, zone) <= at
        except OverflowError:
            return False


@dataclass(frozen=True, slots=True)
class Hours:
    """Open on these days of the week (0 is Sunday) from one minute of the day until before another (1440: midnight)."""

    days_of_week: frozenset[int]
    start_minute: int
    end_minute: int

    def is_open(self, local: datetime) -> bool:
        minute = local.hour * 60 + local.minute
        return self.start_minute <= minute < self.end_minute and sunday_first(local) in self.days_of_week


@dataclass(frozen=True, slots=True)
class Closed:
    """Why it may not be used now, and the next instant at which that changes, None when it never will."""

    reason: Literal["not_yet", "expired", "not_now"]
    opens_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Validity:
    """All time limits of one campaign, voucher, tier or earning rule; every one that is set must agree."""

    start_date: datetime | None = None
    expiration_date: datetime | None = None
    timeframe: Timeframe | None = None
    days_of_week: frozenset[int] = frozenset()
    hours: tuple[Hours, ...] = ()

    def closed_because(self, now: datetime, zone: ZoneInfo) -> Closed | None:
        """Why the thing may not be used at `now`, None when it may."""
        if self.expiration_date is not None and now >= self.expiration_date:
            return Closed("expired")
        if self.start_date is not None and now < self.start_date:
            return Closed("not_yet", self._next_opening(self.start_date, zone))
        if self._is_open(now, zone):
            return None
        return Closed("not_now", self._next_opening(now, zone))

    def _is_open(self, at: datetime, zone: ZoneInfo) -> bool:
        """Whether the recurring limits agree, leaving the two dates aside."""
        if self.days_of_week and sunday_first(at.astimezone(zone)) not in self.days_of_week:
            return False
        if self.hours:
            local = at.astimezone(zone)
            return any(hours.is_open(local) for hours in self.hours)
        if self.timeframe is not None and self.start_date is not None:
            return self.timeframe.is_open(self.start_date, at, zone)
        return True

    def _next_opening(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        """The first open instant from `at` on. Gives up after a year of weekly steps: then no sentence is better."""
        for _ in range(60):
            if self.expiration_date is not None and at >= self.expiration_date:
                return None
            if self._is_open(at, zone):
                return at
            later = self._step(at, zone)
            if later is None or later <= at:
                return None
            at = later
        return None

    def _step(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        """The next instant at which a limit that is closed at `at` opens."""
        local = at.astimezone(zone)
        if self.hours:
            return min((start for start in self._starts(local, zone) if start > at), default=None)
        if self.days_of_week and sunday_first(local) not in self.days_of_week:
            days = min((day - sunday_first(local)) % 7 for day in self.days_of_week)
            try:
                return datetime.combine(local.date() + timedelta(days=days), time(), zone).astimezone(UTC)
            except OverflowError:
                return None
        if self.timeframe is not None and self.start_date is not None:
            return self.timeframe.next_opening(self.start_date, at, zone)
        return None

    def _starts(self, local: datetime, zone: ZoneInfo) -> list[datetime]:
        """Every opening of the coming week."""
        starts = []
        for offset in range(8):
            try:
                day = local.date() + timedelta(days=offset)
            except OverflowError:
                break
            for hours in self.hours:
                if sunday_first(day) in hours.days_of_week:
                    opening = time(*divmod(hours.start_minute, 60))
                    starts.append(datetime.combine(day, opening, zone).astimezone(UTC))
        return starts


ALWAYS = Validity()


def parse_validity(fields: Mapping[str, Any]) -> Validity:
    """The time limits among `fields`, named as on the wire; absent, null and empty ones limit nothing.

    `start_date`, `expiration_date` are aware datetimes or ISO 8601 text with an offset; `validity_timeframe` is
    `{interval, duration}`; `validity_day_of_week` is `[0..6]`; `validity_hours` is `{daily: [{days_of_week, start_time,
    expiration_time}]}`. Raises InvalidValidity with the path of what is wrong.
    """
    start_date = _parse_instant(fields.get("start_date"), "start_date")
    expiration_date = _parse_instant(fields.get("expiration_date"), "expiration_date")
    if start_date is not None and expiration_date is not None and expiration_date <= start_date:
        raise InvalidValidity("expiration_date", "must be after start_date")
    timeframe = _parse_timeframe(fields.get("validity_timeframe"))
    if timeframe is not None and start_date is None:
        raise InvalidValidity("validity_timeframe", "needs a start_date, from which its intervals are counted")
    days_of_week = _parse_days(fields.get("validity_day_of_week"), "validity_day_of_week")
    hours = _parse_hours(fields.get("validity_hours"))
    if hours and (timeframe is not None or days_of_week):
        raise InvalidValidity(
            "validity_hours",
            "cannot be combined with validity_timeframe or validity_day_of_week: it names its own days",
        )
    return Validity(start_date, expiration_date, timeframe, days_of_week, hours)


def _parse_instant(value: Any, path: str) -> datetime | None:
    if value is None:
        return None
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else value
        if not isinstance(instant, datetime) or instant.tzinfo is None:
            raise ValueError
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidValidity(path, "must be an instant with an offset, such as 2026-11-27T00:00:00Z") from None


def _parse_timeframe(value: Any) -> Timeframe | None:
    if value is None or value == {}:
        return None
    if not isinstance(value, Mapping):
        raise InvalidValidity("validity_timeframe", "must be an object with interval and duration")
    parts = []
    for name in ("interval", "duration"):
        try:
            parts.append(parse_duration(value.get(name)))
        except ValueError as problem:
            raise InvalidValidity(f"validity_timeframe.{name}", str(problem)) from None
    return Timeframe(*parts)


def _parse_days(value: Any, path: str) -> frozenset[int]:
    if value is None:
        return frozenset()
    if not isinstance(value, Sequence | frozenset | set) or isinstance(value, str):
        raise InvalidValidity(path, "must be a list of days, 0 (Sunday) to 6 (Saturday)")
    for index, day in enumerate(value):
        if isinstance(day, bool) or not isinstance(day, int) or not 0 <= day <= 6:
            raise InvalidValidity(f"{path}[{index}]", "must be a day, 0 (Sunday) to 6 (Saturday)")
    return frozenset(value)


def _parse_hours(value: Any) -> tuple[Hours, ...]:
    if value is None or value == {}:
        return ()
    daily = value.get("daily") if isinstance(value, Mapping) else value
    if daily is None and isinstance(value, Mapping):
        return ()
    if not isinstance(daily, Sequence) or isinstance(daily, str) or len(daily) > MOST_PERIODS:
        raise InvalidValidity("validity_hours.daily", f"must be a list of at most {MOST_PERIODS} periods")
    hours = tuple(_parse_period(period, f"validity_hours.daily[{index}]") for index, period in enumerate(daily))
    for index, period in enumerate(hours):
        for other in hours[:index]:
            if (
                period.days_of_week & other.days_of_week
                and period.start_minute < other.end_minute
                and other.start_minute < period.end_minute
            ):
                raise InvalidValidity(f"validity_hours.daily[{index}]", "overlaps an earlier period of the same day")
    return hours


def _parse_period(value: Any, path: str) -> Hours:
    if not isinstance(value, Mapping):
        raise InvalidValidity(path, "must be an object with days_of_week, start_time and expiration_time")
    days = _parse_days(value.get("days_of_week"), f"{path}.days_of_week")
    if not days:
        raise InvalidValidity(f"{path}.days_of_week", "must name at least one day, 0 (Sunday) to 6 (Saturday)")
    start, end = value.get("start_time"), value.get("expiration_time")
    start_minute = 0 if start is None else _minute(start, f"{path}.start_time")
    # "18:00 to 00:00" means until midnight; the empty period it would be otherwise helps nobody.
    end_minute = 1440 if end is None else _minute(end, f"{path}.expiration_time") or 1440
    if end_minute <= start_minute:
        raise InvalidValidity(f"{path}.expiration_time", "must be after start_time; write a night as two periods")
    return Hours(days, start_minute, end_minute)


def _minute(value: Any, path: str) -> int:
    try:
        return parse_clock(value)
    except ValueError as problem:
        raise InvalidValidity(path, str(problem)) from None


def parse_clock(value: object) -> int:
    """The minute of the day that `HH:mm` names; `24:00` is the end of the day. Raises ValueError with a sentence."""
    match = CLOCK.fullmatch(value) if isinstance(value, str) else None
    minute = int(match[1]) * 60 + int(match[2]) if match else 1441
    if minute > 1440:
        raise ValueError("must be a time of day, HH:mm")
    return minute
