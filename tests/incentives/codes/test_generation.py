import string
from collections import Counter
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.incentives.codes.errors import InvalidCodeConfig
from app.incentives.codes.generation import SMALL_CAPACITY, draws, generate
from app.incentives.codes.guessing import refuse_overflow, refuse_weakness, weakness_of
from app.incentives.codes.normal_form import normalise
from app.incentives.codes.shapes import CodeShape, code_config_of, shape_of

CHARACTERS = string.ascii_letters + string.digits + "äöüßçñ€ЖЯ漢-_"
charsets = st.text(CHARACTERS, min_size=1, max_size=60)
fixed = st.text(string.ascii_letters + "-äЖ", max_size=5)


@st.composite
def shapes(draw: st.DrawFn) -> CodeShape:
    config: dict[str, object] = {
        "charset": draw(charsets.map(lambda text: text.replace("ß", ""))) or "x",
        "prefix": draw(fixed),
    }
    if draw(st.booleans()):
        parts = draw(st.lists(st.sampled_from(["#", "##", "-", "A"]), max_size=6))
        config["pattern"] = "".join([*parts, "#"])
    else:
        config["length"] = draw(st.integers(1, 20))
    config["postfix"] = draw(fixed)
    return shape_of(config, draw(st.booleans()))


@given(shapes(), st.integers(0, 50))
def test_every_code_has_the_shape_that_was_asked_for(shape: CodeShape, count: int) -> None:
    codes = generate(shape, count)

    assert len(codes) == count
    for code in codes:
        assert len(code) == len(shape.template)
        for position, character in enumerate(code):
            allowed = shape.charset if position in shape.holes else shape.template[position]
            assert character in allowed


@given(charsets, st.integers(1, 4), st.booleans())
@settings(max_examples=60)
def test_capacity_is_the_number_of_codes_that_are_different_when_compared(
    charset: str, length: int, case_sensitive: bool
) -> None:
    charset = charset.replace("ß", "")[:7] or "x"
    shape = shape_of({"charset": charset, "length": length}, case_sensitive)

    texts = product(charset, repeat=length)
    different = {normalise("".join(characters), case_sensitive) for characters in texts}

    assert shape.capacity == len(different)


def test_upper_and_lower_case_count_once_where_case_is_ignored() -> None:
    config = code_config_of({"length": 2})

    assert shape_of(config, True).capacity == 62**2
    assert shape_of(config, False).capacity == 36**2


@pytest.mark.parametrize("charset", ["abc", string.digits, string.ascii_letters + string.digits, "äöü€漢"])
def test_no_character_is_likelier_than_another(charset: str) -> None:
    count, length = 20_000, 10
    expected = count * length / len(charset)

    seen = Counter("".join(generate(shape_of({"charset": charset, "length": length}, True), count)))

    # Chi-square: mean `freedom`, standard deviation sqrt(2 freedom). Seven of those are exceeded once in 10^9 runs;
    # the bias of "byte modulo 62" would add more than 3,000.
    freedom = len(charset) - 1
    chi_square = sum((seen[character] - expected) ** 2 / expected for character in charset)
    assert chi_square < freedom + 7 * (2 * freedom) ** 0.5 + 20


def test_a_source_of_few_codes_gives_each_of_them_once() -> None:
    source = draws(shape_of({"pattern": "A-##", "charset": "01234"}, True))

    codes = [*source.take(20), *source.take(20)]

    assert sorted(codes) == sorted(f"A-{first}{second}" for first in "01234" for second in "01234")
    assert source.take(5) == []


def test_a_source_of_many_codes_gives_none_twice_at_a_time() -> None:
    shape = shape_of({"charset": "0123456789", "length": 6}, True)

    codes = draws(shape).take(50_000)

    assert shape.capacity > SMALL_CAPACITY
    assert len(set(codes)) == len(codes) > 48_000


def test_the_pattern_overrides_the_length_and_stands_between_prefix_and_postfix() -> None:
    shape = shape_of(code_config_of({"pattern": "##/##", "length": 9, "prefix": "A#-", "postfix": "!"}), True)

    (code,) = generate(shape, 1)

    assert shape.capacity == 62**4
    assert code.startswith("A#-")
    assert code[5] == "/"
    assert code.endswith("!")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"length": 0}, "from 1 to"),
        ({"length": 256}, "from 1 to"),
        ({"length": 2.5}, "whole number"),
        ({"pattern": "SPRING"}, "at least one #"),
        ({"charset": "ab c"}, "white space"),
        ({"charset": "a\u0301b"}, "white space or control|merge"),
        ({"charset": "".join(map(chr, range(0x4E00, 0x4F80)))}, "at most 256"),
        ({"prefix": " A"}, "white space"),
        ({"prefix": "x" * 250, "length": 10}, "longer than"),
        ({"prefix": 7}, "must be a text"),
    ],
)
def test_a_code_config_that_makes_no_sense_is_refused_with_a_sentence(config: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidCodeConfig, match=said):
        shape_of(config, True)


def test_ten_codes_do_not_fit_where_three_are_possible() -> None:
    shape = shape_of({"pattern": "X#", "charset": "123"}, True)

    with pytest.raises(InvalidCodeConfig, match=r"10 codes were asked for, but of the 3 possible .* only 3 are free"):
        refuse_overflow(shape, 10, 0)
    refuse_overflow(shape, 3, 0)
    with pytest.raises(InvalidCodeConfig, match="only 1 are free"):
        refuse_overflow(shape, 2, 2)


def test_capacity_is_counted_beyond_64_bits() -> None:
    shape = shape_of({"length": 100}, True)

    refuse_overflow(shape, 2**63 - 1, 2**63)
    assert shape.capacity == 62**100


def test_codes_that_hold_value_are_refused_when_guessing_pays() -> None:
    weak = shape_of({"length": 4, "charset": string.digits}, True)

    with pytest.raises(InvalidCodeConfig, match="about one guess in 10 hits"):
        refuse_weakness(weak, 1000, holds_value=True, policy="refuse")
    assert refuse_weakness(weak, 1000, holds_value=True, policy="warn") != []
    assert refuse_weakness(weak, 1000, holds_value=False, policy="refuse") == [weakness_of(weak, 1000)]
    assert refuse_weakness(shape_of({}, True), 1_000_000, holds_value=True, policy="refuse") == []
