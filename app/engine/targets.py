"""Which lines an entry of a rule's targets means, and which of their units a discount then touches."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from app.engine.cart import Item
from app.engine.formulas import Formula, FormulaScope, PriceFormula, amount_of
from app.engine.money import Amount, Count, Rounding
from app.engine.stored import Stored
from app.engine.unit_limits import UnitLimit, UnitRooms

TargetEffect = Literal[
    "APPLY_TO_EVERY",
    "APPLY_TO_CHEAPEST",
    "APPLY_FROM_CHEAPEST",
    "APPLY_TO_MOST_EXPENSIVE",
    "APPLY_FROM_MOST_EXPENSIVE",
]
TargetKind = Literal["product", "sku", "products_collection"]


class TargetAmounts(Stored):
    """Prices and caps of an entry for orders in another currency, instead of all of its own."""

    price: Amount | None = None
    price_formula: PriceFormula = None
    amount_limit: Count | None = None
    aggregated_amount_limit: Count | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """One entry: the names it goes by (ids and source ids), how it is used, and its wire shape.

    `counts_units` makes single units what `skip_initially`, `repeat` and the cheapest are about, counted on across
    lines; else it is whole lines. Limits of quantities are in units, of amounts in minor units; a `price` is what one
    unit costs under a discount that sets prices, unless `price_formula` computes it. Amounts are in the project's
    currency; `currencies` has them in others.
    """

    kind: TargetKind
    names: frozenset[str]
    wire: Mapping[str, Any] = field(default_factory=dict)
    effect: TargetEffect = "APPLY_TO_EVERY"
    counts_units: bool = False
    skip_initially: int = 0
    repeat: int = 1
    quantity_limit: int | None = None
    aggregated_quantity_limit: int | None = None
    amount_limit: int | None = None
    aggregated_amount_limit: int | None = None
    price: int | None = None
    price_formula: Formula | None = None
    unit_limits: tuple[UnitLimit, ...] = ()
    currencies: Mapping[str, TargetAmounts] = field(default_factory=dict)

    def in_currency(self, currency: str) -> "Target | None":
        """The entry for orders in a currency that is not the project's; None where it has amounts, but none there."""
        entry = self.currencies.get(currency)
        if entry is not None:
            return replace(
                self,
                price=entry.price,
                price_formula=entry.price_formula,
                amount_limit=entry.amount_limit,
                aggregated_amount_limit=entry.aggregated_amount_limit,
            )
        own = (self.price, self.price_formula, self.amount_limit, self.aggregated_amount_limit)
        return self if own == (None, None, None, None) else None

    @property
    def name(self) -> str:
        """What units of it are counted under."""
        return str(self.wire["id"])

    def price_at(self, scope: FormulaScope | None, rounding: Rounding) -> int | None:
        """What one unit costs: by the formula, where there is one and it can be computed for the line in `scope`."""
        if self.price_formula is None or scope is None:
            return self.price
        computed = amount_of(self.price_formula, scope, rounding)
        return self.price if computed is None else computed

    def covers(self, item: Item) -> bool:
        if self.kind == "products_collection":
            return not self.names.isdisjoint(item.collection_ids)
        return not self.names.isdisjoint(sku_names(item) if self.kind == "sku" else product_names(item))

    @property
    def is_plain(self) -> bool:
        """Whether the entry means whole lines, all of them, without limits."""
        return (
            self.effect == "APPLY_TO_EVERY"
            and not self.counts_units
            and not self.skip_initially
            and self.repeat == 1
            and self.quantity_limit is None
            and self.aggregated_quantity_limit is None
            and self.amount_limit is None
            and self.aggregated_amount_limit is None
            and self.price is None
            and self.price_formula is None
            and not self.unit_limits
        )


@dataclass(frozen=True, slots=True)
class Pick:
    """Units of the line at `index`, by their numbers in the line (from 1), and the entries that picked them.

    There is more than one entry when rules of a campaign and of a voucher both narrow; all limits hold then.
    """

    index: int
    units: range
    targets: tuple[Target, ...] = ()

    @property
    def amount_limit(self) -> int | None:
        """The most that may be taken off the line; the smallest limit wins."""
        return min((target.amount_limit for target in self.targets if target.amount_limit is not None), default=None)

    @property
    def counts_units(self) -> bool:
        """Whether each unit, not the line, is the thing that is discounted."""
        return any(target.counts_units for target in self.targets)

    @property
    def has_formula(self) -> bool:
        return any(target.price_formula is not None for target in self.targets)

    def price(self, scope: FormulaScope | None, rounding: Rounding) -> int | None:
        """The new price of one unit; the lowest, where several entries name one. `scope` is about the line."""
        prices = (target.price_at(scope, rounding) for target in self.targets)
        return min((price for price in prices if price is not None), default=None)


