from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import permutations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.engine.best_deal import best_deal
from app.engine.cart import Cart
from app.engine.decision import Decision
from app.engine.effects import AmountOff, Effect, FixedPrice, PercentOff
from app.engine.evaluate import Standing, Terms, consider, evaluate
from app.engine.money import Rounding
from app.engine.redeemables import Redeemable, Unresolved
from app.engine.rules import RuleSet, parse_rule_set
from app.engine.stacking import StackingRules

from .carts import BUYER, applicabilities, carts, discounts, make_cart, make_item, modes, reaching, roundings

ORDER = make_cart(amount=100_00, customer=BUYER)
CATEGORIES = [None, "cat_a", "cat_b", "cat_joint", "cat_only"]


def code(name: str, effect: Effect, **fields: Any) -> Redeemable:
    return Redeemable("voucher", id=name, object_id=f"v_{name}", effect=effect, **fields)


def amount(name: str, minor_units: int, **fields: Any) -> Redeemable:
    return code(name, AmountOff(amount_off=minor_units), **fields)


def percent(name: str, percent_off: int, **fields: Any) -> Redeemable:
    return code(name, PercentOff(percent_off=Decimal(percent_off)), **fields)


def order_above(minor_units: int) -> tuple[tuple[str, RuleSet], ...]:
    node = {"name": "order.amount", "conditions": {"$more_than": [minor_units]}, "rules": {}}
    return (("val_1", parse_rule_set({"rules": {"1": node, "logic": "1"}})),)


def applied(decision: Decision) -> list[str]:
    return [outcome.redeemable.id for outcome in decision.outcomes if outcome.status == "APPLICABLE"]


def left_out(decision: Decision) -> dict[str, str | None]:
    return {outcome.redeemable.id: outcome.skip_reason for outcome in decision.outcomes if outcome.status == "SKIPPED"}


def is_optimal(decision: Decision) -> bool:
    assert decision.best_deal is not None
    return decision.best_deal.is_optimal


def test_a_percentage_is_taken_before_an_amount_because_that_saves_more() -> None:
    codes = [amount("TEN", 10_00), percent("HALF", 50)]

    asked, best = evaluate(ORDER, codes, StackingRules()), best_deal(ORDER, codes, StackingRules())

    assert (asked.discount_amount, best.discount_amount) == (55_00, 60_00)
    assert applied(best) == ["HALF", "TEN"]
    assert is_optimal(best)


def test_one_large_code_that_excludes_the_others_is_left_out_when_these_save_more() -> None:
    stacking = StackingRules(exclusive_categories=("cat_only",))
    codes = [amount("ONLY", 30_00, category_id="cat_only"), amount("A", 20_00), amount("B", 15_00)]

    assert evaluate(ORDER, codes, stacking).discount_amount == 30_00
    decision = best_deal(ORDER, codes, stacking)

    assert applied(decision) == ["A", "B"]
    assert left_out(decision) == {"ONLY": "saves_less"}


def test_a_code_that_excludes_the_others_is_taken_when_it_saves_more_than_all_of_them() -> None:
    stacking = StackingRules(exclusive_categories=("cat_only",))
    codes = [amount("A", 20_00), amount("ONLY", 50_00, category_id="cat_only"), amount("B", 15_00)]

    decision = best_deal(ORDER, codes, stacking)

    assert applied(decision) == ["ONLY"]
    assert left_out(decision) == {"A": "exclusion_rules_not_met", "B": "exclusion_rules_not_met"}


def test_a_cheap_code_comes_after_the_dear_one_whose_rule_it_would_break() -> None:
    codes = [amount("CHEAP", 1_00), amount("DEAR", 40_00, rules=order_above(99_50)), amount("OTHER", 5_00)]

    decision = best_deal(ORDER, codes, StackingRules())

    assert applied(decision) == ["DEAR", "OTHER", "CHEAP"]
    assert decision.discount_amount == 46_00


def test_the_best_of_one_category_is_chosen_within_its_limit() -> None:
    codes = [amount(name, off, category_id="cat_a") for name, off in (("A", 1_00), ("B", 3_00), ("C", 2_00))]

    decision = best_deal(ORDER, [*codes, amount("D", 50)], StackingRules())

    assert applied(decision) == ["B", "D"]
    assert left_out(decision) == dict.fromkeys("AC", "applicable_redeemables_per_category_limit_exceeded")


def test_of_deals_that_save_the_same_the_shorter_is_taken_and_then_the_one_named_earlier() -> None:
    shorter = best_deal(ORDER, [amount("A", 60_00), amount("B", 40_00), amount("C", 100_00)], StackingRules())
    earlier = best_deal(ORDER, [amount("A", 100_00), amount("B", 100_00)], StackingRules())

    assert (applied(shorter), applied(earlier)) == (["C"], ["A"])
    assert left_out(shorter) == {"A": "no_effect", "B": "no_effect"}


