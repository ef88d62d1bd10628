import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.applicability import Applicability
from app.engine.cart import Cart
from app.engine.decision import Decision
from app.engine.effects import AmountOff, DiscountCalculationMode, Effect, FixedPrice, PercentOff
from app.engine.evaluate import evaluate, qualify
from app.engine.money import Rounding
from app.engine.postings import AccountKey, Counted, Posting, merged_postings, reversed_postings
from app.engine.redeemables import Redeemable, Unresolved, first_duplicate
from app.engine.rules import RuleSet, parse_rule_set
from app.engine.stacking import StackingRules
from app.engine.validity import Validity

from .carts import (
    BUYER,
    EVERYTHING,
    NOW,
    applicabilities,
    carts,
    discounts,
    make_cart,
    make_item,
    modes,
    reaching,
    roundings,
)

ALL = StackingRules()
PARTIAL = StackingRules(redeemables_application_mode="PARTIAL")
ORDER = make_cart(amount=100_00, customer=BUYER)
TEN_OFF = AmountOff(amount_off=10_00)


def code(name: str, effect: Effect = TEN_OFF, **fields: Any) -> Redeemable:
    return Redeemable("voucher", id=name, object_id=f"v_{name}", effect=effect, **fields)


def rule(name: str, conditions: dict[str, list[Any]], message: str | None = None) -> RuleSet:
    node: dict[str, Any] = {"name": name, "conditions": conditions, "rules": {}}
    if message is not None:
        node["error"] = {"message": message}
    return parse_rule_set({"rules": {"1": node, "logic": "1"}})


def limited(name: str, limit: int) -> tuple[tuple[str, RuleSet], ...]:
    return (("val_1", rule(name, {"$less_than_or_equal": [limit]})),)


def statuses(decision: Decision) -> list[str]:
    return [outcome.status for outcome in decision.outcomes]


def posted(decision: Decision, account: AccountKey) -> Posting:
    (posting,) = [posting for posting in decision.postings if posting.account == account]
    return posting


def test_a_code_takes_its_discount_off_and_one_use_from_itself() -> None:
    decision = evaluate(ORDER, [code("TEN", uses_limit=3)], ALL)

    assert decision.is_valid
    assert decision.failure is None
    assert decision.cart.total_amount == 90_00
    assert decision.postings == (Posting(AccountKey("v_TEN", "uses"), -1, -3),)


def test_unlimited_uses_are_counted_without_a_floor() -> None:
    assert evaluate(ORDER, [code("TEN")], ALL).postings == (Posting(AccountKey("v_TEN", "uses"), -1, None),)


def test_each_redeemable_works_on_what_the_earlier_ones_left() -> None:
    cart = make_cart(amount=200_000)
    stack = [
        code("A", AmountOff(amount_off=100)),
        code("B", PercentOff(percent_off=Decimal(20))),
        code("C", AmountOff(amount_off=8_000)),
    ]

    decision = evaluate(cart, stack, ALL)

    assert [outcome.application.order_discount_amount for outcome in decision.outcomes] == [100, 39_980, 8_000]
    assert [outcome.cart.total_amount for outcome in decision.outcomes] == [199_900, 159_920, 151_920]
    assert decision.discount_amount == 48_080
    assert decision.cart == decision.outcomes[-1].cart


def test_two_percentages_never_give_the_order_away() -> None:
    half = PercentOff(percent_off=Decimal(60))
    for mode, left in (("DISCOUNTED_AMOUNT", 16_00), ("INITIAL_AMOUNT", 0)):
        stacking = StackingRules.model_validate({"discount_calculation_mode": mode})

        assert evaluate(ORDER, [code("A", half), code("B", half)], stacking).cart.total_amount == left


def test_a_code_nobody_knows_is_not_found() -> None:
    decision = evaluate(ORDER, [Unresolved("voucher", "NOPE")], ALL)

    failure = decision.failure
    assert failure is not None
    assert (failure.status, failure.key, failure.resource_type, failure.resource_id) == (
        404,
        "not_found",
        "voucher",
        "NOPE",
    )
    assert failure.details == "Cannot find voucher with id NOPE"
    assert statuses(decision) == ["INAPPLICABLE"]


