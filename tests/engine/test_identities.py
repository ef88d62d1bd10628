"""Under what a limit per customer counts whoever buys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.cart import Customer
from app.engine.identities import SCOPES, Identities, IdentityScope, Unknown, identities_of
from app.engine.postings import AccountKey
from app.engine.rules import RuleSubject, parse_rule_set
from tests.engine.carts import BUYER, make_cart

POLICIES: dict[IdentityScope, Unknown] = dict.fromkeys(SCOPES, "off")
ONCE = parse_rule_set(
    {
        "rules": {
            "1": {"name": "redemption.count.per_customer", "conditions": {"$less_than_or_equal": [2]}, "rules": {}},
            "logic": "1",
        }
    }
)
BY_ACCOUNT, BY_EMAIL = (AccountKey("v_1", "uses", subject) for subject in ("customer:cust_1", "email:abc"))


def asked_by(identities: Identities | None, counts: dict[AccountKey, int] | None = None) -> RuleSubject:
    return RuleSubject(
        cart=make_cart(amount=1, customer=BUYER, identities=identities), object_id="v_1", counts=counts or {}
    )


def test_an_identity_that_is_off_is_not_looked_at() -> None:
    found = identities_of({**POLICIES, "email": "require"}, {"account": "cust_1", "email": "abc", "phone": "def"})

    assert found == Identities(("email:abc",))


@pytest.mark.parametrize(
    ("policy", "found"),
    [
        ("allow", Identities(("customer:cust_1",))),
        ("require", Identities(("customer:cust_1",), "email")),
        ("shared", Identities(("customer:cust_1", "email:unknown"))),
    ],
)
def test_what_becomes_of_an_unknown_identity_is_the_projects_choice(policy: Unknown, found: Identities) -> None:
    policies: dict[IdentityScope, Unknown] = {**POLICIES, "account": "require", "email": policy}

    assert identities_of(policies, {"account": "cust_1"}) == found


def test_a_newcomer_has_an_account_that_has_counted_nothing() -> None:
    policies: dict[IdentityScope, Unknown] = {**POLICIES, "account": "require", "email": "allow"}

    assert identities_of(policies, {"email": "abc"}, is_newcomer=True) == Identities(("email:abc",))


@given(
    st.fixed_dictionaries({scope: st.sampled_from(["off", "require", "allow", "shared"]) for scope in SCOPES}),
    st.dictionaries(st.sampled_from(SCOPES), st.text("abcdef", min_size=1)),
)
def test_every_scope_counts_at_most_once_and_what_is_off_never(
    policies: dict[IdentityScope, Unknown], known: dict[IdentityScope, str]
) -> None:
    found = identities_of(policies, known)

    kinds = [subject.partition(":")[0] for subject in found.subjects]
    assert len(kinds) == len(set(kinds)) <= sum(policy != "off" for policy in policies.values())
    assert (found.lacking is not None) == any(policies[scope] == "require" and scope not in known for scope in SCOPES)


def test_without_a_word_of_the_project_the_account_alone_counts() -> None:
    assert make_cart(customer=BUYER).buyer == Identities(("customer:cust_1",))
    assert make_cart(customer=Customer(source_id="ann")).buyer == Identities()
    assert make_cart().buyer == Identities(lacking="account")


def test_a_persons_count_is_the_greatest_among_their_identities_and_all_have_the_floor() -> None:
    identities = Identities((BY_ACCOUNT.subject, BY_EMAIL.subject))

    fits = ONCE.evaluate(asked_by(identities, {BY_EMAIL: 1}))
    full = ONCE.evaluate(asked_by(identities, {BY_ACCOUNT: 1, BY_EMAIL: 2}))

    assert fits.holds
    assert fits.floors == {BY_ACCOUNT: -2, BY_EMAIL: -2}
    assert not full.holds
    assert full.findings[0].seen == 3


@pytest.mark.parametrize(
    ("lacking", "key"),
    [
        ("account", "missing_customer"),
        ("email", "missing_customer_email"),
        ("phone", "missing_customer_phone"),
        ("device", "missing_device"),
        ("payment", "missing_payment"),
    ],
)
def test_a_limit_says_which_identity_it_lacks(lacking: IdentityScope, key: str) -> None:
    outcome = ONCE.evaluate(asked_by(Identities((BY_ACCOUNT.subject,), lacking)), explain=True)

    assert (outcome.holds, outcome.error_key) == (False, key)
    assert outcome.findings[0].counterfactual is not None
