"""What must hold for every effect, alone and in any stack, whatever the cart."""

import random
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.engine.applicability import Applicability, ApplicabilityDefinition, applicability_of
from app.engine.cart import Cart, Item
from app.engine.effects import DiscountCalculationMode, Effect, EffectScope
from app.engine.evaluate import evaluate
from app.engine.money import Rounding
from app.engine.order_calculation import order_calculated
from app.engine.redeemables import Redeemable
from app.engine.stacking import StackingRules

from .carts import (
    EVERYTHING,
    SOURCES,
    carts,
    effects,
    limits,
    modes,
    narrow_applicabilities,
    reaching,
    roundings,
    summed_carts,
)

every_applicability = st.none() | st.just(EVERYTHING) | st.just(reaching("a")) | narrow_applicabilities()
stacks = st.lists(st.tuples(effects, every_applicability), max_size=6)
stackings = st.builds(
    StackingRules,
    discount_calculation_mode=modes,
    redeemables_products_application_mode=st.sampled_from(["STACK", "ONCE"]),
    redeemables_no_effect_rule=st.sampled_from(["REDEEM_ANYWAY", "SKIP"]),
)


def redeemables_of(stack: list[tuple[Effect, Applicability | None]]) -> list[Redeemable]:
    return [
        Redeemable("voucher", f"CODE-{n}", f"v_{n}", effect, applicability=applicability, units=SOURCES)
        for n, (effect, applicability) in enumerate(stack)
    ]


@st.composite
def unit_targets(draw: st.DrawFn) -> Applicability:
    """Targets of units by price without limits for a line: what they pick does not depend on how a cart was built."""
    effects_by_price = [
        "APPLY_TO_CHEAPEST",
        "APPLY_FROM_CHEAPEST",
        "APPLY_TO_MOST_EXPENSIVE",
        "APPLY_FROM_MOST_EXPENSIVE",
    ]
    entry = {
        "object": "product",
        "id": draw(st.sampled_from("abc")),
        "target": "UNIT",
        "effect": draw(st.sampled_from(effects_by_price)),
        "skip_initially": draw(st.none() | st.integers(0, 4)),
        "repeat": draw(st.none() | st.integers(0, 4)),
        "aggregated_quantity_limit": draw(st.none() | st.integers(0, 20)),
        "aggregated_amount_limit": draw(limits),
        "price": draw(st.none() | st.integers(0, 2_000)),
    }
    applicability = applicability_of(ApplicabilityDefinition.model_validate({"included": [entry]}))
    assert applicability is not None
    return applicability


by_price = st.just(EVERYTHING) | st.just(reaching("a")) | unit_targets()


def total_after(
    effect: Effect, cart: Cart, applicability: Applicability, mode: DiscountCalculationMode, rounding: Rounding
) -> tuple[int, int]:
    """The discount, and what is left to pay."""
    application = effect.application(EffectScope(cart, applicability, mode, rounding, units=SOURCES))
    return application.total_discount_amount, application.applied_to(cart).total_amount


def is_given_per_line(effect: Effect) -> bool:
    """Effects that the contract defines line by line: once for each, or within a limit for each."""
    figures: dict[str, Any] = effect.model_dump()
    on_items = figures["effect"] == "APPLY_TO_ITEMS"
    return on_items and (figures["type"] == "AMOUNT" or figures.get("amount_limit") is not None)


@given(summed_carts(), effects, by_price, modes, roundings, st.randoms(use_true_random=False))
def test_the_order_of_the_lines_changes_no_total(
    cart: Cart,
    effect: Effect,
    applicability: Applicability,
    mode: DiscountCalculationMode,
    rounding: Rounding,
    shuffler: random.Random,
) -> None:
    items = list(cart.items)
    shuffler.shuffle(items)
    shuffled = replace(cart, items=tuple(items))

    assert total_after(effect, cart, applicability, mode, rounding) == total_after(
        effect, shuffled, applicability, mode, rounding
    )


