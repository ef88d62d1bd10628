"""How discounts are spread over single units."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from app.engine.applicability import Applicability, ApplicabilityDefinition, applicability_of
from app.engine.application import Application
from app.engine.cart import Cart, Product
from app.engine.effects import AddMissingItems, AddNewItems, AmountOff, Effect, EffectScope, PercentOff, ReplaceItems
from app.engine.stored_allocation import parsed, written
from app.engine.unit_allocation import Allocation, Runs, allocation_of, allocations_of, spread_of
from app.engine.units import UnitSource

from .carts import EVERYTHING, SOURCES, effects, make_cart, make_item, narrow_applicabilities, summed_carts


def amount_of(runs: Runs) -> int:
    return sum(units * amount for units, amount in runs)


def stacked(cart: Cart, *redeemed: tuple[Effect, Applicability]) -> tuple[list[Application], Cart]:
    """The applications one after the other, and the order they leave."""
    applications = []
    for effect, applicability in redeemed:
        application = effect.application(EffectScope(cart, applicability, units=SOURCES))
        applications.append(application)
        cart = application.applied_to(cart)
    return applications, cart


def paid_for(cart: Cart, allocations: list[Allocation]) -> list[list[int]]:
    """What each unit of each line of the final order costs in the end."""
    paid = []
    for index, item in enumerate(cart.items):
        units = item.quantity or (1 if item.amount else 0)
        price, odd = divmod(item.amount, units) if units else (0, 0)
        left = [price + 1] * odd + [price] * (units - odd)
        for allocation in allocations:
            runs = allocation[index] if index < len(allocation) else ()
            carried = [amount for count, amount in runs for _ in range(count)]
            for place, amount in enumerate(carried[:units]):
                left[place] -= amount
        paid.append(left)
    return paid


every_applicability = narrow_applicabilities() | st.just(EVERYTHING)


@given(summed_carts(), st.lists(st.tuples(effects, every_applicability), max_size=5))
def test_the_units_of_any_stack_pay_what_the_order_costs_and_none_less_than_nothing(
    cart: Cart, redeemed: list[tuple[Effect, Applicability]]
) -> None:
    applications, after = stacked(cart, *redeemed)

    spread = spread_of(cart, applications)
    paid = paid_for(after, list(spread.allocations))

    assert sum(map(sum, paid)) == after.total_amount == sum(map(amount_of, spread.left))
    assert all(amount >= 0 for units in paid for amount in units)
    assert all(amount >= 0 for runs in spread.left for _, amount in runs)
    assert [sum(units for units, _ in runs) for runs in spread.left] == [item.quantity for item in after.items]


@given(summed_carts(), st.lists(st.tuples(effects, every_applicability), max_size=4))
def test_an_allocation_is_read_as_it_was_written(cart: Cart, redeemed: list[tuple[Effect, Applicability]]) -> None:
    applications, _ = stacked(cart, *redeemed)

    for allocation in allocations_of(cart, applications):
        read = parsed(written(allocation))
        assert read == allocation[: len(read)]
        assert not any(allocation[len(read) :])


def test_an_allocation_over_ten_lines_takes_less_than_a_hundred_bytes() -> None:
    cart = make_cart(*(make_item(f"p{n}", 1 + n % 3, 19_99) for n in range(10)))
    tenth = PercentOff(percent_off=Decimal(10)).application(EffectScope(cart))

    spread = spread_of(cart, [tenth])

    assert len(written(spread.allocations[0])) < 100
    assert len(written(spread.left)) < 100


@given(summed_carts(), effects, every_applicability)
def test_the_units_carry_the_whole_discount_and_nothing_else(
    cart: Cart, effect: Effect, applicability: Applicability
) -> None:
    (application,), after = stacked(cart, (effect, applicability))

    allocation = allocation_of(cart, application)

    assert sum(map(amount_of, allocation)) == application.total_discount_amount
    assert len(allocation) == len(after.items)
    for runs, item, amount in zip(
        allocation, after.items, application.item_discount_amounts or (0,) * len(after.items), strict=False
    ):
        assert not runs or sum(units for units, _ in runs) == max(item.quantity, item.initial_quantity or 0)
        assert application.order_discount_amount or amount_of(runs) == amount


@given(summed_carts(), st.lists(st.tuples(effects, every_applicability), max_size=3), effects, every_applicability)
def test_a_discount_is_spread_whole_whatever_the_order_carries(
    cart: Cart, redeemed: list[tuple[Effect, Applicability]], effect: Effect, applicability: Applicability
) -> None:
    _, carrying = stacked(cart, *redeemed)
    (application,), _ = stacked(carrying, (effect, applicability))

    assert sum(map(amount_of, allocation_of(carrying, application))) == application.total_discount_amount


@given(summed_carts(), st.tuples(effects, every_applicability), st.tuples(effects, every_applicability))
def test_a_later_redemption_is_spread_over_what_earlier_ones_left(
    cart: Cart, first: tuple[Effect, Applicability], second: tuple[Effect, Applicability]
) -> None:
    (one,), between = stacked(cart, first)
    (other,), after = stacked(between, second)
    earlier = allocation_of(cart, one)

    later = allocations_of(between, [other], [earlier])[0]

    paid = paid_for(after, [earlier, later])
    assert sum(map(sum, paid)) == after.total_amount
    assert all(amount >= 0 for units in paid for amount in units)


def test_a_discount_on_the_order_is_spread_by_what_is_left_of_each_line() -> None:
    cart = make_cart(make_item("a", 1, 10_00), make_item("b", 2, 10_00))

    assert allocation_of(cart, Application(order_discount_amount=10_00)) == (((1, 3_33),), ((1, 3_34), (1, 3_33)))


def test_the_units_a_target_picked_carry_its_discount() -> None:
    every_second = applicability_of(
        ApplicabilityDefinition.model_validate(
            {"included": [{"object": "product", "id": "a", "target": "UNIT", "repeat": 2}]}
        )
    )
    cart = make_cart(make_item("a", 4, 10_00))
    half = PercentOff(percent_off=Decimal(50), effect="APPLY_TO_ITEMS")

    application = half.application(EffectScope(cart, every_second))

    assert allocation_of(cart, application) == (((2, 5_00), (2, 0)),)


def test_free_units_carry_their_whole_price_and_paid_ones_nothing() -> None:
    cart = make_cart(make_item("a", 3, 10_00))

    added = AddNewItems(unit_off=1, unit_type="a").application(EffectScope(cart))
    freed = AddMissingItems(unit_off=5, unit_type="a").application(EffectScope(cart))

    assert allocation_of(cart, added) == (((3, 0), (1, 10_00)),)
    assert allocation_of(cart, freed) == (((5, 10_00),),)


def test_a_discount_on_the_order_leaves_free_units_alone() -> None:
    cart = make_cart(make_item("a", 2, 10_00))
    free = AddNewItems(unit_off=1, unit_type="a").application(EffectScope(cart))
    tenth = AmountOff(amount_off=2_00).application(EffectScope(free.applied_to(cart)))

    assert allocations_of(cart, [free, tenth]) == [(((2, 0), (1, 10_00)),), (((2, 1_00), (1, 0)),)]


def test_what_a_line_cannot_carry_any_more_goes_to_the_others() -> None:
    cart = make_cart(make_item("a", 1, 10_00), make_item("b", 1, 10_00))
    order = AmountOff(amount_off=10_00).application(EffectScope(cart))
    free_a = Application(item_discount_amounts=(10_00, 0))

    assert allocations_of(cart, [order, free_a]) == [
        (((1, 5_00),), ((1, 5_00),)),
        (((1, 5_00),), ((1, 5_00),)),
    ]


def test_units_that_replace_others_take_over_what_those_carried() -> None:
    cart = make_cart(make_item("a", 2, 10_00), make_item("b", 1, 20_00))
    tenth = AmountOff(amount_off=4_00).application(EffectScope(cart))
    between = tenth.applied_to(cart)
    upgrade = ReplaceItems(effect="REPLACE_ITEMS", unit_off=1, unit_type="gift").application(
        EffectScope(between, EVERYTHING, units={"gift": UnitSource(Product("gift", price=15_00))})
    )

    allocations = allocations_of(cart, [tenth, upgrade])

    assert allocations == [(((2, 1_00),), ((1, 2_00),)), (((1, 0), (1, -1_00)), (), ((1, 6_00),))]
    assert paid_for(upgrade.applied_to(between), allocations) == [[9_00], [18_00], [9_00]]


def test_what_an_order_carries_from_elsewhere_is_spread_first() -> None:
    cart = replace(
        make_cart(make_item("a", 2, 10_00, discount_amount=10_00, discount_quantity=1)), discount_amount=5_00
    )

    assert allocation_of(cart, Application(order_discount_amount=5_00)) == (((1, 5_00), (1, 0)),)


def test_an_order_without_priced_lines_has_no_units_to_carry_a_discount() -> None:
    assert allocation_of(make_cart(amount=10_00), Application(order_discount_amount=5_00)) == ()


def test_a_thousand_units_at_one_price_stay_two_runs() -> None:
    cart = make_cart(*(make_item(f"p{n}", 1000, 9_99) for n in range(500)))
    application = PercentOff(percent_off=Decimal(10)).application(EffectScope(cart))

    allocation = allocation_of(cart, application)

    assert max(map(len, allocation)) <= 2
    assert sum(map(amount_of, allocation)) == application.order_discount_amount
