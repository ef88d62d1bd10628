import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.incentives.codes.normal_form import MAX_LENGTH, normalise, problem_of


@given(st.text(), st.booleans())
def test_normalising_twice_is_the_same_as_once(text: str, case_sensitive: bool) -> None:
    once = normalise(text, case_sensitive)

    assert normalise(once, case_sensitive) == once


@pytest.mark.parametrize("case_sensitive", [True, False])
def test_every_single_character_has_a_stable_normal_form(case_sensitive: bool) -> None:
    characters = map(chr, [*range(0xD800), *range(0xE000, 0x110000)])

    unstable = [
        character
        for character in characters
        if normalise(normalise(character, case_sensitive), case_sensitive) != normalise(character, case_sensitive)
    ]

    assert unstable == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SPRING-7k", "spring-7K"),
        ("STRASSE", "straße"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("\uff21\uff22\uff23\uff11\uff12", "abc12"),
        ("CAFE\u0301", "café"),
    ],
)
def test_codes_that_differ_only_in_case_or_form_are_the_same_code(one: str, other: str) -> None:
    assert normalise(one, False) == normalise(other, False)


def test_a_project_that_tells_case_apart_keeps_it() -> None:
    assert normalise("Spring", True) != normalise("spring", True)
    assert normalise("é", True) == normalise("e\u0301", True) == unicodedata.normalize("NFKC", "é")


@pytest.mark.parametrize(
    "code", ["", " ", " A", "A ", "A\nB", "A\x01B", "A\u2028B", "x" * (MAX_LENGTH + 1), "\ufdfa" * 30]
)
def test_a_text_that_cannot_be_stored_or_typed_is_no_code(code: str) -> None:
    assert problem_of(code) is not None


@pytest.mark.parametrize("code", ["A", "a/b", "10% off!", "#1", "спасибо", "x" * MAX_LENGTH])
def test_any_printable_text_is_a_code(code: str) -> None:
    assert problem_of(code) is None
