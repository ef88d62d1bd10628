"""Sorting, grouping and limiting by category: what the stacking rules of the contract decide (surface.md section 8)."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.applicability import Applicability, ApplicabilityDefinition, applicability_of
from app.engine.cart import Cart, Item, Product
from app.engine.decision import Decision
from app.engine.effects import AddMissingItems, AmountOff, Effect, FixedPrice, GiftCredits, PercentOff
from app.engine.evaluate import evaluate
from app.engine.redeemables import Redeemable, Unresolved
from app.engine.rules import RuleSet, parse_rule_set
from app.engine.stacking import StackingRules
from app.engine.units import UnitSource

from .carts import BUYER, EVERYTHING, applicabilities, carts, discounts, make_cart, make_item, modes, reaching

ORDER = make_cart(amount=100_00, customer=BUYER)
TEN_OFF = AmountOff(amount_off=10_00)
USELESS = FixedPrice(fixed_amount=500_00)


def code(name: str, category_id: str | None = None, effect: Effect = TEN_OFF, **fields: Any) -> Redeemable:
    return Redeemable(
        "voucher", id=name, object_id=f"v_{name}", effect=effect, **{"category_id": category_id, **fields}
    )


def card(name: str, amount: int, **fields: Any) -> Redeemable:
    return code(name, effect=GiftCredits(balance=amount), is_tender=True, **fields)


def percent(percent_off: int, effect: str = "APPLY_TO_ORDER") -> PercentOff:
    return PercentOff.model_validate({"percent_off": percent_off, "effect": effect})


def rules(**settings: Any) -> StackingRules:
    return StackingRules.model_validate(settings)


def order_above(minor_units: int) -> RuleSet:
    node = {"name": "order.amount", "conditions": {"$more_than": [minor_units]}, "rules": {}}
    return parse_rule_set({"rules": {"1": node, "logic": "1"}})


def targets(*entries: dict[str, Any]) -> Applicability | None:
    return applicability_of(ApplicabilityDefinition.model_validate({"included": list(entries)}))


def order(decision: Decision) -> list[str]:
    return [outcome.redeemable.id for outcome in decision.outcomes]


def reasons(decision: Decision) -> dict[str, str]:
    """Status of what applies or fails, reason of what was skipped, by code."""
    return {outcome.redeemable.id: outcome.skip_reason or outcome.status for outcome in decision.outcomes}


def test_as_requested_is_the_order_unless_the_hierarchy_of_categories_is_asked_for() -> None:
    stack = [
        code("C", "cat_3", hierarchy=3),
        code("A", "cat_0", hierarchy=0),
        code("NONE"),
        code("B", "cat_1", hierarchy=1),
        code("B2", "cat_1b", hierarchy=1),
    ]

    assert order(evaluate(ORDER, stack, rules())) == ["C", "A", "NONE", "B", "B2"]
    # What has no category stands at the default hierarchy, 1; ties keep the order of the request.
    by_hierarchy = evaluate(ORDER, stack, rules(redeemables_sorting_rule="CATEGORY_HIERARCHY"))
    assert order(by_hierarchy) == ["A", "NONE", "B", "B2", "C"]


def test_joint_codes_come_last_unless_they_are_sorted_with_the_others() -> None:
    stack = [code("J", "cat_j", hierarchy=0), code("A"), code("B", "cat_b", hierarchy=2)]
    joint = {"joint_categories": ["cat_j"], "redeemables_sorting_rule": "CATEGORY_HIERARCHY"}

    assert order(evaluate(ORDER, stack, rules(**joint))) == ["A", "B", "J"]
    sorted_together = rules(**joint, grouped_redeemables_sorting_rule="REDEEMABLES_SORTING_RULE")
    assert order(evaluate(ORDER, stack, sorted_together)) == ["J", "A", "B"]


def test_a_gift_card_pays_what_discounts_leave_unless_tenders_are_sorted_like_them() -> None:
    stack = [card("CARD", 20_00), code("HALF", effect=percent(50))]

    after, as_requested = (
        evaluate(ORDER, stack, rules(tenders_sorting_rule=rule)) for rule in ("AFTER_DISCOUNTS", "AS_REDEEMABLES")
    )

    assert (order(after), after.cart.total_amount) == (["HALF", "CARD"], 30_00)
    assert (order(as_requested), as_requested.cart.total_amount) == (["CARD", "HALF"], 40_00)


def test_an_exclusive_code_skips_common_ones_and_leaves_joint_ones() -> None:
    stacking = rules(exclusive_categories=["cat_x"], joint_categories=["cat_j"])
    stack = [code("A"), code("J", "cat_j"), code("B", "cat_b"), code("X", "cat_x")]

    decision = evaluate(ORDER, stack, stacking)

    assert reasons(decision) == {
        "A": "exclusion_rules_not_met",
        "B": "exclusion_rules_not_met",
        "X": "APPLICABLE",
        "J": "APPLICABLE",
    }
    assert decision.is_valid
    assert decision.discount_amount == 20_00


@pytest.mark.parametrize(
    "broken",
    [
        {"is_active": False},
        {"rules": (("val_1", order_above(999_00)),)},
    ],
)
def test_an_exclusive_code_that_does_not_apply_excludes_nobody(broken: dict[str, Any]) -> None:
    stacking = rules(exclusive_categories=["cat_x"], redeemables_application_mode="PARTIAL")

    decision = evaluate(ORDER, [code("A"), code("X", "cat_x", **broken)], stacking)

    assert reasons(decision) == {"A": "APPLICABLE", "X": "INAPPLICABLE"}


def test_an_exclusive_code_without_effect_that_is_skipped_for_it_excludes_nobody() -> None:
    stacking = rules(exclusive_categories=["cat_x"], redeemables_no_effect_rule="SKIP")

    decision = evaluate(ORDER, [code("A"), code("X", "cat_x", USELESS)], stacking)

    assert reasons(decision) == {"A": "APPLICABLE", "X": "no_effect"}


def test_a_code_that_is_unknown_or_closed_fails_the_whole_request_in_mode_all_even_where_it_would_be_excluded() -> None:
    stacking = rules(exclusive_categories=["cat_x"])

    for broken in (Unresolved("voucher", "B"), code("B", is_active=False)):
        decision = evaluate(ORDER, [code("X", "cat_x"), broken, code("A")], stacking)

        assert not decision.is_valid
        assert reasons(decision) == {"X": "APPLICABLE", "B": "INAPPLICABLE", "A": "preceding_validation_failed"}


def test_exclusive_codes_stack_with_each_other_up_to_their_limits() -> None:
    stack = [code("X1", "cat_x"), code("X2", "cat_x"), code("Y1", "cat_y"), code("Y2", "cat_y"), code("Z", "cat_z")]
    exclusive = {"exclusive_categories": ["cat_x", "cat_y", "cat_z"]}

    one = evaluate(ORDER, stack, rules(**exclusive))
    three = evaluate(ORDER, stack, rules(**exclusive, applicable_exclusive_redeemables_limit=3))
    many = evaluate(
        ORDER,
        stack,
        rules(
            **exclusive,
            applicable_exclusive_redeemables_limit=5,
            applicable_exclusive_redeemables_per_category_limit=2,
            applicable_redeemables_category_limits={"cat_y": 1},
        ),
    )

    total, per_category = (
        "applicable_exclusive_redeemables_limit_exceeded",
        "applicable_exclusive_redeemables_per_category_limit_exceeded",
    )
    assert list(reasons(one).values()) == ["APPLICABLE", total, total, total, total]
    assert list(reasons(three).values()) == ["APPLICABLE", per_category, "APPLICABLE", per_category, "APPLICABLE"]
    assert reasons(many)["Y2"] == "applicable_redeemables_per_category_limit_exceeded"
    assert list(reasons(many).values()).count("APPLICABLE") == 4


def test_one_code_of_a_category_applies_unless_the_limits_say_more_and_codes_without_category_are_not_limited() -> None:
    stack = [code("A1", "cat_a"), code("A2", "cat_a"), code("A3", "cat_a"), code("N1"), code("N2")]
    exceeded = "applicable_redeemables_per_category_limit_exceeded"

    assert list(reasons(evaluate(ORDER, stack, rules())).values()) == [
        "APPLICABLE",
        exceeded,
        exceeded,
        "APPLICABLE",
        "APPLICABLE",
    ]
    two = evaluate(ORDER, stack, rules(applicable_redeemables_per_category_limit=2))
    assert reasons(two)["A3"] == exceeded
    own = rules(applicable_redeemables_per_category_limit=1, applicable_redeemables_category_limits={"cat_a": 3})
    assert set(reasons(evaluate(ORDER, stack, own)).values()) == {"APPLICABLE"}
    lower = rules(applicable_redeemables_per_category_limit=3, applicable_redeemables_category_limits={"cat_a": 1})
    assert reasons(evaluate(ORDER, stack, lower))["A2"] == exceeded


def test_a_code_beyond_a_limit_is_skipped_and_its_rules_are_not_asked() -> None:
    stack = [code("A"), code("B", rules=(("val_1", order_above(95_00)),))]

    decision = evaluate(ORDER, stack, rules(applicable_redeemables_limit=1))

    assert reasons(decision) == {"A": "APPLICABLE", "B": "applicable_redeemables_limit_exceeded"}
    assert decision.is_valid


def test_what_changes_nothing_is_skipped_or_redeemed_as_the_rule_and_its_exceptions_say() -> None:
    stack = [code("NONE", effect=USELESS), code("A", "cat_a", USELESS), code("B", "cat_b", USELESS)]

    skip = rules(redeemables_no_effect_rule="SKIP", no_effect_redeem_anyway_categories=["cat_a"])
    anyway = rules(redeemables_no_effect_rule="REDEEM_ANYWAY", no_effect_skip_categories=["cat_a"])

    assert reasons(evaluate(ORDER, stack, skip)) == {"NONE": "no_effect", "A": "APPLICABLE", "B": "no_effect"}
    assert reasons(evaluate(ORDER, stack, anyway)) == {"NONE": "APPLICABLE", "A": "no_effect", "B": "APPLICABLE"}


def test_what_a_percentage_is_a_share_of_can_differ_by_category() -> None:
    stack = [code("A", effect=percent(50)), code("B", "cat_b", percent(50))]

    discounted = rules(discount_calculation_mode="INITIAL_AMOUNT", discounted_amount_mode_categories=["cat_b"])
    initial = rules(discount_calculation_mode="DISCOUNTED_AMOUNT", initial_amount_mode_categories=["cat_b"])

    assert evaluate(ORDER, stack, discounted).cart.total_amount == 25_00
    assert evaluate(ORDER, stack, initial).cart.total_amount == 0


SHIRT_AND_MUG = (make_item("shirt", 1, 100_00), make_item("mug", 1, 10_00))
ONCE = rules(redeemables_products_application_mode="ONCE")


def test_a_product_is_discounted_once_and_by_the_first_where_the_project_says_so() -> None:
    shirts = code("SHIRTS", effect=percent(10, "APPLY_TO_ITEMS"), applicability=reaching("shirt"))
    all_items = code("ALL", effect=percent(50, "APPLY_TO_ITEMS"), applicability=EVERYTHING)
    on_order = code("ORDER", effect=AmountOff(amount_off=1_00))

    decision = evaluate(make_cart(*SHIRT_AND_MUG), [shirts, all_items, on_order], ONCE)
    stacked = evaluate(make_cart(*SHIRT_AND_MUG), [shirts, all_items, on_order], rules())

    assert [item.discount_amount for item in decision.cart.items] == [10_00, 5_00]
    assert decision.cart.discount_amount == 1_00
    assert [item.discount_amount for item in stacked.cart.items] == [55_00, 5_00]


def test_other_lines_of_a_product_that_was_discounted_are_closed_too_and_so_are_its_skus() -> None:
    cart = make_cart(
        make_item("shirt", 1, 10_00, sku_id="sku_red"),
        make_item("shirt", 1, 20_00, sku_id="sku_blue"),
        make_item("mug", 1, 5_00),
    )
    red = code("RED", effect=percent(50, "APPLY_TO_ITEMS"), applicability=targets({"object": "sku", "id": "sku_red"}))
    others = code("ALL", effect=percent(50, "APPLY_TO_ITEMS"), applicability=reaching("shirt", "mug"))

    decision = evaluate(cart, [red, others], ONCE)

    assert [item.discount_amount for item in decision.cart.items] == [5_00, 0, 2_50]


def test_the_cheapest_is_the_cheapest_of_what_is_still_open() -> None:
    collected = {"collection_ids": frozenset({"pc_1"})}
    cart = make_cart(
        *(make_item(name, 1, price, **collected) for name, price in (("mug", 5_00), ("shirt", 10_00), ("coat", 50_00)))
    )
    mugs = code("MUGS", effect=percent(10, "APPLY_TO_ITEMS"), applicability=reaching("mug"))
    clothes_and_mugs = ApplicabilityDefinition.model_validate(
        {"included": [{"object": "products_collection", "id": "pc_1", "effect": "APPLY_TO_CHEAPEST"}]}
    )
    cheapest = code("CHEAPEST", effect=percent(100, "APPLY_TO_ITEMS"), applicability=applicability_of(clothes_and_mugs))

    assert [item.discount_amount for item in evaluate(cart, [mugs, cheapest], ONCE).cart.items] == [50, 10_00, 0]


def test_a_line_without_any_name_is_discounted_once_too() -> None:
    nameless = make_cart(Item(quantity=1, amount=10_00, price=10_00))
    stack = [code(name, effect=percent(10, "APPLY_TO_ITEMS"), applicability=EVERYTHING) for name in "AB"]

    assert evaluate(nameless, stack, ONCE).discount_amount == 1_00


def test_units_of_a_product_that_was_discounted_are_not_given_free() -> None:
    units = {"shirt": UnitSource(Product(id="shirt", price=100_00))}
    free_shirt = code("FREE", effect=AddMissingItems(unit_off=1, unit_type="shirt"), units=units)
    shirts = code("SHIRTS", effect=percent(10, "APPLY_TO_ITEMS"), applicability=reaching("shirt"))

    alone = evaluate(make_cart(*SHIRT_AND_MUG), [free_shirt], ONCE)
    after = evaluate(make_cart(*SHIRT_AND_MUG), [shirts, free_shirt], ONCE)

    assert (alone.discount_amount, after.discount_amount) == (100_00, 10_00)


def test_a_discount_that_an_order_already_carries_closes_its_product() -> None:
    cart = make_cart(make_item("shirt", 1, 10_00, discount_amount=1_00), make_item("mug", 1, 10_00))
    all_items = code("ALL", effect=percent(50, "APPLY_TO_ITEMS"), applicability=EVERYTHING)

    assert [item.discount_amount for item in evaluate(cart, [all_items], ONCE).cart.items] == [1_00, 5_00]


def test_gift_cards_pay_for_products_that_were_discounted_once() -> None:
    cart = make_cart(*SHIRT_AND_MUG)
    all_items = code("ALL", effect=percent(50, "APPLY_TO_ITEMS"), applicability=EVERYTHING)
    on_items = code(
        "CARD",
        effect=GiftCredits(balance=500_00, effect="APPLY_TO_ITEMS"),
        applicability=EVERYTHING,
        is_tender=True,
    )

    assert evaluate(cart, [all_items, on_items], ONCE).cart.total_amount == 0


categories = st.sampled_from([None, "cat_a", "cat_b", "cat_j", "cat_x"])
stackings = st.builds(
    StackingRules,
    redeemables_application_mode=st.sampled_from(["ALL", "PARTIAL"]),
    redeemables_no_effect_rule=st.sampled_from(["SKIP", "REDEEM_ANYWAY"]),
    redeemables_sorting_rule=st.sampled_from(["CATEGORY_HIERARCHY", "REQUESTED_ORDER"]),
    redeemables_products_application_mode=st.sampled_from(["STACK", "ONCE"]),
    applicable_redeemables_limit=st.integers(1, 6),
    applicable_redeemables_per_category_limit=st.integers(1, 3),
    applicable_redeemables_category_limits=st.dictionaries(st.sampled_from(["cat_a", "cat_x"]), st.integers(1, 3)),
    applicable_exclusive_redeemables_limit=st.integers(1, 3),
    applicable_exclusive_redeemables_per_category_limit=st.integers(1, 3),
    exclusive_categories=st.sampled_from([(), ("cat_x",)]),
    joint_categories=st.sampled_from([(), ("cat_j",)]),
    discount_calculation_mode=modes,
)
stacks = st.lists(st.tuples(discounts, applicabilities, categories, st.integers(0, 3), st.booleans()), max_size=7).map(
    lambda entries: [
        code(f"C{index}", category_id, effect, applicability=applicability, hierarchy=hierarchy, is_tender=is_tender)
        for index, (effect, applicability, category_id, hierarchy, is_tender) in enumerate(entries)
    ]
)


@given(carts(), stacks, stackings)
def test_no_stack_under_any_rules_exceeds_the_cart_or_its_limits(
    cart: Cart, stack: list[Redeemable], stacking: StackingRules
) -> None:
    decision = evaluate(cart, stack, stacking)

    assert sorted(order(decision)) == sorted(redeemable.id for redeemable in stack)
    assert 0 <= decision.discount_amount <= cart.total_amount
    for item, before in zip(decision.cart.items, cart.items, strict=True):
        assert before.discount_amount <= item.discount_amount <= item.amount
    applied = [
        outcome.redeemable
        for outcome in decision.outcomes
        if outcome.status == "APPLICABLE" and isinstance(outcome.redeemable, Redeemable)
    ]
    assert len(applied) <= stacking.applicable_redeemables_limit
    types = [stacking.type_of(redeemable.category_id) for redeemable in applied]
    assert types.count("EXCLUSIVE") <= stacking.applicable_exclusive_redeemables_limit
    assert not {"EXCLUSIVE", None} <= set(types)
    ranks = [stacking.rank_of(redeemable) for redeemable in applied]
    assert ranks == sorted(ranks)


@given(
    st.lists(st.integers(1, 40_00), min_size=1, max_size=4), categories, stackings, st.sampled_from(["cat_j", "cat_a"])
)
def test_permuting_equal_codes_changes_no_total(
    amounts: list[int], category_id: str | None, stacking: StackingRules, other: str
) -> None:
    amount = amounts[0]
    others = [code(f"O{index}", other, AmountOff(amount_off=off)) for index, off in enumerate(amounts[1:])]
    alike = [code(name, category_id, AmountOff(amount_off=amount)) for name in "ABC"]

    totals = {evaluate(ORDER, [*mixed, *others], stacking).cart.total_amount for mixed in permutations(alike)}

    assert len(totals) == 1


@given(st.lists(st.tuples(st.integers(1, 100), categories), min_size=1, max_size=5))
def test_percentages_of_the_initial_amount_add_up_in_any_order_that_the_rules_let_them_have(
    entries: list[tuple[int, str | None]],
) -> None:
    stacking = rules(discount_calculation_mode="INITIAL_AMOUNT", applicable_redeemables_per_category_limit=5)
    stack = [code(f"C{index}", category_id, percent(off)) for index, (off, category_id) in enumerate(entries)]

    forward, backward = evaluate(ORDER, stack, stacking), evaluate(ORDER, stack[::-1], stacking)

    assert forward.cart.total_amount == backward.cart.total_amount == max(0, 100_00 - sum(o for o, _ in entries) * 100)
