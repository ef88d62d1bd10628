import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.validity import (
    ALWAYS,
    Closed,
    Duration,
    InvalidValidity,
    Timeframe,
    add_duration,
    parse_duration,
    parse_validity,
    spoken,
)

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
KIRITIMATI = ZoneInfo("Pacific/Kiritimati")
APIA = ZoneInfo("Pacific/Apia")

instants = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
zones = st.sampled_from([BERLIN, NEW_YORK, KIRITIMATI, APIA, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("UTC")])
durations = st.builds(
    Duration, st.integers(0, 30), st.integers(0, 60), st.integers(0, 200_000)
).filter(lambda duration: duration.typical_seconds > 0)  # fmt: skip


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("P1D", Duration(days=1)),
        ("P2W", Duration(days=14)),
        ("P1Y2M3W4DT5H6M7S", Duration(14, 25, 18_367)),
        ("PT24H", Duration(seconds=86_400)),
        ("P100Y", Duration(months=1200)),
    ],
)
def test_an_iso_duration_is_read_as_months_days_and_seconds(text: str, duration: Duration) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text",
    [
        *("", "P", "PT", "1D", "P1DT", "p1d", "P1.5D", "-P1D", "P-1D", "P0D", "PT0S", "P1H", "P101Y", "P1D ", "P1M1Y"),
        *("P99999999999999D", "P999999999Y", "P\u0661D", None, 5, ["P1D"]),
    ],
)
def test_a_duration_that_is_none_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_duration(text)


def test_a_calendar_day_across_a_clock_change_is_not_24_hours() -> None:
    before_spring = berlin("2026-03-28T12:00")
    before_autumn = berlin("2026-10-24T12:00")

    assert add_duration(before_spring, parse_duration("P1D"), BERLIN) - before_spring == timedelta(hours=23)
    assert add_duration(before_autumn, parse_duration("P1D"), BERLIN) - before_autumn == timedelta(hours=25)
    assert add_duration(before_spring, parse_duration("PT24H"), BERLIN) - before_spring == timedelta(hours=24)


def test_a_time_that_the_clock_change_skips_moves_forward_and_one_that_comes_twice_is_the_first() -> None:
    spring = add_duration(datetime(2026, 3, 7, 2, 30, tzinfo=NEW_YORK), parse_duration("P1D"), NEW_YORK)
    autumn = add_duration(datetime(2026, 10, 31, 1, 30, tzinfo=NEW_YORK), parse_duration("P1D"), NEW_YORK)

    assert spring.astimezone(NEW_YORK).isoformat() == "2026-03-08T03:30:00-04:00"
    assert autumn.astimezone(NEW_YORK).isoformat() == "2026-11-01T01:30:00-04:00"


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        ("2026-01-31T10:00", "P1M", "2026-02-28T10:00"),
        ("2028-01-31T10:00", "P1M", "2028-02-29T10:00"),
        ("2028-02-29T10:00", "P1Y", "2029-02-28T10:00"),
        ("2026-11-30T10:00", "P1M", "2026-12-30T10:00"),
        ("2026-12-31T10:00", "P2M1D", "2027-03-01T10:00"),
        ("2026-12-31T10:00", "P12M", "2027-12-31T10:00"),
    ],
)
def test_a_month_ends_on_its_last_day(start: str, duration: str, end: str) -> None:
    assert add_duration(berlin(start), parse_duration(duration), BERLIN) == berlin(end)


def test_adding_past_the_end_of_the_calendar_overflows() -> None:
    with pytest.raises(OverflowError):
        add_duration(datetime(9990, 1, 1, tzinfo=UTC), parse_duration("P11Y"), BERLIN)


@given(instants, durations, durations, zones, st.integers(0, 3_000), st.integers(-5, 5))
def test_a_time_frame_opens_as_a_walk_over_its_intervals_would_find(
    anchor: datetime, interval: Duration, duration: Duration, zone: ZoneInfo, count: int, nudge: int
) -> None:
    timeframe = Timeframe(interval, duration)
    try:
        at = add_duration(anchor, interval.times(count % 40), zone) + timedelta(seconds=nudge)
    except OverflowError:
        return

    begun = [add_duration(anchor, interval.times(n), zone) for n in range(45)]
    latest = max((start for start in begun if start <= at), default=None)

    assert timeframe.is_open(anchor, at, zone) == (latest is not None and at < add_duration(latest, duration, zone))