@given(
    summed_carts(),
    effects.filter(lambda effect: not is_given_per_line(effect)),
    by_price,
    modes,
    roundings,
    st.integers(0, 5),
    st.integers(1, 11),
)
def test_splitting_a_line_into_two_changes_no_total(
    cart: Cart,
    effect: Effect,
    applicability: Applicability,
    mode: DiscountCalculationMode,
    rounding: Rounding,
    place: int,
    units: int,
) -> None:
    place %= len(cart.items)
    item = cart.items[place]
    first = min(units, item.quantity - 1)
    halves = [part_of(item, quantity) for quantity in (first, item.quantity - first) if quantity]
    split = replace(cart, items=(*cart.items[:place], *halves, *cart.items[place + 1 :]))

    assert total_after(effect, cart, applicability, mode, rounding) == total_after(
        effect, split, applicability, mode, rounding
    )


def part_of(item: Item, quantity: int) -> Item:
    return replace(item, quantity=quantity, amount=quantity * item.price)


@given(carts(), stacks, stackings, roundings)
def test_any_stack_leaves_every_line_and_the_order_at_or_above_zero(
    cart: Cart, stack: list[tuple[Effect, Applicability | None]], stacking: StackingRules, rounding: Rounding
) -> None:
    decision = evaluate(cart, redeemables_of(stack), stacking, rounding=rounding)

    for outcome in decision.outcomes:
        after = outcome.cart
        assert (after.amount or 0) >= after.total_discount_amount
        assert all(item.amount >= item.discount_amount >= 0 for item in after.items)
        assert all(item.quantity >= item.discount_quantity >= 0 for item in after.items)


@given(summed_carts(), stacks, stackings, roundings)
def test_no_stack_makes_an_order_cost_more(
    cart: Cart, stack: list[tuple[Effect, Applicability | None]], stacking: StackingRules, rounding: Rounding
) -> None:
    decision = evaluate(cart, redeemables_of(stack), stacking, rounding=rounding)

    totals = [cart.total_amount, *(outcome.cart.total_amount for outcome in decision.outcomes)]
    assert totals == sorted(totals, reverse=True)


@given(summed_carts(), stacks, stackings)
def test_running_snapshots_add_up(
    cart: Cart, stack: list[tuple[Effect, Applicability | None]], stacking: StackingRules
) -> None:
    decision = evaluate(cart, redeemables_of(stack), stacking)
    snapshots = [
        order_calculated(outcome.cart, outcome.application)
        for outcome in decision.outcomes
        if outcome.status == "APPLICABLE"
    ]

    taken_off, added = 0, 0
    for order in snapshots:
        taken_off += order.get("total_applied_discount_amount", 0)
        added += sum(line.get("applied_quantity_amount", 0) for line in order["items"])
        assert order.get("total_discount_amount", 0) == taken_off
        assert order["amount"] == sum(line["amount"] for line in order["items"]) == cart.total_amount + added
        assert order["initial_amount"] == cart.amount
        assert order["total_amount"] == order["amount"] - taken_off
        assert order.get("items_discount_amount", 0) == sum(line.get("discount_amount", 0) for line in order["items"])
    whole = order_calculated(decision.cart, decision.application)
    assert whole.get("total_applied_discount_amount", 0) == taken_off
    assert sum(line.get("applied_quantity_amount", 0) for line in whole["items"]) == added
    assert sum(line.get("applied_quantity", 0) for line in whole["items"]) == sum(
        item.quantity for item in decision.cart.items
    ) - sum(item.quantity for item in cart.items)


@given(carts(), stacks, stackings)
def test_the_sum_of_a_stack_leaves_the_order_that_its_parts_leave(
    cart: Cart, stack: list[tuple[Effect, Applicability | None]], stacking: StackingRules
) -> None:
    decision = evaluate(cart, redeemables_of(stack), stacking)

    assert decision.application.applied_to(cart) == decision.cart
    assert evaluate(cart, redeemables_of(stack), stacking) == decision