def test_codes_whose_order_makes_no_difference_are_applied_as_requested() -> None:
    codes = [amount("A", 1_00), amount("B", 5_00), amount("C", 3_00)]

    assert applied(best_deal(ORDER, codes, StackingRules())) == ["A", "B", "C"]


def test_the_order_of_the_category_hierarchy_stays_although_another_would_save_more() -> None:
    stacking = StackingRules(redeemables_sorting_rule="CATEGORY_HIERARCHY")
    codes = [percent("HALF", 50, category_id="cat_b", hierarchy=2), amount("TEN", 10_00, category_id="cat_a")]

    decision = best_deal(ORDER, codes, stacking)

    assert applied(decision) == ["TEN", "HALF"]
    assert decision.discount_amount == 55_00


def test_what_does_not_apply_by_itself_says_why_and_keeps_nobody_from_applying_in_mode_all() -> None:
    codes: list[Redeemable | Unresolved] = [
        Unresolved("voucher", "NOPE"),
        amount("OFF", 1_00, is_active=False),
        amount("RICH", 1_00, rules=order_above(500_00)),
        amount("A", 1_00),
    ]

    decision = best_deal(ORDER, codes, StackingRules())

    assert decision.is_valid
    assert applied(decision) == ["A"]
    assert [outcome.failure.key for outcome in decision.outcomes if outcome.failure is not None] == [
        "not_found",
        "voucher_disabled",
        "order_rules_violated",
    ]


def test_codes_that_save_nothing_are_no_deal_but_the_first_of_them_applies_when_there_is_no_other() -> None:
    useless = [code(name, FixedPrice(fixed_amount=500_00)) for name in "AB"]

    nothing = best_deal(ORDER, useless, StackingRules())
    without_order = best_deal(make_cart(), useless, StackingRules())
    something = best_deal(ORDER, [*useless, amount("C", 1)], StackingRules())

    assert (applied(nothing), applied(without_order), applied(something)) == (["A"], ["A"], ["C"])
    assert not best_deal(ORDER, useless, StackingRules(redeemables_no_effect_rule="SKIP")).is_valid


def test_tenders_pay_what_the_chosen_ones_leave_and_are_never_traded_for_them() -> None:
    card = amount("CARD", 70_00, is_tender=True)
    codes = [card, amount("TEN", 10_00), percent("HALF", 50)]

    decision = best_deal(ORDER, codes, StackingRules())

    assert applied(decision) == ["HALF", "TEN", "CARD"]
    assert decision.cart.total_amount == 0


def test_a_search_that_is_cut_short_gives_what_it_found_and_says_so() -> None:
    codes = [percent(f"C{index}", index + 1) for index in range(20)]

    decision = best_deal(make_cart(amount=1_000_000_00), codes, StackingRules(), looks=100)

    assert decision.best_deal is not None
    assert (decision.best_deal.is_optimal, decision.best_deal.considered) == (False, 100)
    assert len(applied(decision)) == 5


def test_a_search_that_is_cut_short_at_once_still_fills_the_stack() -> None:
    codes = [percent(f"C{index}", index + 1) for index in range(20)]

    decision = best_deal(make_cart(amount=1_000_000_00), codes, StackingRules(), looks=20)

    assert applied(decision) == ["C15", "C16", "C17", "C18", "C19"]
    assert not is_optimal(decision)


def test_thirty_codes_are_searched_within_the_budget() -> None:
    cart = make_cart(*(make_item(f"p{index}", 2, 10_00 + index) for index in range(20)), customer=BUYER)
    codes = [
        amount(f"A{index}", 100 + index) if index % 2 else percent(f"P{index}", 5 + index % 7) for index in range(30)
    ]

    decision = best_deal(cart, codes, StackingRules())

    assert decision.best_deal is not None
    assert decision.best_deal.considered <= 1_000
    assert len(applied(decision)) == 5


def test_a_product_is_discounted_by_the_better_of_two_where_products_are_discounted_once() -> None:
    cart = make_cart(make_item("shirt", 1, 100_00), make_item("mug", 1, 10_00))
    on_items = [
        code(f"P{off}", PercentOff(percent_off=Decimal(off), effect="APPLY_TO_ITEMS"), applicability=reaching("shirt"))
        for off in (10, 30)
    ]

    decision = best_deal(cart, on_items, StackingRules(redeemables_products_application_mode="ONCE"))

    assert (applied(decision), decision.discount_amount) == (["P30"], 30_00)