@given(instants, durations, durations, zones, st.timedeltas(timedelta(0), timedelta(days=2000)))
def test_the_next_opening_is_later_and_open(
    anchor: datetime, interval: Duration, duration: Duration, zone: ZoneInfo, later: timedelta
) -> None:
    timeframe = Timeframe(interval, duration)

    opening = timeframe.next_opening(anchor, anchor + later, zone)

    assert opening is not None
    assert opening > anchor + later
    assert timeframe.is_open(anchor, opening, zone)


def test_a_time_frame_that_began_long_ago_costs_no_more() -> None:
    timeframe = Timeframe(parse_duration("PT1S"), parse_duration("PT1S"))
    anchor = datetime(1000, 1, 1, tzinfo=UTC)
    begun = time.perf_counter()

    for _ in range(100):
        assert timeframe.is_open(anchor, datetime(2999, 1, 1, tzinfo=UTC), BERLIN)

    assert time.perf_counter() - begun < 0.5


def test_a_daily_hour_keeps_its_local_time_through_both_clock_changes() -> None:
    validity = parse_validity(
        {
            "start_date": "2026-01-01T08:00:00+01:00",
            "validity_timeframe": {"interval": "P1D", "duration": "PT1H"},
        }
    )

    for day in ("2026-03-28", "2026-03-29", "2026-03-30", "2026-10-24", "2026-10-25", "2026-10-26"):
        assert validity.closed_because(berlin(f"{day}T07:59:59"), BERLIN) is not None
        assert validity.closed_because(berlin(f"{day}T08:00"), BERLIN) is None
        assert validity.closed_because(berlin(f"{day}T08:59:59"), BERLIN) is None
        assert validity.closed_because(berlin(f"{day}T09:00"), BERLIN) is not None


def test_a_frame_of_24_hours_moves_with_the_clock_change() -> None:
    validity = parse_validity(
        {
            "start_date": datetime(2026, 3, 7, 8, tzinfo=NEW_YORK),
            "validity_timeframe": {"interval": "PT24H", "duration": "PT1H"},
        }
    )

    assert validity.closed_because(datetime(2026, 3, 8, 8, tzinfo=NEW_YORK), NEW_YORK) is not None
    assert validity.closed_because(datetime(2026, 3, 8, 9, tzinfo=NEW_YORK), NEW_YORK) is None


def test_monthly_intervals_keep_the_day_of_the_anchor_after_a_short_month() -> None:
    validity = parse_validity(
        {
            "start_date": "2026-01-31T00:00:00+01:00",
            "validity_timeframe": {"interval": "P1M", "duration": "P1D"},
        }
    )

    assert validity.closed_because(berlin("2026-02-28T12:00"), BERLIN) is None
    assert validity.closed_because(berlin("2026-03-28T12:00"), BERLIN) is not None
    assert validity.closed_because(berlin("2026-03-31T12:00"), BERLIN) is None


def test_the_start_is_in_and_the_end_is_out() -> None:
    validity = parse_validity(
        {"start_date": "2026-11-27T00:00:00+01:00", "expiration_date": "2026-11-28T00:00:00+01:00"}
    )

    assert validity.closed_because(berlin("2026-11-26T23:59:59"), BERLIN) == Closed(
        "not_yet", berlin("2026-11-27T00:00")
    )
    assert validity.closed_because(berlin("2026-11-27T00:00"), BERLIN) is None
    assert validity.closed_because(berlin("2026-11-27T23:59:59"), BERLIN) is None
    assert validity.closed_because(berlin("2026-11-28T00:00"), BERLIN) == Closed("expired")


