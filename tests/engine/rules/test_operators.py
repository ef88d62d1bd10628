from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.rules.operators import ORDERINGS
from app.engine.rules.values import json_key, number_of
from tests.engine.rules.subjects import CART, ask, rule, subject


def holds(value: Any, operator: str, *expected: Any, now: datetime | None = None) -> bool:
    """Whether order metadata with this value passes."""
    cart = replace(CART, metadata={"key": value}, now=now or CART.now)
    outcome = ask(subject(cart), rule("order.metadata", operator, *expected, property="key"))
    explained = ask(subject(cart), rule("order.metadata", operator, *expected, property="key"), explain=True)
    assert outcome.holds == explained.holds
    return outcome.holds


@pytest.mark.parametrize(
    ("operator", "below", "at", "above"),
    [
        ("$is", False, True, False),
        ("$in", False, True, False),
        ("$is_not", True, False, True),
        ("$not_in", True, False, True),
        ("$less_than", True, False, False),
        ("$less_than_or_equal", True, True, False),
        ("$more_than", False, False, True),
        ("$more_than_or_equal", False, True, True),
        ("$greater_than", False, False, True),
        ("$greater_than_or_equal", False, True, True),
    ],
)
def test_numbers_compare_as_numbers(operator: str, below: bool, at: bool, above: bool) -> None:
    for written in (10, "10", 10.0):
        assert (holds(9, operator, written), holds(10, operator, written), holds(11, operator, written)) == (
            (below, at, above)
        )
        amounts = [ask(subject(replace(CART, amount=n)), rule("order.amount", operator, written)) for n in (9, 10, 11)]
        assert [outcome.holds for outcome in amounts] == [below, at, above]


def test_nine_is_not_more_than_ten_as_it_would_be_as_text() -> None:
    assert not holds(9, "$more_than", "10")
    assert holds(100, "$more_than", "20")


@pytest.mark.parametrize("value", ["25", True, None, [25], {"a": 25}, "text"])
@pytest.mark.parametrize("operator", list(ORDERINGS))
def test_what_is_not_a_number_is_neither_more_nor_less(value: Any, operator: str) -> None:
    assert not holds(value, operator, 20)


def test_fractions_compare_exactly() -> None:
    assert holds(0.1, "$is", "0.1")
    assert holds(0.1, "$less_than_or_equal", 0.1)
    assert holds(0.30000000000000004, "$more_than", "0.3")


@pytest.mark.parametrize(
    ("value", "expected", "equal"),
    [
        (1, 1, True),
        (1.0, 1, True),
        (1, True, False),
        (True, 1, False),
        (True, True, True),
        (True, "TRUE", True),
        (False, "true", False),
        ("true", True, False),
        (10, "10", True),
        ("10", 10, False),
        ("10", "10", True),
        ("ten", "TEN", False),
        ({"a": [1, {"b": None}]}, {"a": [1.0, {"b": 2}]}, False),
        ({"a": [1, {"b": 2}]}, {"a": [1.0, {"b": 2}]}, True),
        ([1, 2], 2, True),
        ([1, 2], [1, 2], True),
        ([1, 2], "1", True),
        ([], 1, False),
    ],
)
def test_json_values_are_equal_only_to_their_own_kind(value: Any, expected: Any, equal: bool) -> None:
    assert holds(value, "$is", expected) == equal
    assert holds(value, "$in", "something else", expected) == equal
    assert holds(value, "$is_not", expected) != equal
    assert holds(value, "$not_in", "something else", expected) != equal


@pytest.mark.parametrize("operator", ["$is_not", "$not_in", "$not_intersect"])
def test_what_is_absent_differs_from_everything(operator: str) -> None:
    assert ask(subject(), rule("order.metadata", operator, "x", property="absent")).holds
    assert holds(None, operator, "x")


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        *(("$is", "x"), ("$in", "x"), ("$less_than", 1), ("$more_than_or_equal", 1), ("$starts_with", "x")),
        *(("$ends_with", "x"), ("$contains", "x"), ("$count", 0), ("$count_less", 5), ("$count_more", 0)),
        *(("$not_differ", "x"), ("$after", "2026-01-01"), ("$before", "2026-01-01"), ("$is_days_ago", 0)),
        *(("$more_than_ago", 0), ("$less_than_ago", 9), ("$is_days_in_future", 0), ("$more_than_future", 0)),
        *(("$less_than_future", 9), ("$dow", 0), ("$timeframe", "2026-01-01;P1D;P1D")),
        *(("$timeframe_absolute", "2026-01-01;2027-01-01"), ("$timeframe_daily_hours", "00:00;24:00")),
    ],
)
def test_nothing_can_be_said_of_what_is_absent(operator: str, expected: Any) -> None:
    outcome = ask(subject(), rule("customer.metadata", operator, expected, property="absent"), explain=True)

    assert not outcome.holds
    assert outcome.error_key == "customer_rules_violated"


