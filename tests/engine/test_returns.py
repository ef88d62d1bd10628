"""What is given back for units that come back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from app.engine.applicability import Applicability, ApplicabilityDefinition, applicability_of
from app.engine.cart import Cart
from app.engine.effects import AddNewItems, AmountOff, Effect, EffectScope, GiftCredits, PercentOff
from app.engine.returns import (
    Purchase,
    Return,
    Returned,
    Share,
    Stretch,
    cheapest,
    joined,
    kept_of,
    purchase_of,
    return_of,
    unit_of,
)
from app.engine.stored_allocation import parsed, written
from app.engine.unit_allocation import spread_of

from .carts import EVERYTHING, SOURCES, effects, make_cart, make_item, narrow_applicabilities, summed_carts


@dataclass
class Desk:
    """Takes units back, one return after the other, and remembers what it gave."""

    purchase: Purchase
    returned: Returned = field(default_factory=Returned)

    def take(self, lines: dict[int, int], kept_value: int | None = None) -> Return:
        """Take back so many units of these lines."""
        return self.take_units(
            {index: cheapest(self.purchase, self.kept(index), units) for index, units in lines.items()}, kept_value
        )

    def take_units(self, chosen: dict[int, list[Stretch]], kept_value: int | None = None) -> Return:
        given_back = return_of(self.purchase, self.returned, chosen, kept_value=kept_value)
        spans = {index: list(known) for index, known in self.returned.spans.items()}
        for line in given_back.lines:
            spans[line.index] = list(joined([*spans.get(line.index, []), *line.spans]))
        credits = dict(self.returned.credits)
        for share in given_back.shares:
            credits[share.redemption_id] = credits.get(share.redemption_id, 0) + share.credits
        self.returned = Returned(spans, self.returned.amount + given_back.amount, credits)
        return given_back

    def kept(self, index: int) -> list[Stretch]:
        return kept_of(self.purchase.lines[index], self.returned.spans.get(index, ()))


class Use(NamedTuple):
    """A redeemable on the order, given once for each bundle that is complete."""

    effect: Effect
    applicability: Applicability = EVERYTHING
    bundles_count: int = 1


def bought(cart: Cart, *redeemed: Use) -> tuple[Purchase, Cart]:
    """The purchase as it is kept and read again, and the order after the whole stack."""
    applications, running = [], cart
    for use in redeemed:
        scope = EffectScope(running, use.applicability, units=SOURCES, bundles_count=use.bundles_count)
        application = use.effect.application(scope)
        applications.append(application)
        running = application.applied_to(running)
    spread = spread_of(cart, applications)
    shares = [
        Share(
            str(n), application.total_discount_amount, parsed(written(allocation)), isinstance(use.effect, GiftCredits)
        )
        for n, (application, allocation, use) in enumerate(zip(applications, spread.allocations, redeemed, strict=True))
    ]
    return purchase_of(running.total_amount, parsed(written(spread.left)), shares), running


gift_cards = st.builds(
    GiftCredits, balance=st.integers(1, 100_000), effect=st.sampled_from(["APPLY_TO_ORDER", "APPLY_TO_ITEMS"])
)
stacks = st.lists(
    st.builds(Use, effects | gift_cards, narrow_applicabilities() | st.just(EVERYTHING), st.integers(1, 3)), max_size=4
)
orders = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 12)), max_size=12)


def gift(balance: int) -> Use:
    return Use(GiftCredits(balance=balance))


@given(summed_carts(), stacks, orders)
def test_any_sequence_of_returns_that_ends_with_all_units_gives_back_exactly_what_was_paid(
    cart: Cart, stack: Sequence[Use], returns: list[tuple[int, int]]
) -> None:
    purchase, after = bought(cart, *stack)
    desk = Desk(purchase)

    for place, units in returns:
        given_back = desk.take({place % len(purchase.lines): units}) if purchase.lines else desk.take({})
        assert given_back.amount >= 0
        assert all(share.credits >= 0 for share in given_back.shares)
        assert given_back.remaining_amount >= 0
        assert given_back.remaining_credits >= 0
    desk.take({index: 10**6 for index in range(len(purchase.lines))})

    assert desk.returned.amount == after.total_amount
    assert desk.returned.credits == {share.redemption_id: share.amount * share.is_tender for share in purchase.shares}


@given(summed_carts(), stacks)
def test_every_unit_returned_alone_gives_back_what_it_cost_and_together_what_was_paid(
    cart: Cart, stack: Sequence[Use]
) -> None:
    purchase, after = bought(cart, *stack)
    units = [(index, stretch) for index, line in enumerate(purchase.lines) for stretch in line]

    alone = [return_of(purchase, Returned(), {index: [stretch]}) for index, stretch in units]

    if len(units) > 1:
        assert all(each.adjustment_amount == 0 for each in alone)
    assert sum(each.amount for each in alone) == after.total_amount
    assert sum(each.credits for each in alone) <= purchase.value - after.total_amount


@given(summed_carts(), stacks, orders, st.data())
def test_requalified_returns_never_give_back_less_than_nothing_nor_more_than_was_paid(
    cart: Cart, stack: Sequence[Use], returns: list[tuple[int, int]], data: st.DataObject
) -> None:
    purchase, _ = bought(cart, *stack)
    desk = Desk(purchase)

    for place, units in returns:
        kept_value = data.draw(st.integers(0, 2 * purchase.value + 1))
        lines = {place % len(purchase.lines): units} if purchase.lines else {}
        given_back = desk.take(lines, kept_value)
        assert given_back.amount + given_back.credits >= 0
        assert desk.returned.amount <= purchase.paid_amount
        if given_back.remaining_quantity:
            assert desk.returned.value <= max(purchase.value - kept_value, desk.returned.value)
    desk.take({index: 10**6 for index in range(len(purchase.lines))}, 0)

    assert desk.returned.value == purchase.value


def test_a_share_of_40_percent_stays_40_percent_after_a_return() -> None:
    """vendure#4811, #5127: what was given back was computed anew from what was left, and 40 % became 4 %."""
    cart = make_cart(make_item("a", 1, 100_00), make_item("b", 10, 10_00))
    purchase, _ = bought(cart, Use(PercentOff(percent_off=Decimal(40))))
    desk = Desk(purchase)

    given_back = [desk.take({0: 1}).amount, *(desk.take({1: 1}).amount for _ in range(10))]

    assert given_back == [60_00, *[6_00] * 10]