def test_days_of_the_week_are_those_of_the_project_zone() -> None:
    sundays = parse_validity({"validity_day_of_week": [0]})
    sunday_in_kiritimati = datetime(2026, 11, 21, 12, tzinfo=UTC)

    assert sundays.closed_because(sunday_in_kiritimati, KIRITIMATI) is None
    assert sundays.closed_because(sunday_in_kiritimati, BERLIN) == Closed("not_now", berlin("2026-11-22T00:00"))


def test_a_day_and_a_time_frame_must_both_be_open() -> None:
    validity = parse_validity(
        {
            "start_date": "2026-11-02T09:00:00+01:00",  # a Monday
            "validity_timeframe": {"interval": "P1D", "duration": "PT2H"},
            "validity_day_of_week": [5, 6],
        }
    )

    assert validity.closed_because(berlin("2026-11-06T10:00"), BERLIN) is None
    assert validity.closed_because(berlin("2026-11-06T12:00"), BERLIN) == Closed("not_now", berlin("2026-11-07T09:00"))
    assert validity.closed_because(berlin("2026-11-02T10:00"), BERLIN) == Closed("not_now", berlin("2026-11-06T09:00"))
    assert validity.closed_because(berlin("2026-10-01T10:00"), BERLIN) == Closed("not_yet", berlin("2026-11-06T09:00"))


def test_opening_hours_are_local_and_half_open() -> None:
    validity = parse_validity(
        {
            "validity_hours": {
                "daily": [
                    {"days_of_week": [1, 2], "start_time": "09:00", "expiration_time": "12:30"},
                    {"days_of_week": [1], "start_time": "12:30", "expiration_time": "14:00"},
                    {"days_of_week": [6], "start_time": "22:00"},
                ]
            }
        }
    )

    assert validity.closed_because(berlin("2026-11-02T08:59:59"), BERLIN) == Closed(
        "not_now", berlin("2026-11-02T09:00")
    )
    assert validity.closed_because(berlin("2026-11-02T13:59:59"), BERLIN) is None
    assert validity.closed_because(berlin("2026-11-02T14:00"), BERLIN) == Closed("not_now", berlin("2026-11-03T09:00"))
    assert validity.closed_because(berlin("2026-11-03T12:30"), BERLIN) == Closed("not_now", berlin("2026-11-07T22:00"))
    assert validity.closed_because(berlin("2026-11-07T23:59:59"), BERLIN) is None
    assert validity.closed_because(berlin("2026-11-08T00:00"), BERLIN) is not None


def test_an_hour_that_comes_twice_is_open_twice_and_one_that_is_skipped_never() -> None:
    night = parse_validity(
        {"validity_hours": {"daily": [{"days_of_week": [0], "start_time": "02:00", "expiration_time": "03:00"}]}}
    )

    assert night.closed_because(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), BERLIN) is None
    assert night.closed_because(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), BERLIN) is None
    skipped = night.closed_because(datetime(2026, 3, 29, 0, 59, tzinfo=UTC), BERLIN)
    assert skipped == Closed("not_now", berlin("2026-04-05T02:00"))


def test_no_opening_is_promised_after_the_end() -> None:
    validity = parse_validity({"expiration_date": "2026-11-24T00:00:00Z", "validity_day_of_week": [5]})

    assert validity.closed_because(datetime(2026, 11, 21, tzinfo=UTC), BERLIN) == Closed("not_now", None)


def test_nothing_set_is_always_open() -> None:
    empty: dict[str, Any] = {
        "start_date": None,
        "expiration_date": None,
        "validity_timeframe": {},
        "validity_day_of_week": [],
        "validity_hours": {"daily": []},
    }

    assert parse_validity(empty) == parse_validity({}) == ALWAYS
    assert ALWAYS.closed_because(datetime(2026, 1, 1, tzinfo=UTC), BERLIN) is None


def test_the_ends_of_the_calendar_do_not_break_a_check() -> None:
    validity = parse_validity(
        {
            "start_date": "9990-01-01T00:00:00Z",
            "validity_timeframe": {"interval": "P20Y", "duration": "P15Y"},
        }
    )
    weekly = parse_validity({"validity_day_of_week": [0]})
    hours = parse_validity({"validity_hours": {"daily": [{"days_of_week": [0], "start_time": "10:00"}]}})

    assert validity.closed_because(datetime(9999, 12, 31, tzinfo=UTC), NEW_YORK) is None
    assert weekly.closed_because(datetime(9999, 12, 31, tzinfo=UTC), NEW_YORK) == Closed("not_now")
    assert hours.closed_because(datetime(9999, 12, 31, tzinfo=UTC), NEW_YORK) == Closed("not_now")