def test_text_operators_ask_for_any_of_their_values() -> None:
    assert holds("spring-24", "$starts_with", "autumn", "spring")
    assert not holds("spring-24", "$starts_with", "SPRING")
    assert holds("spring-24", "$ends_with", "-24")
    assert holds("spring-24", "$contains", "ring")
    assert holds(["a", "b"], "$contains", "b")
    assert not holds(["ab"], "$contains", "b")
    assert not holds(24, "$contains", "2")
    assert not holds(24, "$starts_with", "2")


def test_lists_are_counted() -> None:
    assert holds([1, 2, 3], "$count", 2, 3)
    assert holds([1, 2, 3], "$count_more", 2)
    assert not holds([1, 2, 3], "$count_more", 3)
    assert holds([1, 2, 3], "$count_less", 4)
    assert holds([], "$count", 0)
    assert not holds("abc", "$count", 3)


def test_lists_are_compared_as_sets() -> None:
    assert holds(["a", "b", "a"], "$not_differ", "b", "a")
    assert not holds(["a"], "$not_differ", "a", "b")
    assert not holds(["a", "b", "c"], "$not_differ", "a", "b")
    assert holds([1, 2], "$not_differ", "1", 2)
    assert holds(["a"], "$not_intersect", "b", "c")
    assert not holds(["a", "b"], "$not_intersect", "b", "c")


def test_segments_are_a_set() -> None:
    def in_segment(operator: str, *expected: Any) -> bool:
        return ask(subject(), rule("customer.segment", operator, *expected)).holds

    assert in_segment("$in", "seg_old", "seg_vip")
    assert not in_segment("$not_in", "seg_old", "seg_vip")
    assert in_segment("$is_not", "seg_old")
    assert in_segment("$not_intersect", "seg_old")
    assert in_segment("$not_differ", "seg_new", "seg_vip")
    assert not in_segment("$not_differ", "seg_vip")
    assert in_segment("$count", 2)
    assert in_segment("$count_more", 1)
    assert not in_segment("$count_less", 2)


@pytest.mark.parametrize(
    ("value", "bound", "after", "before"),
    [
        ("2026-11-22", "2026-11-21", True, False),
        ("2026-11-21", "2026-11-21", False, False),
        ("2026-11-21T23:59:59+01:00", "2026-11-21", False, False),
        ("2026-11-21T23:30:00Z", "2026-11-21", True, False),  # in Berlin it is the 22nd already
        ("2026-11-21T10:00:01Z", "2026-11-21T11:00:00+01:00", True, False),
        ("2026-11-21T11:00:00", "2026-11-21T10:00:00Z", False, False),  # without an offset it is local time
        ("2026-11-20", "2026-11-21T10:00:00Z", False, True),
        ("not a date", "2026-11-21", False, False),
        ("2026-02-30", "2026-01-01", False, False),
        (20261122, "2026-11-21", False, False),
    ],
)
def test_dates_lie_after_and_before(value: Any, bound: str, after: bool, before: bool) -> None:
    assert holds(value, "$after", bound) == after
    assert holds(value, "$before", bound) == before


@pytest.mark.parametrize(
    ("operator", "days", "holding"),
    [
        ("$is_days_ago", 3, ["2026-11-18", "2026-11-18T00:00:00+01:00", "2026-11-18T23:59:59+01:00"]),
        ("$more_than_ago", 3, ["2026-11-17", "2020-01-01"]),
        ("$less_than_ago", 3, ["2026-11-19", "2026-11-21"]),
        ("$is_days_in_future", 3, ["2026-11-24"]),
        ("$more_than_future", 3, ["2026-11-25"]),
        ("$less_than_future", 3, ["2026-11-21", "2026-11-23"]),
    ],
)
def test_days_ago_and_ahead_are_calendar_days_in_the_project_zone(operator: str, days: int, holding: list[str]) -> None:
    near = [f"2026-11-{day}" for day in range(16, 27)]

    assert [value for value in near if holds(value, operator, days)] == [v for v in near if v in _days(operator, days)]
    assert all(holds(value, operator, str(days)) for value in holding)