YESTERDAY, TOMORROW = NOW - timedelta(days=1), NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("fields", "key", "counterfactual"),
    [
        ({"is_active": False}, "voucher_disabled", "once the voucher is enabled"),
        ({"campaign_is_active": False}, "voucher_disabled", "once the campaign is enabled"),
        ({"validities": (Validity(expiration_date=YESTERDAY),)}, "voucher_expired", None),
        (
            {"validities": (Validity(), Validity(start_date=TOMORROW))},
            "voucher_not_active",
            "from Sunday 22 November 2026 13:00 Europe/Berlin",
        ),
        (
            {"validities": (Validity(days_of_week=frozenset({1})),)},
            "voucher_not_active_now",
            "from Monday 23 November 2026 00:00 Europe/Berlin",
        ),
        (
            {"uses_limit": 2, "counts": {AccountKey("v_X", "uses"): 2}},
            "quantity_exceeded",
            "once an earlier redemption is rolled back",
        ),
        ({"uses_limit": 0}, "quantity_exceeded", None),
    ],
)
def test_a_code_that_cannot_be_used_says_why(fields: dict[str, Any], key: str, counterfactual: str | None) -> None:
    decision = evaluate(ORDER, [code("X", **fields)], ALL)

    assert not decision.is_valid
    assert decision.failure is not None
    assert (decision.failure.key, decision.failure.details, decision.failure.status) == (key, "X", 400)
    assert [(finding.holds, finding.counterfactual) for finding in decision.outcomes[0].findings] == [
        (False, counterfactual)
    ]
    assert decision.postings == ()


def test_a_code_says_that_it_is_disabled_before_it_says_that_it_is_used_up() -> None:
    decision = evaluate(ORDER, [code("X", is_active=False, uses_limit=0)], ALL)

    assert decision.failure is not None
    assert decision.failure.key == "voucher_disabled"


def test_a_broken_rule_names_itself_and_passes_on_the_sentence_of_the_marketer() -> None:
    rules = (("val_9", rule("order.amount", {"$more_than": [200_00]}, "Spend 200 or more")),)

    decision = evaluate(ORDER, [code("X", rules=rules)], ALL)

    failure = decision.failure
    assert failure is not None
    assert failure.key == "order_rules_violated"
    assert failure.rule_ids == ("val_9",)
    assert "val_9" in failure.details
    assert failure.custom_message == "Spend 200 or more"
    assert not decision.outcomes[0].findings[0].holds


def test_rules_of_campaign_and_voucher_must_all_hold() -> None:
    holds = ("val_1", rule("order.amount", {"$more_than": [1]}))
    fails = ("val_2", rule("order.amount", {"$more_than": [500_00]}))

    assert evaluate(ORDER, [code("X", rules=(holds, holds))], ALL).is_valid
    for rules in ((holds, fails), (fails, holds)):
        decision = evaluate(ORDER, [code("X", rules=rules)], ALL)
        assert decision.failure is not None
        assert decision.failure.rule_ids == ("val_2",)


def test_the_trace_looks_at_every_rule_and_keeps_what_held() -> None:
    rules = tuple((f"val_{bound}", rule("order.amount", {"$more_than": [bound]})) for bound in (1, 200_00, 300_00))

    outcome = evaluate(ORDER, [code("X", rules=rules)], ALL, explain=True).outcomes[0]

    assert [finding.holds for finding in outcome.findings] == [True, False, False]
    assert outcome.failure is not None
    assert outcome.failure.rule_ids == ("val_20000", "val_30000")


def test_rules_see_the_running_order_and_the_order_after_the_discount() -> None:
    above_95 = (("val_1", rule("order.amount", {"$more_than": [95_00]})),)
    leaves_70 = (("val_2", rule("order.total_amount", {"$is": [70_00]})),)
    initially_100 = (("val_3", rule("order.initial_amount", {"$is": [100_00]})),)

    decision = evaluate(
        ORDER,
        [
            code("A", rules=above_95),
            code("B", rules=above_95),
            code("C", AmountOff(amount_off=20_00), rules=leaves_70 + initially_100),
        ],
        PARTIAL,
    )

    assert statuses(decision) == ["APPLICABLE", "INAPPLICABLE", "APPLICABLE"]


def test_in_mode_all_one_failure_stops_everything() -> None:
    decision = evaluate(ORDER, [code("A"), code("B", is_active=False), code("C"), Unresolved("voucher", "D")], ALL)

    assert statuses(decision) == ["APPLICABLE", "INAPPLICABLE", "SKIPPED", "SKIPPED"]
    assert {outcome.skip_reason for outcome in decision.outcomes[2:]} == {"preceding_validation_failed"}
    assert not decision.is_valid
    assert decision.cart == ORDER
    assert decision.discount_amount == 0
    assert decision.postings == ()


