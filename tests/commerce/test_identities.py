"""Who buys, in normal forms and as keyed hashes."""

import secrets
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat

from app.access.callers import ProjectView
from app.access.project_settings import IdentityScopes, ProjectSettings
from app.commerce.customers.email import mailbox
from app.commerce.customers.identities import IdentityIn, buyer_of
from app.commerce.customers.phone import normal_phone
from app.engine.cart import Customer

names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=20)
dotted = st.lists(names, min_size=1, max_size=4).map(".".join)
tags = st.text("abcdefghijklmnopqrstuvwxyz0123456789+.-", max_size=12)
providers = st.sampled_from(["gmail.com", "googlemail.com", "proton.me", "pm.me", "protonmail.com"])
NUMBERS = [
    number
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    if (number := phonenumbers.example_number(region)) is not None
]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("Ada.Byron+shop@GMail.com", "adabyron@gmail.com"),
        ("ada.byron@googlemail.com", "adabyron@gmail.com"),
        ("ada.byron@pm.me", "adabyron@proton.me"),
        ("Ada.Byron+shop@example.com", "ada.byron@example.com"),
        ("+tag@example.com", "+tag@example.com"),
        ("no address", "no address"),
        ("  ", None),
    ],
)
def test_one_mailbox_is_one_person_however_it_is_spelled(address: str, expected: str | None) -> None:
    assert mailbox(address) == expected


@given(dotted, names, tags, st.booleans())
def test_neither_case_nor_plus_tag_makes_another_person(local: str, host: str, tag: str, loud: bool) -> None:
    address = f"{local}+{tag}@{host}.example"

    assert mailbox(address.upper() if loud else address) == mailbox(f"{local}@{host}.example")


@given(dotted, dotted, providers)
def test_dots_make_another_person_only_where_the_provider_knows_them(first: str, second: str, provider: str) -> None:
    is_same_without_dots = first.replace(".", "") == second.replace(".", "")

    assert (mailbox(f"{first}@{provider}") == mailbox(f"{second}@{provider}")) == is_same_without_dots
    assert (mailbox(f"{first}@shop.example") == mailbox(f"{second}@shop.example")) == (first == second)


@given(st.text(max_size=60))
def test_the_mailbox_of_a_mailbox_is_itself(text: str) -> None:
    once = mailbox(text)

    assert once is None or mailbox(once) == once


@given(st.sampled_from(NUMBERS), st.sampled_from([" ", "-", ".", "  "]))
def test_a_phone_number_is_the_same_however_it_is_written(number: phonenumbers.PhoneNumber, between: str) -> None:
    dial_code, expected = str(number.country_code), phonenumbers.format_number(number, PhoneNumberFormat.E164)
    abroad = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)

    assert normal_phone(expected) == expected
    assert normal_phone(abroad.replace(" ", between), dial_code) == expected
    assert normal_phone(f"00{expected[1:]}") == expected


@pytest.mark.parametrize(
    ("number", "dial_code", "expected"),
    [
        ("0170 123 45 67", "49", "+491701234567"),
        ("0170/1234567", "+49", "+491701234567"),
        ("(212) 555-2368", "1", "+12125552368"),
        ("0170 1234567", None, "01701234567"),  # whose country nobody knows
        ("1", "49", "1"),  # too short for a number of any country
        ("no phone", "49", None),
        ("", None, None),
    ],
)
def test_a_number_without_its_country_is_one_of_the_projects(
    number: str, dial_code: str | None, expected: str | None
) -> None:
    assert normal_phone(number, dial_code) == expected


@given(st.text(max_size=40), st.sampled_from([None, "49", "1", "999"]))
def test_any_text_has_a_normal_form_or_none(text: str, dial_code: str | None) -> None:
    normal = normal_phone(text, dial_code)

    assert normal is None or normal.removeprefix("+").isdigit()


def project(key: bytes = b"secret", **scopes: str) -> ProjectView:
    settings = ProjectSettings(dial_code="49", identity_scopes=IdentityScopes.model_validate(scopes))
    return ProjectView(1, "proj_1", ZoneInfo("UTC"), True, settings, identity_key=key)


def test_a_project_that_counts_accounts_alone_pays_for_no_hash() -> None:
    assert buyer_of(project(), IdentityIn(device="phone-7"), Customer(id="cust_1", email="ada@example.com")) is None


def test_the_request_says_who_buys_before_the_customers_row_does() -> None:
    kept = Customer(id="cust_1", email="ada@example.com", phone="0170 1234567")
    counting = project(email="allow", phone="allow")

    said = buyer_of(counting, IdentityIn(email="Grace@example.com"), kept)
    as_kept = buyer_of(counting, None, kept)

    assert said is not None
    assert as_kept is not None
    assert said.subjects[0] == as_kept.subjects[0] == "customer:cust_1"
    assert said.subjects[1] != as_kept.subjects[1]
    assert said.subjects[2] == as_kept.subjects[2]
    assert as_kept == buyer_of(counting, IdentityIn(email="ADA+1@example.com", phone="+49 170 1234567"), kept)


def test_hashes_say_nothing_without_the_secret_of_the_project() -> None:
    given = IdentityIn(email="ada@example.com", device="x", payment="x")
    scopes = {"account": "off", "email": "allow", "device": "allow", "payment": "allow"}

    ours = buyer_of(project(**scopes), given, None)
    theirs = buyer_of(project(secrets.token_bytes(32), **scopes), given, None)

    assert ours is not None
    assert theirs is not None
    assert set(ours.subjects).isdisjoint(theirs.subjects)
    hashes = [subject.partition(":")[2] for subject in ours.subjects]
    assert len(set(hashes)) == 3  # one text under two scopes is not one person
    assert all(len(each) == 32 for each in hashes)
    assert "ada" not in str(ours)
