from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.cart import Customer
from app.engine.postings import AccountKey, Counted
from app.engine.rules import RuleSubject, accounts_of, parse_rule_set
from app.engine.rules.registry import FACTS, LimitFact
from tests.engine.rules.subjects import CART, ask, rule, rules, subject

LIMITS = {name: fact.counted for name, fact in FACTS.items() if isinstance(fact, LimitFact)}
THIS = {"uses": 1, "ordered": 11_500, "discounted": 1500}

ACCOUNTS = {
    "redemption.count": AccountKey("v_1", "uses"),
    "redemption.count.daily": AccountKey("v_1", "uses", "", "2026-11-21"),
    "redemption.count.weekly": AccountKey("v_1", "uses", "", "2026-W47"),
    "redemption.count.monthly": AccountKey("v_1", "uses", "", "2026-11"),
    "redemption.count.per_customer": AccountKey("v_1", "uses", "customer:cust_1"),
    "redemption.count.per_customer.daily": AccountKey("v_1", "uses", "customer:cust_1", "2026-11-21"),
    "redemption.count.per_customer.weekly": AccountKey("v_1", "uses", "customer:cust_1", "2026-W47"),
    "redemption.count.per_customer.monthly": AccountKey("v_1", "uses", "customer:cust_1", "2026-11"),
    "redemption.count.per_api_key": AccountKey("v_1", "uses", "api_key:key_1"),
    "redemption.count.per_user": AccountKey("v_1", "uses", "user:ada"),
    "campaign.redemptions.count": AccountKey("camp_1", "uses"),
    "campaign.redemptions.count.daily": AccountKey("camp_1", "uses", "", "2026-11-21"),
    "campaign.redemptions.count.weekly": AccountKey("camp_1", "uses", "", "2026-W47"),
    "campaign.redemptions.count.monthly": AccountKey("camp_1", "uses", "", "2026-11"),
    "campaign.redemptions.customers_count": AccountKey("camp_1", "uses", "customer:cust_1"),
    "campaign.redemptions.customers_count.daily": AccountKey("camp_1", "uses", "customer:cust_1", "2026-11-21"),
    "campaign.redemptions.customers_count.weekly": AccountKey("camp_1", "uses", "customer:cust_1", "2026-W47"),
    "campaign.redemptions.customers_count.monthly": AccountKey("camp_1", "uses", "customer:cust_1", "2026-11"),
    "campaign.orders.amount": AccountKey("camp_1", "ordered"),
    "campaign.orders.amount_discounted": AccountKey("camp_1", "discounted"),
}


def with_counts(counts: dict[AccountKey, int]) -> RuleSubject:
    return subject(counts=counts)


@pytest.mark.parametrize(("name", "account"), ACCOUNTS.items())
def test_a_limit_allows_the_last_one_and_refuses_the_next(name: str, account: AccountKey) -> None:
    this = THIS[account.measure]
    full, fits = with_counts({account: 5 * this}), with_counts({account: 4 * this})
    asked = rule(name, "$less_than_or_equal", 5 * this)

    assert ask(fits, asked).holds
    assert ask(fits, asked).floors == {account: -5 * this}
    refused = ask(full, asked)
    assert (refused.holds, refused.error_key, refused.floors) == (False, "redemption_rules_violated", {})
    assert refused.findings[0].seen == 6 * this
    assert parse_rule_set({"rules": rules(asked)}).counted == {LIMITS[name]}
    assert accounts_of(LIMITS[name], fits) == (account,)


def test_every_limit_has_an_account() -> None:
    assert set(ACCOUNTS) == set(LIMITS)


def test_a_limit_of_one_counts_the_redemption_being_made() -> None:
    outcome = ask(subject(), rule("redemption.count.per_customer", "$less_than_or_equal", 1), explain=True)

    assert outcome.holds
    assert outcome.findings[0].seen == 1


@pytest.mark.parametrize(
    ("operator", "values", "used", "floor"),
    [
        ("$less_than_or_equal", [3], 0, -3),
        ("$less_than", [3], 0, -2),
        ("$is", [3], 2, -3),
        ("$in", [1, 2, 3, 5], 0, -3),
        ("$in", [1, 3], 0, -1),
        ("$is_not", [3], 0, -2),
        ("$not_in", [3, 7], 3, -6),
        ("$is_not", [3], 5, None),
        ("$more_than", [3], 5, None),
        ("$more_than_or_equal", [3], 5, None),
        ("$greater_than", [3], 5, None),
    ],
)
def test_the_floor_is_the_last_count_for_which_the_condition_goes_on_holding(
    operator: str, values: list[int], used: int, floor: int | None
) -> None:
    account = ACCOUNTS["redemption.count"]

    outcome = ask(with_counts({account: used}), rule("redemption.count", operator, *values))

    assert outcome.holds
    assert outcome.floors == ({} if floor is None else {account: floor})