def whole_lines(items: Sequence[Item]) -> list[Pick]:
    """Every unit of every line."""
    return [Pick(index, range(1, item.quantity + 1)) for index, item in enumerate(items)]


def picked(
    target: Target, candidates: Iterable[Pick], items: Sequence[Item], rooms: UnitRooms | None = None
) -> list[Pick]:
    """What one entry picks of `candidates`, all of which it covers, in the order in which it is discounted.

    Lines are taken as they come, or by unit price; of equal prices the smaller subtotal comes first, then the earlier
    line. What is skipped is skipped once for all lines together, and so is every n-th counted.
    """
    ordered = _ordered(target, candidates, items)
    chosen = _every_nth_unit(target, ordered) if target.counts_units else _every_nth_line(target, ordered)
    if target.effect in ("APPLY_TO_CHEAPEST", "APPLY_TO_MOST_EXPENSIVE"):
        chosen = [_first_unit(chosen[0])] if chosen and target.counts_units else chosen[:1]
    chosen = _within_quantities(target, chosen)
    return chosen if rooms is None or not target.unit_limits else _within_rooms(target, chosen, items, rooms)


def product_names(item: Item) -> tuple[str | None, ...]:
    """Every id under which the line's product may be named."""
    product = item.product
    own = item.source_id if item.related_object != "sku" else None
    return (item.product_id, own) if product is None else (item.product_id, own, product.id, product.source_id)


def sku_names(item: Item) -> tuple[str | None, ...]:
    """Every id under which the line's SKU may be named."""
    sku = item.sku
    own = item.source_id if item.related_object == "sku" else None
    return (item.sku_id, own) if sku is None else (item.sku_id, own, sku.id, sku.source_id)


def _ordered(target: Target, candidates: Iterable[Pick], items: Sequence[Item]) -> list[Pick]:
    if target.effect == "APPLY_TO_EVERY":
        return list(candidates)
    sign = -1 if target.effect in ("APPLY_TO_MOST_EXPENSIVE", "APPLY_FROM_MOST_EXPENSIVE") else 1

    def place(pick: Pick) -> tuple[int, int, int]:
        item = items[pick.index]
        return (sign * item.unit_price, item.subtotal_amount, pick.index)

    # A line without units has nothing to discount, so it cannot be the cheapest.
    return sorted((pick for pick in candidates if pick.units), key=place)


def _every_nth_line(target: Target, ordered: list[Pick]) -> list[Pick]:
    return ordered[target.skip_initially :: target.repeat]


def _every_nth_unit(target: Target, ordered: list[Pick]) -> list[Pick]:
    """A range cut with a step is a range again, so ten units cost as much as ten million."""
    chosen = []
    position = 0
    for pick in ordered:
        behind = position - target.skip_initially
        first = -behind if behind < 0 else -behind % target.repeat
        position += len(pick.units)
        units = pick.units[first :: target.repeat]
        if units:
            chosen.append(replace(pick, units=units))
    return chosen


def _first_unit(pick: Pick) -> Pick:
    return replace(pick, units=pick.units[:1])


def _within_rooms(target: Target, chosen: list[Pick], items: Sequence[Item], rooms: UnitRooms) -> list[Pick]:
    kept = []
    for pick in chosen:
        allowed = rooms.allowed(target.unit_limits, target.name, items[pick.index], len(pick.units))
        if allowed:
            kept.append(replace(pick, units=pick.units[:allowed]))
    return kept


def _within_quantities(target: Target, chosen: list[Pick]) -> list[Pick]:
    """Units up to the limit of each line and of all lines, in the order of the discount."""
    if target.quantity_limit is None and target.aggregated_quantity_limit is None:
        return chosen
    kept = []
    left = target.aggregated_quantity_limit
    for pick in chosen:
        units = pick.units if target.quantity_limit is None else pick.units[: target.quantity_limit]
        if left is not None:
            units = units[:left]
            left -= len(units)
        if units:
            kept.append(replace(pick, units=units))
    return kept
