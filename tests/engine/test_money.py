import json
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from app.engine.money import LARGEST_INTEGER, Amount, Percent, Rounding, percent_of, round_minor

amounts = st.integers(0, LARGEST_INTEGER)
percents = st.integers(1, 10_000).map(lambda hundredths: Decimal(hundredths).scaleb(-2))
DECIMAL_ROUNDING = {"half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN, "down": ROUND_DOWN}


class Price(BaseModel):
    amount: Amount = 0
    percent: Percent = Decimal(1)


@pytest.mark.parametrize(
    ("value", "rounding", "expected"),
    [
        ("0.5", "half_up", 1),
        ("0.5", "half_even", 0),
        ("1.5", "half_even", 2),
        ("0.5", "down", 0),
        ("0.4999999999999999999999999999999", "half_up", 0),
        ("499.75", "half_up", 500),
        ("499.75", "down", 499),
        ("-0.5", "half_up", -1),
        ("-1.5", "down", -1),
    ],
)
def test_parts_of_a_minor_unit_are_rounded_as_the_project_says(value: str, rounding: Rounding, expected: int) -> None:
    assert round_minor(Decimal(value), rounding) == expected


def test_25_percent_of_19_99_is_5_00() -> None:
    assert percent_of(1999, Decimal(25)) == 500


@given(amounts, percents, st.sampled_from(["half_up", "half_even", "down"]))
def test_a_percentage_agrees_with_decimal_arithmetic_of_unlimited_precision(
    base_amount: int, percent: Decimal, rounding: Rounding
) -> None:
    wide = Context(prec=60)
    expected = wide.divide(wide.multiply(Decimal(base_amount), percent), Decimal(100))

    assert percent_of(base_amount, percent, rounding) == int(
        expected.quantize(Decimal(1), rounding=DECIMAL_ROUNDING[rounding], context=wide)
    )


@given(amounts, st.sampled_from(["half_up", "half_even", "down"]))
def test_100_percent_is_everything(base_amount: int, rounding: Rounding) -> None:
    assert percent_of(base_amount, Decimal(100), rounding) == base_amount


@pytest.mark.parametrize("given_amount", [100, 100.0, "100", "100.0", Decimal("100.00")])
def test_a_whole_amount_is_read_whatever_its_notation(given_amount: object) -> None:
    price = Price.model_validate({"amount": given_amount})

    assert price.amount == 100
    assert type(price.amount) is int


@pytest.mark.parametrize(
    "given_amount",
    [
        10.5,
        "10.5",
        -1,
        "-1",
        float("nan"),
        float("inf"),
        "NaN",
        2**63,
        1e30,
        "1e400",
        "1e99999999",
        True,
        "ten",
        [],
        {},
    ],
)
def test_an_amount_that_is_no_count_of_minor_units_is_refused(given_amount: object) -> None:
    with pytest.raises(ValidationError):
        Price.model_validate({"amount": given_amount})


@pytest.mark.parametrize(
    "given_percent", [0, -1, 100.01, 33.333, float("nan"), float("inf"), "NaN", True, "half", None]
)
def test_a_percentage_outside_its_range_or_finer_than_two_decimals_is_refused(given_percent: object) -> None:
    with pytest.raises(ValidationError):
        Price.model_validate({"percent": given_percent})


@given(percents)
def test_a_percentage_survives_the_trip_to_json_and_back(percent: Decimal) -> None:
    written = json.loads(Price(percent=percent).model_dump_json())["percent"]

    assert Price.model_validate({"percent": written}).percent == percent
    assert isinstance(written, int) == (percent == int(percent))