def test_two_limits_on_one_account_keep_the_tighter_floor() -> None:
    account = ACCOUNTS["redemption.count"]
    five, three = (rule("redemption.count", "$less_than_or_equal", limit) for limit in (5, 3))
    both = {"name": "redemption.count", "conditions": {"$less_than": [9], "$less_than_or_equal": [4]}}

    assert ask(subject(), five, three).floors == ask(subject(), three, five).floors == {account: -3}
    assert ask(subject(), both).floors == {account: -4}


def test_a_limit_that_the_answer_does_not_need_imposes_no_floor() -> None:
    limited = rule("redemption.count.daily", "$less_than_or_equal", 1)
    free = rule("order.amount", "$more_than", 1)
    unfree = rule("order.amount", "$more_than", 10**6)

    assert ask(subject(), limited, free, logic="1 or 2").floors == {}
    assert ask(subject(), limited, unfree, logic="1 or 2").floors == {ACCOUNTS["redemption.count.daily"]: -1}
    assert ask(subject(), limited, free, logic="2").floors == {}
    assert ask(subject(), limited, free, free, logic="(1 and 2) or (1 and 3)").floors.keys() == {
        ACCOUNTS["redemption.count.daily"]
    }


def test_of_several_proofs_the_one_with_fewest_limits_is_taken() -> None:
    daily, monthly, campaign = (
        rule(name, "$less_than_or_equal", 9)
        for name in ("redemption.count.daily", "redemption.count.monthly", "campaign.redemptions.count")
    )

    outcome = ask(subject(), daily, monthly, campaign, logic="(1 and 2) or 3")

    assert outcome.floors == {ACCOUNTS["campaign.redemptions.count"]: -9}


def test_a_rule_that_the_logic_leaves_out_counts_nothing() -> None:
    unused = rule("redemption.count", "$less_than_or_equal", 1)

    rule_set = parse_rule_set({"rules": rules(rule("order.amount", "$more_than", 1), unused, logic="1")})

    assert rule_set.counted == frozenset()


def test_a_limit_may_have_sub_rules_and_stand_under_a_rule_on_the_request() -> None:
    account = ACCOUNTS["redemption.count"]
    limit = rule("redemption.count", "$less_than_or_equal", 2)
    under = rule("order.amount", "$more_than", 1, rules=rules(limit))
    over = {**limit, "rules": rules(rule("campaign.redemptions.count", "$less_than_or_equal", 7))}

    assert ask(subject(), under).floors == {account: -2}
    assert ask(with_counts({account: 2}), under).error_key == "redemption_rules_violated"
    assert ask(subject(), over).floors == {account: -2, ACCOUNTS["campaign.redemptions.count"]: -7}
    campaign_full = with_counts({ACCOUNTS["campaign.redemptions.count"]: 7})
    assert [finding.path for finding in ask(campaign_full, over).findings] == [
        "rules.1.rules.1.conditions.$less_than_or_equal"
    ]
    assert not ask(subject(), {**under, "conditions": {"$more_than": [10**6]}}).holds


def test_a_limit_per_customer_without_a_customer_is_a_missing_customer() -> None:
    nobody = subject(replace(CART, customer=None))

    outcome = ask(nobody, rule("redemption.count.per_customer", "$less_than_or_equal", 1), explain=True)

    assert outcome.error_key == "missing_customer"
    assert outcome.findings[0].counterfactual == "A customer has to be named."


def test_a_customer_the_project_does_not_know_yet_has_used_nothing() -> None:
    newcomer = subject(replace(CART, customer=Customer(source_id="new")))

    outcome = ask(newcomer, rule("campaign.redemptions.customers_count", "$less_than_or_equal", 1))

    assert (outcome.holds, outcome.floors) == (True, {})
    assert not ask(newcomer, rule("campaign.redemptions.customers_count", "$less_than", 1)).holds


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("campaign.redemptions.count", {"campaign_id": None}),
        ("campaign.redemptions.customers_count", {"campaign_id": None, "cart": replace(CART, customer=Customer())}),
        ("campaign.orders.amount", {"campaign_id": None}),
        ("redemption.count.per_api_key", {"cart": replace(CART, api_key_id=None)}),
        ("redemption.count.per_user", {"cart": replace(CART, user_login=None)}),
    ],
)
def test_a_limit_with_nothing_to_count_for_does_not_hold(name: str, fields: dict[str, Any]) -> None:
    outcome = ask(subject(**fields), rule(name, "$less_than_or_equal", 10**9))

    assert outcome.error_key == "redemption_rules_violated"