def test_in_mode_partial_what_applies_applies() -> None:
    decision = evaluate(
        ORDER, [Unresolved("voucher", "NOPE"), code("A"), code("B", is_active=False), code("C")], PARTIAL
    )

    assert statuses(decision) == ["INAPPLICABLE", "APPLICABLE", "INAPPLICABLE", "APPLICABLE"]
    assert decision.is_valid
    assert decision.cart.total_amount == 80_00
    assert decision.failure is not None
    assert decision.failure.key == "not_found"


def test_in_mode_partial_nothing_is_valid_where_nothing_applies() -> None:
    assert not evaluate(ORDER, [Unresolved("voucher", "NOPE"), code("B", is_active=False)], PARTIAL).is_valid


def test_more_applicable_redeemables_than_allowed_are_skipped_and_broken_ones_do_not_count() -> None:
    stacking = StackingRules(redeemables_application_mode="PARTIAL", applicable_redeemables_limit=2)

    decision = evaluate(ORDER, [code("A", is_active=False), code("B"), code("C"), code("D")], stacking)

    assert statuses(decision) == ["INAPPLICABLE", "APPLICABLE", "APPLICABLE", "SKIPPED"]
    assert decision.outcomes[3].skip_reason == "applicable_redeemables_limit_exceeded"
    assert decision.cart.total_amount == 80_00


def test_skipping_does_not_invalidate_the_rest_in_mode_all() -> None:
    decision = evaluate(ORDER, [code("A"), code("B")], StackingRules(applicable_redeemables_limit=1))

    assert statuses(decision) == ["APPLICABLE", "SKIPPED"]
    assert decision.is_valid
    assert decision.cart.total_amount == 90_00


def test_a_code_without_effect_is_redeemed_anyway_or_skipped_as_the_project_says() -> None:
    useless = code("X", FixedPrice(fixed_amount=500_00))

    anyway = evaluate(ORDER, [useless], ALL)
    skipped = evaluate(ORDER, [useless], StackingRules(redeemables_no_effect_rule="SKIP"))

    assert anyway.is_valid
    assert skipped.outcomes[0].skip_reason == "no_effect"
    assert not skipped.is_valid
    assert skipped.failure is not None
    assert (skipped.failure.key, skipped.failure.details) == ("invalid_redeemables", "no_effect")


def test_without_an_order_a_discount_code_is_valid_and_takes_nothing_off() -> None:
    decision = evaluate(make_cart(), [code("X")], StackingRules(redeemables_no_effect_rule="SKIP"))

    assert decision.is_valid
    assert decision.discount_amount == 0
    assert len(decision.postings) == 1


def test_a_use_taken_by_an_earlier_redeemable_is_gone_for_the_later_one() -> None:
    campaign_limit = limited("campaign.redemptions.count", 1)
    counted = frozenset({Counted("uses", "campaign")})
    codes = [code(name, campaign_id="camp_1", rules=campaign_limit, counted=counted) for name in ("A", "B")]

    decision = evaluate(ORDER, codes, PARTIAL)

    assert statuses(decision) == ["APPLICABLE", "INAPPLICABLE"]
    assert posted(decision, AccountKey("camp_1", "uses")) == Posting(AccountKey("camp_1", "uses"), -1, -1)


def test_one_account_gets_one_posting_with_the_strictest_floor() -> None:
    counted = frozenset({Counted("uses", "campaign")})
    codes = [
        code("A", campaign_id="camp_1", rules=limited("campaign.redemptions.count", 5), counted=counted),
        code("B", campaign_id="camp_1", rules=limited("campaign.redemptions.count", 3), counted=counted),
        code("C", campaign_id="camp_1", counted=counted),
    ]

    decision = evaluate(ORDER, codes, ALL)

    assert posted(decision, AccountKey("camp_1", "uses")).amount == -3
    assert posted(decision, AccountKey("camp_1", "uses")).floor == -3
    assert [posting.account for posting in decision.postings] == sorted(
        posting.account for posting in decision.postings
    )


def test_two_kinds_of_count_that_name_one_account_take_from_it_once() -> None:
    redeemable = code("A", uses_limit=7, counted=frozenset({Counted("uses", "redeemable")}))

    assert evaluate(ORDER, [redeemable], ALL).postings == (Posting(AccountKey("v_A", "uses"), -1, -7),)


