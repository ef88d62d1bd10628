"""What one redeemable takes off an order, and the order without it."""

from dataclasses import dataclass, replace

from app.engine.cart import Cart


@dataclass(frozen=True, slots=True)
class Application:
    """The discount of one redeemable, or the sum of several, in minor units.

    `item_discount_amounts` has one entry per line of the cart, or is empty when no line is discounted.
    `item_discount_quantities` counts units given free of charge in the same way; discounts in money leave it empty.
    `credits` is how much of what is taken off a tender pays: a gift card's balance sinks by it.
    """

    order_discount_amount: int = 0
    item_discount_amounts: tuple[int, ...] = ()
    item_discount_quantities: tuple[int, ...] = ()
    credits: int = 0

    @property
    def items_discount_amount(self) -> int:
        return sum(self.item_discount_amounts)

    @property
    def total_discount_amount(self) -> int:
        return self.order_discount_amount + sum(self.item_discount_amounts)

    def applied_to(self, cart: Cart) -> Cart:
        """`cart` with this discount added to what it already carries."""
        if not self.item_discount_amounts and not self.item_discount_quantities:
            if not self.order_discount_amount:
                return cart
            return replace(cart, discount_amount=cart.discount_amount + self.order_discount_amount)
        amounts = self.item_discount_amounts or (0,) * len(cart.items)
        quantities = self.item_discount_quantities or (0,) * len(cart.items)
        return replace(
            cart,
            discount_amount=cart.discount_amount + self.order_discount_amount,
            items=tuple(
                item.discounted(amount, quantity) if amount or quantity else item
                for item, amount, quantity in zip(cart.items, amounts, quantities, strict=True)
            ),
        )

    def __add__(self, other: "Application") -> "Application":
        return Application(
            self.order_discount_amount + other.order_discount_amount,
            _added(self.item_discount_amounts, other.item_discount_amounts),
            _added(self.item_discount_quantities, other.item_discount_quantities),
            credits=self.credits + other.credits,
        )


NOTHING = Application()


def _added(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    """Sum line by line; an empty tuple is zero for every line."""
    if not first or not second:
        return first or second
    return tuple(map(int.__add__, first, second))
