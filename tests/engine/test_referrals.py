"""The states of a referral, and who gets what for which referee."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.referrals import (
    NEXT,
    STATUSES,
    Level,
    Limits,
    OnMetadata,
    Person,
    Program,
    Reward,
    came_from,
    may_become,
    qualified_accounts,
    qualifying_postings,
)

BERLIN = ZoneInfo("Europe/Berlin")
CASH = Reward(type="CASH", amount=500)


def test_a_final_state_is_left_by_nothing() -> None:
    assert [status for status in STATUSES if not NEXT[status]] == ["REWARDED", "REJECTED"]


def test_every_state_but_the_first_is_reached_from_another_and_none_from_itself() -> None:
    assert [status for status in STATUSES if not came_from(status)] == ["INVITED"]
    assert not any(may_become(status, status) for status in STATUSES)


def test_no_way_through_the_states_comes_back() -> None:
    def reached(status: str) -> set[str]:
        return {later for step in NEXT[status] for later in (step, *reached(step))}  # type: ignore[index]

    assert not any(status in reached(status) for status in STATUSES)


def test_a_referral_is_rewarded_only_after_it_qualified() -> None:
    assert came_from("REWARDED") == ("QUALIFIED", "COOLING")


@pytest.mark.parametrize(
    ("level", "rewarded"),
    [
        (Level(reward=CASH), [1, 2, 3, 4, 5]),
        (Level(reward=CASH, from_referees=3), [3, 4, 5]),
        (Level(reward=CASH, from_referees=2, to_referees=4), [2, 3, 4]),
        (Level(reward=CASH, from_referees=3, once=True), [3]),
    ],
)
def test_a_level_rewards_the_referees_between_its_bounds(level: Level, rewarded: list[int]) -> None:
    assert [position for position in range(1, 6) if level.rewards(position)] == rewarded


@given(st.integers(1, 50), st.integers(0, 50), st.integers(1, 100))
def test_levels_that_follow_one_another_reward_every_referee_once(start: int, width: int, position: int) -> None:
    program = Program(
        referrer_levels=(
            Level(reward=CASH, to_referees=start),
            Level(reward=CASH, from_referees=start + 1, to_referees=start + 1 + width),
            Level(reward=CASH, from_referees=start + 2 + width),
        )
    )

    assert program.rewards_for(position) == (("referrer", CASH),)


def test_the_referee_is_rewarded_whatever_the_number() -> None:
    program = Program(referee_rewards=(CASH,), referrer_levels=(Level(reward=CASH, from_referees=9),))

    assert program.rewards_for(1) == (("referee", CASH),)


def test_days_of_cooling_off_are_days_of_the_calendar() -> None:
    bought_at = datetime(2026, 10, 20, 10, tzinfo=UTC)  # clocks go back on the 25th

    assert Program(cooling_off="P14D").cools_until(bought_at, BERLIN) == datetime(2026, 11, 3, 11, tzinfo=UTC)
    assert Program().cools_until(bought_at, BERLIN) is None


def test_a_referee_converts_in_time_until_the_very_end() -> None:
    program, attributed_at = Program(converts_within="P30D"), datetime(2026, 11, 1, tzinfo=UTC)

    assert not program.is_too_late(attributed_at, datetime(2026, 11, 30, 23, 59, tzinfo=UTC), BERLIN)
    assert program.is_too_late(attributed_at, datetime(2026, 12, 1, tzinfo=UTC), BERLIN)


@pytest.mark.parametrize(
    ("value", "metadata", "holds"),
    [
        (True, {"verified": True}, True),
        (True, {"verified": 1}, False),
        (1, {"verified": True}, False),
        ("yes", {"verified": "yes"}, True),
        ("yes", {}, False),
        (None, {"verified": "whatever"}, True),
        (None, {"verified": None}, False),
    ],
)
def test_metadata_convert_when_they_say_just_that(value: object, metadata: dict[str, object], holds: bool) -> None:
    assert OnMetadata.model_validate({"key": "verified", "value": value}).holds(metadata) is holds


def test_each_limit_is_the_floor_of_the_account_that_counts_it() -> None:
    accounts = qualified_accounts("camp_1", "cust_1", datetime(2026, 10, 31, 23, 30, tzinfo=UTC), BERLIN)

    postings = qualifying_postings(accounts, Limits(referees=9, per_referrer=5, per_referrer_monthly=2))

    assert [(posting.account.subject, posting.account.period, posting.floor) for posting in postings] == [
        ("", "", -9),
        ("customer:cust_1", "", -5),
        ("customer:cust_1", "2026-11", -2),
    ]


def test_two_people_are_one_when_they_share_any_name() -> None:
    ada, guest = Person.known_as("cust_1", ["email:aa", "device:bb"]), Person.known_as("cust_2", ["email:aa"])
    other = Person.known_as("cust_3", ["email:cc"])

    assert ada.is_same(guest)
    assert ada.is_same(ada)
    assert not ada.is_same(other)