def test_a_gift_card_has_back_what_it_paid_for_the_unit_and_the_customer_the_rest() -> None:
    cart = make_cart(make_item("a", 2, 30_00), make_item("b", 1, 40_00))
    purchase, _ = bought(cart, Use(PercentOff(percent_off=Decimal(10))), gift(45_00))

    given_back = Desk(purchase).take({0: 1})

    assert (given_back.amount, given_back.credits) == (13_50, 13_50)
    assert [share.discount_amount for share in given_back.shares] == [3_00, 0]
    assert (given_back.remaining_quantity, given_back.remaining_amount, given_back.remaining_credits) == (
        2,
        31_50,
        31_50,
    )


def test_the_free_unit_of_three_for_two_comes_back_first_and_is_worth_nothing() -> None:
    third = applicability_of(
        ApplicabilityDefinition.model_validate(
            {"included": [{"object": "product", "id": "a", "target": "UNIT", "skip_initially": 2, "repeat": 1}]}
        )
    )
    assert third is not None
    purchase, _ = bought(
        make_cart(make_item("a", 3, 10_00)),
        Use(PercentOff(percent_off=Decimal(100), effect="APPLY_TO_ITEMS"), third),
    )
    desk = Desk(purchase)

    assert [desk.take({0: 1}).amount for _ in range(3)] == [0, 10_00, 10_00]