PERIOD = {"days_of_week": [1], "start_time": "09:00", "expiration_time": "12:00"}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"start_date": "2026-11-27"}, "start_date"),
        ({"start_date": "2026-11-27T00:00:00"}, "start_date"),
        ({"expiration_date": "soon"}, "expiration_date"),
        ({"expiration_date": 5}, "expiration_date"),
        ({"start_date": "0001-01-01T00:00:00+10:00"}, "start_date"),
        (
            {"start_date": "2026-11-28T00:00:00Z", "expiration_date": "2026-11-28T00:00:00Z"},
            "expiration_date",
        ),
        ({"validity_timeframe": {"interval": "P1D", "duration": "PT1H"}}, "validity_timeframe"),
        ({"validity_timeframe": "P1D"}, "validity_timeframe"),
        ({"validity_timeframe": {"interval": "P1D"}}, "validity_timeframe.duration"),
        ({"validity_timeframe": {"interval": "1 day", "duration": "PT1H"}}, "validity_timeframe.interval"),
        ({"validity_day_of_week": 1}, "validity_day_of_week"),
        ({"validity_day_of_week": [0, 7]}, "validity_day_of_week[1]"),
        ({"validity_day_of_week": [True]}, "validity_day_of_week[0]"),
        ({"validity_hours": {"daily": "always"}}, "validity_hours.daily"),
        ({"validity_hours": {"daily": [PERIOD] * 51}}, "validity_hours.daily"),
        ({"validity_hours": {"daily": ["always"]}}, "validity_hours.daily[0]"),
        ({"validity_hours": {"daily": [{**PERIOD, "days_of_week": []}]}}, "validity_hours.daily[0].days_of_week"),
        ({"validity_hours": {"daily": [{**PERIOD, "days_of_week": [9]}]}}, "validity_hours.daily[0].days_of_week[0]"),
        ({"validity_hours": {"daily": [{**PERIOD, "start_time": "9:00"}]}}, "validity_hours.daily[0].start_time"),
        ({"validity_hours": {"daily": [{**PERIOD, "start_time": "24:01"}]}}, "validity_hours.daily[0].start_time"),
        (
            {"validity_hours": {"daily": [{**PERIOD, "expiration_time": "08:00"}]}},
            "validity_hours.daily[0].expiration_time",
        ),
        (
            {"validity_hours": {"daily": [PERIOD, {**PERIOD, "start_time": "11:59", "expiration_time": "13:00"}]}},
            "validity_hours.daily[1]",
        ),
        ({"validity_hours": {"daily": [PERIOD]}, "validity_day_of_week": [1]}, "validity_hours"),
        (
            {
                "start_date": "2026-11-27T00:00:00Z",
                "validity_hours": {"daily": [PERIOD]},
                "validity_timeframe": {"interval": "P1D", "duration": "PT1H"},
            },
            "validity_hours",
        ),
    ],
)
def test_a_time_limit_that_means_nothing_is_refused_with_its_path(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidValidity) as refusal:
        parse_validity(fields)

    assert refusal.value.path == path
    assert refusal.value.message


def test_periods_that_touch_or_lie_on_other_days_do_not_overlap() -> None:
    validity = parse_validity(
        {
            "validity_hours": {
                "daily": [
                    PERIOD,
                    {**PERIOD, "start_time": "12:00", "expiration_time": "00:00"},
                    {**PERIOD, "days_of_week": [2]},
                ]
            }
        }
    )

    assert [hours.end_minute for hours in validity.hours] == [720, 1440, 720]


def test_an_instant_is_spoken_in_the_project_zone() -> None:
    assert spoken(datetime(2026, 11, 26, 23, tzinfo=UTC), BERLIN) == "Friday 27 November 2026 00:00 Europe/Berlin"
