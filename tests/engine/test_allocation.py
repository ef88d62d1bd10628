import random
from fractions import Fraction
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from app.engine.allocation import allocate, allocate_within

amounts = st.integers(0, 10**12)
weight_lists = st.lists(st.integers(0, 10**9), min_size=1, max_size=20)


@given(amounts, weight_lists)
def test_the_parts_sum_to_the_whole(amount: int, weights: list[int]) -> None:
    assume(any(weights))

    assert sum(allocate(amount, weights)) == amount


@given(amounts, weight_lists)
def test_each_part_is_the_exact_share_rounded_up_or_down(amount: int, weights: list[int]) -> None:
    assume(any(weights))

    for part, weight in zip(allocate(amount, weights), weights, strict=True):
        assert abs(part - Fraction(amount * weight, sum(weights))) < 1


@given(amounts, weight_lists)
def test_a_heavier_weight_never_gets_less(amount: int, weights: list[int]) -> None:
    parts = allocate(amount, weights)

    by_weight = [part for _, part in sorted(zip(weights, parts, strict=True))]
    assert all(lighter <= heavier for lighter, heavier in pairwise(by_weight))


@given(amounts, weight_lists, st.randoms(use_true_random=False))
def test_the_order_of_the_weights_moves_parts_only_among_equal_weights(
    amount: int, weights: list[int], shuffler: random.Random
) -> None:
    shuffled = list(weights)
    shuffler.shuffle(shuffled)

    parts = allocate(amount, weights)
    shuffled_parts = allocate(amount, shuffled)

    # Two different weights may share a remainder, and then position decides who gets the odd unit; never more.
    for weight in set(weights):
        here = sum(part for part, own in zip(parts, weights, strict=True) if own == weight)
        there = sum(part for part, own in zip(shuffled_parts, shuffled, strict=True) if own == weight)
        assert abs(here - there) <= weights.count(weight)
    assert sum(parts) == sum(shuffled_parts)


@given(amounts, st.integers(1, 50))
def test_equal_weights_differ_by_one_unit_at_most_and_the_earlier_get_more(amount: int, count: int) -> None:
    parts = allocate(amount, [7] * count)

    assert parts == sorted(parts, reverse=True)
    assert parts[0] - parts[-1] <= 1


@given(weight_lists, st.integers(0, 100))
def test_no_part_exceeds_its_weight_while_the_amount_does_not_exceed_them_all(weights: list[int], percent: int) -> None:
    amount = sum(weights) * percent // 100

    assert all(part <= weight for part, weight in zip(allocate(amount, weights), weights, strict=True))


def test_10_00_over_three_lines_is_10_00() -> None:
    assert allocate(1000, [1, 1, 1]) == [334, 333, 333]


def test_a_zero_weight_gets_nothing() -> None:
    assert allocate(100, [0, 3, 0, 1]) == [0, 75, 0, 25]


def test_nobody_gets_anything_when_all_weights_are_zero() -> None:
    assert allocate(100, [0, 0]) == [0, 0]
    assert allocate(100, []) == []


@given(amounts, st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=20))
def test_within_limits_no_part_exceeds_its_limit_and_all_that_fits_is_given(
    amount: int, lines: list[tuple[int, int]]
) -> None:
    weights, limits = [weight for weight, _ in lines], [limit for _, limit in lines]

    parts = allocate_within(amount, weights, limits)

    assert all(part <= limit for part, limit in zip(parts, limits, strict=True))
    assert sum(parts) == min(amount, sum(limit for weight, limit in lines if weight))


def test_what_a_full_part_cannot_take_goes_to_the_others() -> None:
    assert allocate_within(900, [1, 1, 1], [100, 1000, 1000]) == [100, 400, 400]