def test_budgets_count_the_order_before_discounts_and_the_discount_of_this_redeemable() -> None:
    counted = frozenset(
        {
            Counted("ordered", "campaign"),
            Counted("discounted", "campaign"),
            Counted("uses", "campaign", "customer"),
            Counted("uses", "campaign", "", "day"),
            Counted("uses", "redeemable", "user"),
        }
    )

    decision = evaluate(ORDER, [code("FIRST"), code("A", campaign_id="camp_1", counted=counted)], ALL)

    assert {posting.account: posting.amount for posting in decision.postings} == {
        AccountKey("camp_1", "discounted"): -10_00,
        AccountKey("camp_1", "ordered"): -100_00,
        AccountKey("camp_1", "uses", "", "2026-11-21"): -1,
        AccountKey("camp_1", "uses", "customer:cust_1"): -1,
        AccountKey("v_A", "uses"): -1,
        AccountKey("v_FIRST", "uses"): -1,
    }


def test_a_budget_that_the_discount_would_exceed_refuses_it() -> None:
    counted = frozenset({Counted("discounted", "campaign")})
    account = AccountKey("camp_1", "discounted")
    rules = limited("campaign.orders.amount_discounted", 25_00)
    codes = [code(name, campaign_id="camp_1", rules=rules, counted=counted) for name in ("A", "B")]

    decision = evaluate(ORDER, [replace(each, counts={account: 10_00}) for each in codes], PARTIAL)

    assert statuses(decision) == ["APPLICABLE", "INAPPLICABLE"]
    assert posted(decision, account) == Posting(account, -10_00, -25_00)


def test_a_qualification_looks_at_each_candidate_alone() -> None:
    outcomes = qualify(ORDER, [code("A", uses_limit=1), code("A", uses_limit=1), code("B", is_active=False)], ALL)

    assert [outcome.status for outcome in outcomes] == ["APPLICABLE", "APPLICABLE", "INAPPLICABLE"]
    assert {outcome.cart.total_amount for outcome in outcomes[:2]} == {90_00}


def test_limits_that_a_qualification_ignores_are_taken_to_hold() -> None:
    rules = (*limited("redemption.count.per_customer", 0), ("val_2", rule("order.amount", {"$more_than": [1]})))
    per_customer = Counted("uses", "redeemable", "customer")

    (strict,) = qualify(ORDER, [code("A", rules=rules)], ALL)
    (lenient,) = qualify(ORDER, [code("A", rules=rules)], ALL, ignoring=frozenset({per_customer}))

    assert (strict.status, lenient.status) == ("INAPPLICABLE", "APPLICABLE")


def test_a_redeemable_named_twice_is_noticed_by_code_and_by_id() -> None:
    by_code, by_id = code("A"), replace(code("A"), id="v_A")

    assert first_duplicate([by_code, code("B"), by_id]) is by_id
    assert first_duplicate([Unresolved("voucher", "N"), Unresolved("voucher", "N")]) == Unresolved("voucher", "N")
    assert first_duplicate([by_code, code("B"), Unresolved("voucher", "N")]) is None


redeemable_lists = st.lists(
    st.tuples(discounts, applicabilities, st.sampled_from([None, 1, 3]), st.integers(0, 2), st.booleans()), max_size=6
).map(
    lambda entries: [
        code(
            f"C{index}",
            effect,
            applicability=applicability,
            uses_limit=uses_limit,
            campaign_id="camp_1" if in_campaign else None,
            rules=limited("campaign.redemptions.count", 4) if in_campaign else (),
            counts={AccountKey(f"v_C{index}", "uses"): uses, AccountKey("camp_1", "uses"): uses},
            counted=frozenset({Counted("uses", "campaign"), Counted("discounted", "redeemable", "customer")}),
        )
        for index, (effect, applicability, uses_limit, uses, in_campaign) in enumerate(entries)
    ]
)
stackings = st.builds(
    StackingRules,
    redeemables_application_mode=st.sampled_from(["ALL", "PARTIAL"]),
    redeemables_no_effect_rule=st.sampled_from(["SKIP", "REDEEM_ANYWAY"]),
    applicable_redeemables_limit=st.integers(1, 6),
    discount_calculation_mode=modes,
)


@given(carts(), redeemable_lists, stackings, roundings)
def test_no_stack_of_discounts_exceeds_the_cart(
    cart: Cart, redeemables: Sequence[Redeemable], stacking: StackingRules, rounding: Rounding
) -> None:
    decision = evaluate(cart, redeemables, stacking, rounding=rounding)

    assert 0 <= decision.discount_amount <= cart.total_amount
    assert decision.cart.total_amount == cart.total_amount - decision.discount_amount
    for item, before in zip(decision.cart.items, cart.items, strict=True):
        assert before.discount_amount <= item.discount_amount <= item.amount