def test_a_limit_says_what_is_left_and_when_it_begins_anew() -> None:
    def sentence(name: str, used: int, operator: str, limit: int) -> str | None:
        outcome = ask(with_counts({ACCOUNTS[name]: used}), rule(name, operator, limit), explain=True)
        return outcome.findings[0].counterfactual

    assert sentence("redemption.count", 5, "$less_than_or_equal", 5) == "Of 5 allowed, 0 are left."
    assert sentence("redemption.count.daily", 1, "$less_than", 2) == (
        "Of 1 allowed, 0 are left. Again from Sunday 22 November 2026 00:00 Europe/Berlin."
    )
    assert sentence("redemption.count.weekly", 4, "$less_than_or_equal", 3) == (
        "Of 3 allowed, 0 are left. Again from Monday 23 November 2026 00:00 Europe/Berlin."
    )
    assert sentence("redemption.count.daily", 0, "$less_than_or_equal", 0) == "Of 0 allowed, 0 are left."
    assert sentence("campaign.orders.amount_discounted", 9000, "$less_than_or_equal", 10_000) == (
        "Of 10000 allowed (minor units), 1000 are left."
    )
    assert sentence("redemption.count", 0, "$more_than", 3) == "3 more have to be counted."
    assert sentence("redemption.count", 0, "$is", 3) is None


bounds = st.integers(0, 50)


@given(st.sampled_from(sorted(LIMITS)), st.sampled_from(["$less_than", "$less_than_or_equal"]), bounds, bounds, bounds)
def test_more_use_never_makes_a_limit_hold_and_a_higher_limit_never_breaks_it(
    name: str, operator: str, limit: int, used: int, more: int
) -> None:
    account = ACCOUNTS[name]
    scale = THIS[account.measure]
    asked, raised = (rule(name, operator, bound * scale) for bound in (limit, limit + more))

    now, later = (ask(with_counts({account: count * scale}), asked) for count in (used, used + more))

    assert now.holds or not later.holds
    assert not now.holds or ask(with_counts({account: used * scale}), raised).holds


names = st.sampled_from(["redemption.count", "redemption.count.daily", "campaign.redemptions.count"])
operators = st.sampled_from(["$less_than", "$less_than_or_equal", "$is", "$in", "$is_not", "$not_in", "$more_than"])


@given(
    st.lists(st.tuples(names, operators, st.integers(0, 6)), min_size=3, max_size=3),
    st.sampled_from(["1 and 2 and 3", "1 or 2 or 3", "1 and (2 or 3)", "1 or 2 and 3", "(1 or 2) and (1 or 3)"]),
    st.dictionaries(names, st.integers(0, 6)),
    st.dictionaries(names, st.integers(0, 6)),
)
def test_while_the_floors_stand_the_answer_stays_yes(
    listed: list[tuple[str, str, int]], logic: str, used: dict[str, int], others: dict[str, int]
) -> None:
    """Others redeem between the answer and the posting: as long as no floor is crossed, asking again says yes again."""
    asked = [rule(name, operator, value) for name, operator, value in listed]
    before = {ACCOUNTS[name]: count for name, count in used.items()}
    after = {account: before.get(account, 0) for account in ACCOUNTS.values()}
    for name, count in others.items():
        after[ACCOUNTS[name]] += count

    outcome = ask(with_counts(before), *asked, logic=logic)

    if outcome.holds and all(-(after[account] + 1) >= floor for account, floor in outcome.floors.items()):
        assert ask(with_counts(after), *asked, logic=logic).holds


def test_counts_are_named_the_way_accounts_are() -> None:
    assert LIMITS["campaign.redemptions.customers_count.weekly"] == Counted("uses", "campaign", "customer", "week")


def test_a_limit_that_the_caller_ignores_holds_and_leaves_no_floor() -> None:
    limit = rule("redemption.count", "$less_than_or_equal", 0)
    ignoring = subject(ignoring=frozenset({LIMITS["redemption.count"]}))

    assert ask(ignoring, limit).holds
    assert ask(ignoring, limit).floors == {}
    assert ask(ignoring, limit, explain=True).holds
    assert not ask(ignoring, {**limit, "rules": rules(rule("order.amount", "$is", 1))}).holds
