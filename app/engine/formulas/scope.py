"""What a formula is asked about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.engine.cart import Cart, Item, Metadata
from app.engine.formulas.errors import NotComputable


class OrderFigures:
    """What is looked up in all lines of an order, once, however many formulas and lines ask."""

    __slots__ = ("_cheapest", "_most_expensive", "_units")

    def __init__(self) -> None:
        self._units: int | None = None
        self._cheapest: Item | None = None
        self._most_expensive: Item | None = None

    def units(self, cart: Cart) -> int:
        """Units on all lines."""
        if self._units is None:
            self._units = sum(item.quantity for item in cart.items)
        return self._units

    def cheapest(self, cart: Cart) -> Item:
        """The line with the lowest unit price; among equals the one with the lowest subtotal, then the first."""
        if self._cheapest is None:
            self._cheapest = min(_with_units(cart), key=lambda item: (item.unit_price, item.subtotal_amount))
        return self._cheapest

    def most_expensive(self, cart: Cart) -> Item:
        """The line with the highest unit price; among equals the one with the lowest subtotal, then the first."""
        if self._most_expensive is None:
            self._most_expensive = min(_with_units(cart), key=lambda item: (-item.unit_price, item.subtotal_amount))
        return self._most_expensive


def _with_units(cart: Cart) -> Sequence[Item]:
    """The lines that can be the cheapest: one without units has nothing to discount."""
    items = [item for item in cart.items if item.quantity > 0]
    if not items:
        raise NotComputable
    return items


@dataclass(frozen=True, slots=True)
class FormulaScope:
    """One redeemable on the order as it stands.

    `item` is the line at hand, None where the formula is about the whole order. `variables` holds what is known of the
    redeemable by the names under which formulas ask for it (`VOUCHER_START_DATE`, `BUNDLE_QUANTITY`); what is absent or
    None cannot be computed with. `event_metadata` is that of the custom event that points are earned by.
    """

    cart: Cart
    item: Item | None = None
    redeemable_metadata: Metadata = field(default_factory=dict)
    publication_metadata: Metadata = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    figures: OrderFigures = field(default_factory=OrderFigures, repr=False, compare=False)
    event_metadata: Metadata = field(default_factory=dict)

    def at(self, item: Item | None) -> "FormulaScope":
        """The same, about this line of the order."""
        return FormulaScope(
            self.cart,
            item,
            self.redeemable_metadata,
            self.publication_metadata,
            self.variables,
            self.figures,
            self.event_metadata,
        )
