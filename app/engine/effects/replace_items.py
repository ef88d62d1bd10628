from typing import Literal

from app.engine.application import NOTHING, Application, Replacement
from app.engine.cart import Item
from app.engine.effects.base import EffectScope
from app.engine.effects.unit_effect import UnitEffect, place_of
from app.engine.money import LARGEST_INTEGER


class ReplaceItems(UnitEffect):
    """Exchange units that the rule's targets pick for units of `unit_type`, at the price of what they replace.

    What the new units cost more is taken off; where they cost less, the customer pays less. At most `unit_off` units
    are exchanged, one for one, the cheapest first unless the targets say otherwise. A line keeps as many units as it
    needs to carry the discounts it already has.

    The official Python client (6.1.1) does not know this effect's name and refuses the answers that tell it.
    """

    effect: Literal["REPLACE_ITEMS"]

    def given(self, scope: EffectScope) -> Application:
        cart, place = scope.cart, place_of(scope, self)
        if place is None or scope.applicability is None:
            return NOTHING
        index, line = place
        units_left, left_amount, room_amount = self.unit_off, cart.total_amount, LARGEST_INTEGER - (cart.amount or 0)
        replacements: list[Replacement] = []
        picks = scope.applicability.picks(cart.items)
        if scope.applicability.is_plain:
            picks.sort(key=lambda pick: (cart.items[pick.index].unit_price, pick.index))
        for pick in picks:
            source = cart.items[pick.index]
            if self.target.covers(source):
                continue
            units = _most_units(source, line.unit_price, min(units_left, len(pick.units)), left_amount, room_amount)
            if not units:
                continue
            source_amount = source.amount if units == source.quantity else units * source.unit_price
            target_amount = units * line.unit_price
            bonus_amount = max(0, target_amount - source_amount)
            replacements.append(
                Replacement(pick.index, units, source_amount, index, units, target_amount, bonus_amount)
            )
            units_left -= units
            left_amount -= max(0, source_amount - target_amount)
            room_amount -= max(0, target_amount - source_amount)
        return _exchange(replacements, len(cart.items), index, line) if replacements else NOTHING


def _most_units(source: Item, target_price: int, wanted: int, left_amount: int, room_amount: int) -> int:
    """How many units can go: what stays of the line carries its discounts, the order does not fall below zero
    (`left_amount` is left to pay for it) nor grow past 64 bits (`room_amount`)."""
    price = source.unit_price
    units = min(wanted, source.quantity - source.discount_quantity)
    if source.discount_amount:
        units = min(units, source.quantity - 1)
        if price:
            units = min(units, source.subtotal_amount // price)
    if target_price > price:
        units = min(units, room_amount // (target_price - price))
    elif target_price < price:
        units = min(units, left_amount // (price - target_price))
    if units == source.quantity and source.amount - units * target_price > left_amount:
        units -= 1  # a line whose amount is no multiple of its price gives up a little more when it goes whole
    return max(0, units)


def _exchange(replacements: list[Replacement], lines_count: int, index: int, line: Item) -> Application:
    """All exchanges for units of the line at `index`, which is a new one if it comes after the order's lines."""
    is_new = index == lines_count
    size = lines_count + is_new
    discounts, quantities, amounts = [0] * size, [0] * size, [0] * size
    for each in replacements:
        quantities[each.source_index] -= each.source_quantity
        amounts[each.source_index] -= each.source_amount
        quantities[index] += each.target_quantity
        amounts[index] += each.target_amount
        discounts[index] += each.target_discount_amount
    return Application(
        item_discount_amounts=tuple(discounts),
        item_quantities=tuple(quantities),
        item_amounts=tuple(amounts),
        added_items=(line,) if is_new else (),
        replacements=tuple(replacements),
    )