def test_units_can_be_named() -> None:
    purchase, _ = bought(make_cart(make_item("a", 2, 10_00)), Use(AddNewItems(unit_off=1, unit_type="a")))
    desk = Desk(purchase)

    given_back = desk.take_units({0: [unit for unit in (unit_of(desk.kept(0), number) for number in (3, 1)) if unit]})

    assert [(line.spans, line.amount) for line in given_back.lines] == [(((1, 1), (3, 3)), 10_00)]


def test_cents_that_do_not_divide_come_back_to_the_cent() -> None:
    purchase, _ = bought(make_cart(make_item("a", 3, 3_33)), Use(AmountOff(amount_off=1_00)))
    desk = Desk(purchase)

    assert [desk.take({0: 1}).amount for _ in range(3)] == [2_99, 3_00, 3_00]


def test_what_no_unit_carries_comes_back_with_the_last() -> None:
    purchase = purchase_of(70_00, parsed("2x1000"), [Share("r", 30_00, (), is_tender=True)])
    desk = Desk(purchase)

    first, last = desk.take({0: 1}), desk.take({0: 1})

    assert (first.amount, first.credits, first.adjustment_amount) == (10_00, 0, 0)
    assert (last.amount, last.credits, last.adjustment_amount) == (60_00, 30_00, 80_00)


def test_an_order_without_units_is_given_back_as_a_whole() -> None:
    purchase = purchase_of(70_00, (), [Share("r", 30_00, (), is_tender=True)])

    given_back = return_of(purchase, Returned(), {})

    assert (given_back.amount, given_back.credits, given_back.remaining_amount) == (70_00, 30_00, 0)


def test_what_kept_units_cost_by_themselves_is_not_given_back() -> None:
    purchase, _ = bought(make_cart(make_item("a", 2, 50_00)), Use(AmountOff(amount_off=20_00)), gift(30_00))
    desk = Desk(purchase)

    lost_the_discount = desk.take({0: 1}, kept_value=50_00)
    rest = desk.take({0: 1}, kept_value=0)

    assert (lost_the_discount.amount, lost_the_discount.credits, lost_the_discount.adjustment_amount) == (
        30_00,
        0,
        -10_00,
    )
    assert (rest.amount, rest.credits, rest.adjustment_amount) == (20_00, 30_00, 10_00)


def test_a_million_units_are_not_looked_at_one_by_one() -> None:
    purchase, _ = bought(
        make_cart(*(make_item("a", 1_000_000_000, 1) for _ in range(100))),
        Use(AmountOff(amount_off=999)),
    )

    given_back = Desk(purchase).take({index: 999_999_999 for index in range(100)})

    assert given_back.remaining_quantity == 100
    assert given_back.amount + given_back.remaining_amount == purchase.paid_amount


spans = st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)).map(lambda ends: (min(ends), max(ends))), max_size=8)


@given(st.lists(st.integers(1, 9), max_size=5), spans)
def test_what_is_kept_are_the_units_that_did_not_come_back(lengths: list[int], gone: list[tuple[int, int]]) -> None:
    line, first = [], 1
    for amount, units in enumerate(lengths):
        line.append(Stretch(first, units, amount, ()))
        first += units
    single = {number: stretch.amount for stretch in line for number in range(stretch.first, stretch.last + 1)}

    kept = kept_of(line, gone)

    came_back = {number for start, end in gone for number in range(start, end + 1)}
    assert {number: each.amount for each in kept for number in range(each.first, each.last + 1)} == {
        number: amount for number, amount in single.items() if number not in came_back
    }
    assert sum(each.units for each in kept) == len(single.keys() - came_back)
    assert all((unit_of(kept, number) is None) == (number not in single or number in came_back) for number in range(32))


def test_a_line_that_came_back_in_a_hundred_thousand_pieces_is_looked_at_once() -> None:
    line = (Stretch(1, 10**9, 5, ()),)

    kept = kept_of(line, ((number, number) for number in range(2, 200_001, 2)))

    assert len(kept) == 100_001
    assert sum(each.units for each in kept) == 10**9 - 100_000