@given(carts(), redeemable_lists, stackings, roundings)
def test_what_the_outcomes_take_off_is_what_the_decision_takes_off(
    cart: Cart, redeemables: Sequence[Redeemable], stacking: StackingRules, rounding: Rounding
) -> None:
    decision = evaluate(cart, redeemables, stacking, rounding=rounding)

    applied = [outcome for outcome in decision.outcomes if outcome.status == "APPLICABLE"] if decision.is_valid else []
    assert decision.discount_amount == sum(outcome.application.total_discount_amount for outcome in applied)
    assert decision.application.applied_to(cart) == decision.cart


@given(carts(), redeemable_lists, stackings, st.booleans())
def test_evaluating_twice_gives_the_same_decision(
    cart: Cart, redeemables: Sequence[Redeemable], stacking: StackingRules, explain: bool
) -> None:
    assert evaluate(cart, redeemables, stacking, explain=explain) == evaluate(
        cart, redeemables, stacking, explain=explain
    )


@given(carts(), redeemable_lists, stackings)
def test_the_trace_changes_nothing_but_findings_and_the_rules_named(
    cart: Cart, redeemables: Sequence[Redeemable], stacking: StackingRules
) -> None:
    plain, traced = (evaluate(cart, redeemables, stacking, explain=explain) for explain in (False, True))

    assert statuses(plain) == statuses(traced)
    assert (plain.cart, plain.postings, plain.is_valid) == (traced.cart, traced.postings, traced.is_valid)


@given(carts(), redeemable_lists, stackings)
def test_postings_stay_above_their_floors_and_reversed_they_leave_nothing(
    cart: Cart, redeemables: Sequence[Redeemable], stacking: StackingRules
) -> None:
    decision = evaluate(cart, redeemables, stacking)

    balances = {key: -count for redeemable in redeemables for key, count in redeemable.counts.items()}
    for posting in decision.postings:
        if posting.floor is not None and posting.account.owner_id != "camp_1":
            assert balances.get(posting.account, 0) + posting.amount >= posting.floor
    both = merged_postings((*decision.postings, *reversed_postings(decision.postings)))
    assert all(posting.amount == 0 for posting in both)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=6), st.lists(discounts, min_size=1, max_size=3), modes)
def test_the_order_of_equal_lines_does_not_matter(
    product_ids: list[str], effects: list[Effect], mode: DiscountCalculationMode
) -> None:
    stacking = StackingRules(discount_calculation_mode=mode)
    redeemables = [code(f"C{index}", effect, applicability=EVERYTHING) for index, effect in enumerate(effects)]
    lines = [make_item(product_id, 2, 3_33) for product_id in product_ids]

    forward = evaluate(make_cart(*lines), redeemables, stacking)
    backward = evaluate(make_cart(*reversed(lines)), redeemables, stacking)

    assert forward.discount_amount == backward.discount_amount
    assert [item.discount_amount for item in forward.cart.items] == [
        item.discount_amount for item in backward.cart.items
    ]


def test_a_mixed_stack_on_lines_and_order_stops_at_zero() -> None:
    cart = make_cart(make_item("shirt", 1, 20_00), make_item("mug", 1, 10_00))
    only_shirts: Applicability = reaching("shirt")
    stack = [
        code("A", AmountOff(amount_off=25_00)),
        code("B", PercentOff(percent_off=Decimal(50), effect="APPLY_TO_ITEMS"), applicability=only_shirts),
        code("C", AmountOff(amount_off=25_00)),
    ]

    decision = evaluate(cart, stack, ALL)

    assert [outcome.application.total_discount_amount for outcome in decision.outcomes] == [25_00, 5_00, 0]
    assert decision.cart.total_amount == 0


def test_the_decision_records_how_it_rounded() -> None:
    cart = make_cart(amount=10)
    effect = PercentOff(percent_off=Decimal(25))

    for rounding, discount_amount in (("half_up", 3), ("half_even", 2), ("down", 2)):
        decision = evaluate(cart, [code("A", effect)], ALL, rounding=rounding)  # type: ignore[arg-type]
        assert (decision.rounding, decision.discount_amount) == (rounding, discount_amount)


def test_the_engine_runs_without_database_and_web_framework() -> None:
    script = """
import pkgutil, sys, importlib, app.engine
for module in pkgutil.walk_packages(app.engine.__path__, "app.engine."):
    importlib.import_module(module.name)
foreign = {"sqlalchemy", "fastapi", "starlette", "asyncpg", "uvicorn", "msgspec"} & set(sys.modules)
inner = {name for name in sys.modules if name.startswith("app.") and not name.startswith("app.engine")}
print(sorted(foreign | inner))
"""

    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)

    assert (result.stdout.strip(), result.stderr) == ("[]", "")
