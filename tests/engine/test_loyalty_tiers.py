"""Which tier a member is in, from when and until when: by hand from the contract, and for any history of points."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from app.engine.loyalty_tiers import (
    BY_BALANCE,
    NOWHERE,
    ExpirationRounding,
    Gathered,
    PointsMapping,
    Spell,
    Standing,
    Tier,
    TiersExpiration,
    change_between,
    first_overlap,
    period_around,
    periods_that_count,
    stand,
    tier_of,
)

BERLIN = ZoneInfo("Europe/Berlin")
UTC_ZONE = ZoneInfo("UTC")
BRONZE, SILVER, GOLD = Tier("bronze", 0, 99), Tier("silver", 100, 499), Tier("gold", 500)
TIERS = (BRONZE, SILVER, GOLD)
NOW = datetime(2026, 5, 15, 12, tzinfo=UTC)


def at(month: int, day: int = 1, year: int = 2026, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


def rules(
    kind: str, ends: str, starts: str = "IMMEDIATE", period: str | None = "QUARTER", **more: Any
) -> TiersExpiration:
    return TiersExpiration.model_validate(
        {
            "qualification_type": kind,
            "qualification_period": period,
            "start_date": {"type": starts},
            "expiration_date": {"type": ends, **more},
        }
    )


def gathered(rule: TiersExpiration, now: datetime, points: dict[datetime, int] | int) -> list[Gathered]:
    """Points by the start of the period in which they were gathered, or a balance."""
    if isinstance(points, int):
        return [Gathered(points)]
    periods = periods_that_count(rule, now, UTC_ZONE)
    return [Gathered(points.get(starts_at, 0), starts_at, ends_at) for starts_at, ends_at in periods]


def stands(
    rule: TiersExpiration, points: dict[datetime, int] | int, now: datetime = NOW, before: Standing = NOWHERE
) -> Standing:
    return stand(before, TIERS, rule, gathered(rule, now, points), now, UTC_ZONE)


# Without rules: the tier of the balance.


@pytest.mark.parametrize(("points", "tier"), [(0, BRONZE), (99, BRONZE), (100, SILVER), (499, SILVER), (7000, GOLD)])
def test_a_program_that_says_nothing_has_members_in_the_tier_of_their_balance(points: int, tier: Tier) -> None:
    assert stands(BY_BALANCE, points) == Standing(Spell(tier, NOW))


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=8))
def test_after_any_balances_the_tier_is_that_of_the_last(balances: list[int]) -> None:
    standing = NOWHERE
    for hours, balance in enumerate(balances):
        standing = stands(BY_BALANCE, balance, NOW + timedelta(hours=hours), standing)

    assert standing.current is not None
    assert standing.current.tier == tier_of(TIERS, balances[-1])
    assert standing.due_at is None


def test_of_two_tiers_with_a_shared_boundary_the_higher_one_has_it() -> None:
    assert tier_of([Tier("low", 0, 100), Tier("high", 100, 200)], 100) == Tier("high", 100, 200)


def test_points_beyond_the_last_tier_leave_a_member_where_they_were() -> None:
    tiers = [Tier("low", 0, 100), Tier("high", 101, 200)]
    before = Standing(Spell(tiers[1], NOW - timedelta(days=1)))

    assert stand(before, tiers, BY_BALANCE, [Gathered(250)], NOW, BERLIN) == before
    assert stand(NOWHERE, tiers, BY_BALANCE, [Gathered(250)], NOW, BERLIN) == NOWHERE


@pytest.mark.parametrize(
    ("tiers", "overlap"),
    [
        (TIERS, None),
        ([Tier("a", 0, 100), Tier("b", 100)], None),
        ([Tier("b", 100), Tier("a", 0, 101)], ("a", "b")),
        ([Tier("a", 0), Tier("b", 100)], ("a", "b")),
        ([Tier("a", 5, 5), Tier("b", 5, 9)], ("a", "b")),
    ],
)
def test_tiers_for_the_same_points_are_found(tiers: list[Tier], overlap: tuple[str, str] | None) -> None:
    found = first_overlap(tiers)

    assert (found and (found[0].id, found[1].id)) == overlap


# By balance, with an expiration.


def test_a_tier_that_ends_with_the_balance_lasts_for_its_extension() -> None:
    rule = rules("BALANCE", "CUSTOM", period=None, extend="P1M", rounding={"type": "MONTH", "strategy": "END"})
    gold = Standing(Spell(GOLD, at(1)))

    dropped = stands(rule, 150, NOW, gold)
    a_week_later = stands(rule, 120, NOW + timedelta(days=7), dropped)
    over = stands(rule, 120, at(7), dropped)

    assert dropped == a_week_later == Standing(Spell(GOLD, at(1), at(7)))
    assert change_between(gold, dropped) == "expiration.changed"
    assert over == Standing(Spell(SILVER, at(7)))
    assert change_between(dropped, over) == "downgraded"


def test_a_balance_that_comes_back_in_time_keeps_the_tier() -> None:
    rule = rules("BALANCE", "BALANCE_DROP", period=None, extend="P7D")
    dropped = stands(rule, 150, NOW, Standing(Spell(GOLD, at(1))))

    back = stands(rule, 500, NOW + timedelta(days=2), dropped)

    assert back == Standing(Spell(GOLD, at(1)))
    assert change_between(dropped, back) == "prolonged"


def test_a_balance_secures_a_tier_until_the_end_of_the_period() -> None:
    rule = rules("BALANCE", "END_OF_PERIOD")

    reached = stands(rule, 500)
    spent = stands(rule, 0, NOW + timedelta(days=1), reached)
    next_quarter = stands(rule, 0, at(7), spent)

    assert reached == spent == Standing(Spell(GOLD, NOW, at(7)))
    assert next_quarter == Standing(Spell(BRONZE, at(7), at(10)))


def test_a_balance_that_is_still_there_at_the_end_of_the_period_prolongs_the_tier() -> None:
    rule = rules("BALANCE", "END_OF_PERIOD", starts="NEXT_PERIOD")
    before = Standing(Spell(GOLD, at(4), at(7)))

    after = stands(rule, 500, at(7), before)

    assert after == Standing(Spell(GOLD, at(4), at(1, year=2027)))
    assert change_between(before, after) == "prolonged"


# By points gathered in a period.


def test_points_of_a_period_are_worth_a_tier_until_its_end() -> None:
    rule = rules("POINTS_IN_PERIOD", "END_OF_PERIOD")

    reached = stands(rule, {at(4): 120})
    over = stands(rule, {at(4): 120}, at(7), reached)

    assert reached == Standing(Spell(SILVER, NOW, at(7)))
    assert over == Standing(Spell(BRONZE, at(7), at(10)))


def test_points_of_a_period_are_worth_a_tier_until_the_end_of_the_next_plus_an_extension() -> None:
    rule = rules("POINTS_IN_PERIOD", "END_OF_NEXT_PERIOD", extend="P10D")

    reached = stands(rule, {at(4): 600})

    assert reached == Standing(Spell(GOLD, NOW, at(10, 11)))


def test_a_tier_of_the_next_period_is_awaited() -> None:
    rule = rules("POINTS_IN_PERIOD", "END_OF_PERIOD", starts="NEXT_PERIOD")

    bronze = stands(rule, {})
    waiting = stands(rule, {at(4): 600}, NOW, bronze)
    there = stands(rule, {at(4): 600}, at(7), waiting)

    assert bronze == Standing(Spell(BRONZE, NOW, at(10)))
    assert waiting == Standing(bronze.current, Spell(GOLD, at(7), at(10)))
    assert (waiting.due_at, there.due_at) == (at(7), at(10))
    assert there == Standing(Spell(GOLD, at(7), at(10)))
    assert [change_between(*pair) for pair in ((NOWHERE, bronze), (bronze, waiting), (waiting, there))] == [
        "joined",
        None,
        "upgraded",
    ]


def test_a_tier_earned_again_is_prolonged_before_it_ends() -> None:
    rule = rules("POINTS_IN_PERIOD", "END_OF_PERIOD", starts="NEXT_PERIOD")
    before = Standing(Spell(GOLD, at(4), at(7)))

    after = stands(rule, {at(1): 600, at(4): 500}, NOW, before)

    assert after == Standing(Spell(GOLD, at(4), at(10)))
    assert change_between(before, after) == "prolonged"


def test_who_leaves_a_tier_falls_to_the_one_they_earned_meanwhile() -> None:
    rule = rules("POINTS_IN_PERIOD", "END_OF_NEXT_PERIOD")
    gold = stands(rule, {at(1): 600}, at(2))

    after = stands(rule, {at(1): 600, at(4): 200}, at(7), gold)

    assert gold == Standing(Spell(GOLD, at(2), at(7)))
    assert after.current is not None
    assert (after.current.tier, after.current.expires_at) == (SILVER, at(10))


def test_reversed_points_leave_a_secured_tier_alone() -> None:
    rule = rules("POINTS_IN_PERIOD", "END_OF_PERIOD")
    silver = stands(rule, {at(4): 120})

    assert stands(rule, {at(4): 20}, NOW + timedelta(days=1), silver) == silver


def test_reversed_points_end_a_tier_that_depends_on_them() -> None:
    rule = rules("POINTS_IN_PERIOD", "BALANCE_DROP")
    silver = stands(rule, {at(4): 120})

    after = stands(rule, {at(4): 20}, NOW + timedelta(days=1), silver)

    assert silver == Standing(Spell(SILVER, NOW, at(7)))
    assert after == Standing(Spell(BRONZE, NOW + timedelta(days=1), at(7)))


def test_periods_are_those_of_the_project_calendar() -> None:
    assert period_around(at(1, 1, hour=0) - timedelta(minutes=30), "YEAR", BERLIN) == (
        datetime(2025, 12, 31, 23, tzinfo=UTC),
        datetime(2026, 12, 31, 23, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        ({"type": "MONTH"}, at(6)),
        ({"type": "QUARTER", "strategy": "START"}, at(7)),
        ({"type": "HALF_YEAR"}, at(7)),
        ({"type": "YEAR"}, at(1, year=2027)),
        ({"type": "CUSTOM", "strategy": "START", "value": 0}, at(1, year=2027)),
        ({"type": "CUSTOM", "strategy": "END", "value": 0}, at(2, year=2027)),
        ({"type": "CUSTOM", "strategy": "END", "value": 11}, at(1, year=2027)),
        ({"type": "CUSTOM", "strategy": "END", "value": 4}, at(6)),
    ],
)
def test_an_end_is_rounded_forward(rounding: dict[str, Any], expected: datetime) -> None:
    rule = ExpirationRounding.model_validate(rounding)

    assert rule.applied(NOW, UTC_ZONE) == expected
    assert rule.applied(expected, UTC_ZONE) == expected


# Changed tiers.


def test_a_deleted_tier_is_left_for_what_the_points_are_worth() -> None:
    before = Standing(Spell(GOLD, at(1), at(7)))
    rule = rules("POINTS_IN_PERIOD", "END_OF_PERIOD")

    after = stand(before, [BRONZE, SILVER], rule, gathered(rule, NOW, {at(4): 600}), NOW, UTC_ZONE)
    nowhere = stand(before, [], rule, gathered(rule, NOW, {at(4): 600}), NOW, UTC_ZONE)

    assert (after, nowhere) == (NOWHERE, NOWHERE)
    assert change_between(before, nowhere) == "left"


def test_a_recalculation_that_may_not_lower_keeps_tiers_and_gives_higher_ones() -> None:
    before = Standing(Spell(SILVER, at(1)))

    kept = stand(before, TIERS, BY_BALANCE, [Gathered(10)], NOW, UTC_ZONE, may_lower=False)
    higher = stand(before, TIERS, BY_BALANCE, [Gathered(900)], NOW, UTC_ZONE, may_lower=False)

    assert kept == before
    assert higher == Standing(Spell(GOLD, NOW))


# Whatever the program says and whatever was gathered.

periods = st.sampled_from(["MONTH", "QUARTER", "HALF_YEAR", "YEAR"])
roundings = st.none() | st.builds(
    lambda type, strategy, value: {"type": type, "strategy": strategy, "value": value},
    st.sampled_from(["MONTH", "QUARTER", "HALF_YEAR", "YEAR", "CUSTOM"]),
    st.sampled_from(["START", "END"]),
    st.integers(0, 11),
)
all_rules = st.builds(
    lambda kind, ends, starts, period, extend, rounding: rules(
        kind, ends, starts, period, extend=extend, rounding=rounding
    ),
    st.sampled_from(["BALANCE", "POINTS_IN_PERIOD"]),
    st.sampled_from(["END_OF_PERIOD", "END_OF_NEXT_PERIOD", "BALANCE_DROP", "CUSTOM"]),
    st.sampled_from(["IMMEDIATE", "NEXT_PERIOD"]),
    periods,
    st.sampled_from([None, "P0D", "P5D", "P2M", "P1Y"]),
    roundings,
)
histories = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 700), st.dictionaries(st.integers(0, 40), st.integers(0, 700))),
    min_size=1,
    max_size=5,
)


def figures(rule: TiersExpiration, now: datetime, balance: int, by_period: dict[int, int]) -> list[Gathered]:
    bounds = periods_that_count(rule, now, BERLIN)
    return [Gathered(by_period.get(index, 0), *period) for index, period in enumerate(bounds)] or [Gathered(balance)]


@given(all_rules, histories)
def test_a_standing_is_sound_and_asking_again_changes_nothing(
    rule: TiersExpiration, history: list[tuple[int, int, dict[int, int]]]
) -> None:
    standing, now = NOWHERE, NOW
    for days, balance, by_period in history:
        now += timedelta(days=days)
        found = figures(rule, now, balance, by_period)

        after = stand(standing, TIERS, rule, found, now, BERLIN)

        assert stand(after, TIERS, rule, found, now, BERLIN) == after
        assert change_between(after, after) is None
        assert after.due_at is None or after.due_at > now
        if after.current is not None:
            assert after.current.starts_at <= now < after.current.ends_at
        if after.coming is not None:
            assert now < after.coming.starts_at < after.coming.ends_at
            assert after.current is None or after.coming.tier.from_points > after.current.tier.from_points
        was = standing.current
        if was is not None and was.ends_at > now and not rule.expiration_date.follows_points:
            assert after.current is not None
            assert after.current.tier.from_points >= was.tier.from_points
            assert after.current.tier != was.tier or after.current.ends_at >= was.ends_at
        standing = after


@given(all_rules, st.integers(0, 700), st.dictionaries(st.integers(0, 40), st.integers(0, 700)), st.integers(0, 200))
def test_more_points_are_never_worth_less(
    rule: TiersExpiration, balance: int, by_period: dict[int, int], more: int
) -> None:
    found = figures(rule, NOW, balance, by_period)
    better = [figure._replace(points=figure.points + more) for figure in found]

    first, second = (stand(NOWHERE, TIERS, rule, each, NOW, BERLIN) for each in (found, better))

    ranks = [
        max((spell.tier.from_points for spell in (standing.current, standing.coming) if spell is not None), default=-1)
        for standing in (first, second)
    ]
    assert ranks[0] <= ranks[1]


@given(all_rules, st.integers(0, 700), st.dictionaries(st.integers(0, 40), st.integers(0, 700)))
def test_what_may_not_lower_never_lowers(rule: TiersExpiration, balance: int, by_period: dict[int, int]) -> None:
    before = Standing(Spell(SILVER, NOW - timedelta(days=9), NOW + timedelta(days=9)))

    after = stand(before, TIERS, rule, figures(rule, NOW, balance, by_period), NOW, BERLIN, may_lower=False)

    assert after.current is not None
    assert after.current.tier in (SILVER, GOLD)
    assert after.current.ends_at >= NOW + timedelta(days=9) or after.current.tier == GOLD


# What a tier makes of points.

mapping: TypeAdapter[Any] = TypeAdapter(PointsMapping)


@pytest.mark.parametrize(
    ("definition", "points", "steps", "mapped"),
    [
        ({"type": "MULTIPLY", "multiplier": 2}, 10, 3, 60),
        ({"type": "MULTIPLY", "multiplier": 1.25}, 10, 1, 13),
        ({"type": "MULTIPLY", "multiplier": 1.1}, 5, 3, 17),
        ({"type": "CUSTOM", "points": 7}, 10, 3, 21),
        ({"type": "NOT_AVAILABLE"}, 10, 3, None),
    ],
)
def test_a_tier_maps_points(definition: dict[str, Any], points: int, steps: int, mapped: int | None) -> None:
    assert mapping.validate_python(definition).points(points, steps) == mapped


# What a program may not say.


@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        ({"qualification_type": "POINTS_IN_PERIOD"}, "needs qualification_period"),
        ({"qualification_type": "BALANCE", "expiration_date": {"type": "END_OF_PERIOD"}}, "needs qualification_period"),
        ({"qualification_type": "BALANCE", "start_date": {"type": "NEXT_PERIOD"}}, "needs qualification_period"),
        ({"qualification_type": "BALANCE", "expiration_date": {"type": "CUSTOM", "extend": "x"}}, "ISO 8601"),
        ({"qualification_type": "BALANCE", "expiration_date": {"type": "CUSTOM", "extend": "P6Y"}}, "at most 5 years"),
        (
            {"qualification_type": "BALANCE", "expiration_date": {"type": "CUSTOM", "rounding": {"type": "CUSTOM"}}},
            "needs value",
        ),
    ],
)
def test_rules_that_mean_nothing_are_refused(definition: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        TiersExpiration.model_validate(definition)