def _days(operator: str, days: int) -> list[str]:
    """What a reader would tick in a calendar on 21 November."""
    today = 21
    ticks = {
        "$is_days_ago": [today - days],
        "$more_than_ago": range(16, today - days),
        "$less_than_ago": range(today - days + 1, today + 1),
        "$is_days_in_future": [today + days],
        "$more_than_future": range(today + days + 1, 27),
        "$less_than_future": range(today, today + days),
    }
    return [f"2026-11-{day}" for day in ticks[operator]]


def test_just_after_midnight_in_the_project_zone_yesterday_is_a_day_ago() -> None:
    just_after_midnight = datetime(2026, 11, 20, 23, 1, tzinfo=UTC)

    assert holds("2026-11-20T22:59:00Z", "$is_days_ago", 1, now=just_after_midnight)
    assert holds("2026-11-20T23:00:00Z", "$is_days_ago", 0, now=just_after_midnight)


def test_time_frames_recur_from_their_start() -> None:
    fridays = "2026-11-06T18:00:00+01:00;P7D;PT4H"

    assert holds("2026-11-27T18:00:00+01:00", "$timeframe", fridays)
    assert holds("2026-11-27T21:59:59+01:00", "$timeframe", "2026-01-01;P1D;PT1S", fridays)
    assert not holds("2026-11-27T22:00:00+01:00", "$timeframe", fridays)
    assert not holds("2026-10-30T18:00:00+01:00", "$timeframe", fridays)
    assert holds("2026-04-03T18:30:00+02:00", "$timeframe", "2026-01-02T18:00:00;P7D;PT1H")  # summer time


def test_a_span_that_ends_on_a_day_includes_that_day() -> None:
    assert holds("2026-12-06T23:59:59+01:00", "$timeframe_absolute", "2026-12-01;2026-12-06")
    assert not holds("2026-12-07", "$timeframe_absolute", "2026-12-01;2026-12-06")
    assert not holds("2026-11-30T23:59:59+01:00", "$timeframe_absolute", "2026-12-01;2026-12-06")
    assert not holds("2026-12-06T12:00:00Z", "$timeframe_absolute", "2026-12-01;2026-12-06T12:00:00Z")


def test_daily_hours_are_local_on_the_days_named() -> None:
    tuesday_and_wednesday = "18:00;20:01;2,3"

    assert holds("2026-11-24T18:00:00+01:00", "$timeframe_daily_hours", tuesday_and_wednesday)
    assert holds("2026-11-24T19:00:59Z", "$timeframe_daily_hours", tuesday_and_wednesday)
    assert not holds("2026-11-24T20:01:00+01:00", "$timeframe_daily_hours", tuesday_and_wednesday)
    assert not holds("2026-11-26T18:30:00+01:00", "$timeframe_daily_hours", tuesday_and_wednesday)
    assert holds("2026-11-26T18:30:00+01:00", "$timeframe_daily_hours", "18:00;00:00")


def test_days_of_the_week_start_on_sunday() -> None:
    assert holds("2026-11-22", "$dow", 0)
    assert holds("2026-11-21", "$dow", 1, "6")
    assert not holds("2026-11-21", "$dow", 0, 1)


@pytest.mark.parametrize("operator", ["$after", "$before", "$is_days_ago", "$timeframe_absolute", "$dow"])
def test_the_ends_of_the_calendar_are_no_reason_to_break(operator: str) -> None:
    expected: Any = {"$is_days_ago": 1, "$dow": 5, "$timeframe_absolute": "0001-01-01;9999-12-31"}
    for value in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "0001-01-01", "9999-12-31"):
        holds(value, operator, expected.get(operator, "9999-12-31T23:59:59-14:00"))
        ask(subject(replace(CART, metadata={"key": value})), rule("order.metadata", "$more_than_ago", 100_000,
            property="key"), explain=True)  # fmt: skip


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(json_values)
def test_keys_of_json_values_can_always_be_made_and_are_equal_to_themselves(value: Any) -> None:
    assert json_key(value) == json_key(value)
    assert hash(json_key(value)) == hash(json_key(value))


@given(json_values, json_values)
def test_is_and_is_not_never_agree(value: Any, expected: Any) -> None:
    try:
        positive = holds(value, "$is", expected)
    except ValueError:
        return

    assert positive != holds(value, "$is_not", expected)


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**60), 2**60))
def test_a_number_read_from_a_float_orders_like_the_float(value: float, bound: int) -> None:
    number = number_of(value)

    assert number is not None
    assert (number < bound) == (value < bound)
    assert number_of(float("nan")) is None
    assert number_of(float("inf")) is None