stackings = st.builds(
    StackingRules,
    redeemables_application_mode=st.sampled_from(["ALL", "PARTIAL"]),
    redeemables_no_effect_rule=st.sampled_from(["SKIP", "REDEEM_ANYWAY"]),
    redeemables_sorting_rule=st.sampled_from(["CATEGORY_HIERARCHY", "REQUESTED_ORDER"]),
    redeemables_products_application_mode=st.sampled_from(["STACK", "ONCE"]),
    grouped_redeemables_sorting_rule=st.sampled_from(["JOINT_ALWAYS_LAST", "REDEEMABLES_SORTING_RULE"]),
    applicable_redeemables_limit=st.integers(1, 6),
    applicable_redeemables_per_category_limit=st.integers(1, 3),
    applicable_exclusive_redeemables_limit=st.integers(1, 3),
    exclusive_categories=st.just(("cat_only",)),
    joint_categories=st.just(("cat_joint",)),
    discount_calculation_mode=modes,
)
hierarchies = {None: 1, "cat_a": 0, "cat_b": 2, "cat_joint": 1, "cat_only": 1}


@st.composite
def choices(draw: st.DrawFn, most: int) -> list[Redeemable]:
    """Up to so many codes of any discount and category, some with a rule about the order as it stands."""
    entries = draw(
        st.lists(
            st.tuples(discounts, applicabilities, st.sampled_from(CATEGORIES), st.sampled_from([None, 5, 1_000])),
            max_size=most,
        )
    )
    return [
        code(
            f"C{index}",
            effect,
            applicability=applicability,
            category_id=category_id,
            hierarchy=hierarchies[category_id],
            rules=() if bound is None else order_above(bound),
            uses_limit=None if index else 1,
        )
        for index, (effect, applicability, category_id, bound) in enumerate(entries)
    ]


def every_deal(
    cart: Cart, codes: Sequence[Redeemable], stacking: StackingRules, rounding: Rounding
) -> Iterator[tuple[int, int, list[int]]]:
    """What every allowed sequence of codes saves, as deals are compared: most first, then fewer, then named earlier."""
    for count in range(1, len(codes) + 1):
        for places in permutations(range(len(codes)), count):
            ranks = [stacking.rank_of(codes[place]) for place in places]
            types = {stacking.type_of(codes[place].category_id) for place in places}
            if ranks != sorted(ranks) or {None, "EXCLUSIVE"} <= types:
                continue
            standing, saved_amounts = Standing(cart), []
            for place in places:
                outcome = consider(standing, codes[place], Terms(stacking, rounding))
                if outcome.status != "APPLICABLE":
                    break
                saved_amounts.append(outcome.application.total_discount_amount)
                standing = standing.after(outcome, stacking)
            if len(saved_amounts) == count:
                yield -sum(saved_amounts), count, sorted(places)


def compared(decision: Decision, codes: Sequence[Redeemable]) -> tuple[int, int, list[int]] | None:
    names = [redeemable.id for redeemable in codes]
    places = sorted(names.index(name) for name in applied(decision))
    return (-decision.discount_amount, len(places), places) if places else None


def check_against_every_deal(
    cart: Cart, codes: list[Redeemable], stacking: StackingRules, rounding: Rounding, looks: int
) -> None:
    decision = best_deal(cart, codes, stacking, rounding=rounding, looks=looks)

    assert is_optimal(decision)
    assert compared(decision, codes) == min(every_deal(cart, codes, stacking, rounding), default=None)


@given(carts(), choices(4), stackings, roundings)
def test_no_combination_saves_more_than_the_best_deal(
    cart: Cart, codes: list[Redeemable], stacking: StackingRules, rounding: Rounding
) -> None:
    check_against_every_deal(cart, codes, stacking, rounding, looks=100_000)


@given(carts(), choices(6), stackings)
def test_no_combination_of_six_saves_more_than_the_best_deal(
    cart: Cart, codes: list[Redeemable], stacking: StackingRules
) -> None:
    check_against_every_deal(cart, codes, stacking, "half_up", looks=100_000)


@given(carts(), choices(8), stackings, st.integers(1, 60))
def test_a_deal_never_saves_less_than_the_best_single_code_it_looked_at_and_is_the_same_twice(
    cart: Cart, codes: list[Redeemable], stacking: StackingRules, looks: int
) -> None:
    first, second = (best_deal(cart, codes, stacking, looks=looks) for _ in range(2))

    assert first == second
    assert 0 <= first.discount_amount <= cart.total_amount
    alone = [best_deal(cart, [codes[index]], stacking).discount_amount for index in range(min(looks, len(codes)))]
    assert first.discount_amount >= max(alone, default=0)
