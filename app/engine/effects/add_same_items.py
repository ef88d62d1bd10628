from typing import Literal

from app.engine.application import NOTHING, Application
from app.engine.effects.base import EffectScope
from app.engine.effects.unit_effect import UnitEffect, added_units


class AddSameItems(UnitEffect):
    """Add units of what the customer already buys, free of charge: buy a pair, get another of the same.

    `unit_type` may be a product, a SKU or a product collection; targets of the rule, if it has any, narrow it. Of
    several such lines the cheapest gets all the units, so that the order of the lines decides nothing.
    """

    effect: Literal["ADD_SAME_ITEMS"]

    def given(self, scope: EffectScope) -> Application:
        cart, target, applicability = scope.cart, self.target, scope.applicability
        bought = [
            (item.unit_price, index)
            for index, item in enumerate(cart.items)
            if item.quantity > item.discount_quantity
            and target.covers(item)
            and (applicability is None or applicability.covers(item))
        ]
        if not bought or cart.amount is None:
            return NOTHING
        _, index = min(bought)
        return added_units(cart, index, cart.items[index], self.unit_off)
