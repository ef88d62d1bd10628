"""What one redeemable does to an order, and the order after it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from app.engine.cart import Cart, Item
from app.engine.postings import Posting
from app.engine.stored import Stored
from app.engine.targets import Pick


class Replacement(NamedTuple):
    """Units of one line exchanged for units of another, as the wire's `application_details` tells it.

    The source's figures are what it loses, as positive numbers; amounts are in minor units.
    """

    source_index: int
    source_quantity: int
    source_amount: int
    target_index: int
    target_quantity: int
    target_amount: int
    target_discount_amount: int


@dataclass(frozen=True, slots=True)
class Application:
    """What one redeemable does, or the sum of several, in minor units and units.

    The tuples have one entry per line of the cart, the `added_items` after its own lines, or are empty when all entries
    are zero; they may end early. `item_discount_amounts` and `item_discount_quantities` are what is taken off and how
    many units are free of charge; `item_quantities` and `item_amounts` the units that lines gain or lose and what those
    cost before discounts. `added_items` are new lines, empty until their entries fill them.

    `picks` tells which units were discounted where that is not whole lines; only a single redeemable's application
    says so, a sum does not. `credits` is how much of what is taken off a tender pays: a gift card's balance sinks by
    it, a loyalty card's by the `points` that it takes. `computed` is a single redeemable's discount as it was given,
    where a formula supplied its figure; `unit_postings` what it takes from the accounts of units that its targets
    limit.
    """

    order_discount_amount: int = 0
    item_discount_amounts: tuple[int, ...] = ()
    item_discount_quantities: tuple[int, ...] = ()
    item_quantities: tuple[int, ...] = ()
    item_amounts: tuple[int, ...] = ()
    added_items: tuple[Item, ...] = ()
    replacements: tuple[Replacement, ...] = ()
    picks: tuple[Pick, ...] = ()
    credits: int = 0
    points: int = 0
    computed: Stored | None = None
    unit_postings: tuple[Posting, ...] = ()

    @property
    def items_discount_amount(self) -> int:
        return sum(self.item_discount_amounts)

    @property
    def total_discount_amount(self) -> int:
        return self.order_discount_amount + sum(self.item_discount_amounts)

    @property
    def has_effect(self) -> bool:
        """Whether the order differs from what it was: in what is to be paid for it, or in its units."""
        return self.total_discount_amount > 0 or any(self.item_quantities) or any(self.item_discount_quantities)

    def applied_to(self, cart: Cart) -> Cart:
        """`cart` with this added to what it already carries."""
        if not (self.item_discount_amounts or self.item_quantities or self.item_discount_quantities):
            if not self.order_discount_amount:
                return cart
            return replace(cart, discount_amount=cart.discount_amount + self.order_discount_amount)
        items = cart.items + self.added_items
        amounts, quantities = (
            _per_line(self.item_discount_amounts, items),
            _per_line(self.item_discount_quantities, items),
        )
        if not self.item_quantities:
            return replace(
                cart,
                discount_amount=cart.discount_amount + self.order_discount_amount,
                items=tuple(
                    item.changed(amount, quantity) if amount or quantity else item
                    for item, amount, quantity in zip(items, amounts, quantities, strict=True)
                ),
            )
        gained, costs = _per_line(self.item_quantities, items), _per_line(self.item_amounts, items)
        return replace(
            cart,
            amount=None if cart.amount is None else cart.amount + sum(self.item_amounts),
            initial_amount=cart.amount if cart.initial_amount is None else cart.initial_amount,
            discount_amount=cart.discount_amount + self.order_discount_amount,
            items=tuple(
                item.changed(amount, quantity, gain, cost) if amount or quantity or gain else item
                for item, amount, quantity, gain, cost in zip(items, amounts, quantities, gained, costs, strict=True)
            ),
        )

    def __add__(self, other: "Application") -> "Application":
        """Both, one after the other: `other` was computed on the cart that this one leaves."""
        return Application(
            self.order_discount_amount + other.order_discount_amount,
            _added(self.item_discount_amounts, other.item_discount_amounts),
            _added(self.item_discount_quantities, other.item_discount_quantities),
            _added(self.item_quantities, other.item_quantities),
            _added(self.item_amounts, other.item_amounts),
            self.added_items + other.added_items,
            self.replacements + other.replacements,
            credits=self.credits + other.credits,
            points=self.points + other.points,
        )


NOTHING = Application()


def _per_line(figures: tuple[int, ...], items: Sequence[Item]) -> tuple[int, ...]:
    missing = len(items) - len(figures)
    return figures + (0,) * missing if missing else figures


def _added(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    """Sum line by line; what is missing at the end is zero."""
    if not first or not second:
        return first or second
    if len(first) < len(second):
        first, second = second, first
    return (*map(int.__add__, first, second), *first[len(second) :])
