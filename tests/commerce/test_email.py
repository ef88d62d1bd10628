import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.commerce.customers.email import normal_email


@pytest.mark.parametrize(
    ("address", "normal"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        ("  ada@example.com\t", "ada@example.com"),
        ("\uff41\uff44\uff41@example.com", "ada@example.com"),  # full-width letters
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
        ("ada@bücher。example", "ada@xn--bcher-kva.example"),  # an ideographic full stop
        ("jürgen@example.com", "jürgen@example.com"),
        ("", None),
        ("   ", None),
    ],
)
def test_spellings_of_one_mailbox_have_one_normal_form(address: str, normal: str | None) -> None:
    assert normal_email(address) == normal


def test_a_domain_that_is_no_host_name_keeps_its_letters() -> None:
    assert normal_email("ada@BÜ CHER") == "ada@bü cher"


@given(st.text(max_size=60))
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    once = normal_email(text)

    assert once is None or normal_email(once) == once
