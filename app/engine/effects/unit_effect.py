"""What all discounts in units share: which product they give, where it goes in the order, and what it costs there."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import Field

from app.engine.allocation import allocate
from app.engine.application import NOTHING, Application
from app.engine.cart import Cart, Item, Product
from app.engine.effects.base import NOTHING_ASKED, Effect, EffectScope, IsDynamic
from app.engine.formulas import OrderFormula, whole_of
from app.engine.money import LARGEST_INTEGER, READ_WHOLE
from app.engine.stored import Stored
from app.engine.targets import Target
from app.engine.units import UnitName, UnitSource

SHIPPING_ID = "prod_5h1pp1ng"
"""The product that stands for shipping. It needs no row in the catalogue: its price is that of the order's line, of a
product that the shop keeps under this source id, or else nothing, and then the line only says that shipping is free."""

MOST_UNITS = 1_000_000
Units = Annotated[int, Field(gt=0, le=MOST_UNITS), READ_WHOLE]


class UnitProduct(Stored):
    """The product that is given, as the catalogue knew it when the discount was saved."""

    id: str
    source_id: str | None = None
    name: str


class UnitSku(Stored):
    """The SKU that is given, as the catalogue knew it when the discount was saved. `name` is its `sku`."""

    id: str
    source_id: str | None = None
    name: str


class UnitOff(Stored):
    """Units of one product or SKU (`unit_type`, its id). A product's SKUs count as units of it."""

    unit_off: Units
    unit_off_formula: OrderFormula = None
    unit_type: Annotated[str, Field(min_length=1, max_length=255)]
    product: UnitProduct | None = None
    sku: UnitSku | None = None

    def computed(self, scope: EffectScope) -> Self:
        """The units that the formula gives for the order, once for each complete bundle; itself where it gives none."""
        if self.unit_off_formula is None or scope.cart.amount is None:
            return self
        units = whole_of(self.unit_off_formula, scope.for_formulas())
        if units is None:
            return self
        return self.model_copy(update={"unit_off": min(units * scope.multiplier(self.unit_off_formula), MOST_UNITS)})

    @property
    def asked(self) -> frozenset[str]:
        return NOTHING_ASKED if self.unit_off_formula is None else self.unit_off_formula.uses

    @property
    def target(self) -> Target:
        """What tells whether a line of the order is one of it."""
        known = self.sku or self.product
        names = (self.unit_type, *((known.id, known.source_id) if known else ()))
        return Target(self.unit_name.kind, frozenset(name for name in names if name))

    @property
    def unit_name(self) -> UnitName:
        if self.unit_type.startswith("pc_"):
            return UnitName("products_collection", self.unit_type)
        is_sku = self.sku is not None or self.unit_type.startswith("sku_")
        return UnitName("sku" if is_sku else "product", self.unit_type)


class UnitEffect(UnitOff, Effect):
    """A discount that gives units of a product or SKU. The order's total is what it was without the given units."""

    type: Literal["UNIT"] = "UNIT"
    is_dynamic: IsDynamic = None

    @abstractmethod
    def given(self, scope: EffectScope) -> Application:
        """What giving `unit_off` units, at least one, does to the order."""

    def application(self, scope: EffectScope) -> Application:
        computed = self.computed(scope)
        if computed is self:
            return self.given(scope)
        application = computed.given(scope) if computed.unit_off else NOTHING
        return replace(application, computed=computed.model_copy(update={"is_dynamic": True}))

    def times(self, count: int) -> "UnitEffect":
        return self.model_copy(update={"unit_off": min(self.unit_off * count, MOST_UNITS)})

    def named_units(self) -> tuple[UnitName, ...]:
        return (self.unit_name,)


def new_units(scope: EffectScope, unit: UnitOff) -> Application:
    """`unit_off` units more in the order, free of charge. Shipping is bought once, so it is only made free."""
    if unit.unit_type == SHIPPING_ID:
        return missing_units(scope, unit)
    place = place_of(scope, unit)
    return NOTHING if place is None else added_units(scope.cart, *place, unit.unit_off)


def missing_units(scope: EffectScope, unit: UnitOff) -> Application:
    """`unit_off` units free of charge: those the order has, the cheapest first, and the missing ones added to it."""
    cart, target = scope.cart, unit.target
    own = [index for index, item in enumerate(cart.items) if target.covers(item)]
    own.sort(key=lambda index: (cart.items[index].unit_price, index))
    application = _freed(cart, own, unit.unit_off)
    missing = unit.unit_off - sum(cart.items[index].quantity for index in own)
    place = place_of(scope, unit) if missing > 0 else None
    if place is None:
        return application
    return application + added_units(cart, *place, missing)


def place_of(scope: EffectScope, unit: UnitOff) -> tuple[int, Item] | None:
    """The line that takes further units and its index: the order's own line of the very product or SKU, else the
    cheapest line that counts as one, else a new line. None when there is no order, or the catalogue lacks the thing."""
    cart, target = scope.cart, unit.target
    if cart.amount is None:
        return None
    own = [index for index, item in enumerate(cart.items) if target.covers(item)]
    if own:
        index = min(own, key=lambda index: _distance(cart.items[index], target, index))
        return index, cart.items[index]
    source = scope.units.get(unit.unit_type)
    if source is None and unit.unit_type == SHIPPING_ID:
        source = UnitSource(Product(SHIPPING_ID, SHIPPING_ID, unit.product.name if unit.product else None))
    return None if source is None else (len(cart.items), _new_line(source))


def _distance(item: Item, target: Target, index: int) -> tuple[bool, int, int]:
    is_variant = target.kind == "product" and (item.sku_id is not None or item.sku is not None)
    return is_variant, item.unit_price, index


def _new_line(source: UnitSource) -> Item:
    """A line without units yet."""
    product, sku = source.product, source.sku
    return Item(
        quantity=0,
        amount=0,
        price=source.price or 0,
        product_id=product.id if product else None,
        sku_id=sku.id if sku else None,
        initial_quantity=0,
        initial_amount=0,
        product=product,
        sku=sku,
    )


def added_units(cart: Cart, index: int, line: Item, units: int) -> Application:
    """So many units more on the line, free of charge; fewer where the order's amount would not fit in 64 bits."""
    if line.unit_price:
        units = min(units, (LARGEST_INTEGER - (cart.amount or 0)) // line.unit_price)
    amount = units * line.unit_price
    return Application(
        item_discount_amounts=_at(index, amount),
        item_discount_quantities=_at(index, units),
        item_quantities=_at(index, units),
        item_amounts=_at(index, amount),
        added_items=(line,) if index == len(cart.items) else (),
    )


def _freed(cart: Cart, indices: Sequence[int], units: int) -> Application:
    """Units that the order has and that are paid for, made free of charge, line by line."""
    amounts, quantities = [0] * len(cart.items), [0] * len(cart.items)
    for index in indices:
        item = cart.items[index]
        paid = item.quantity - item.discount_quantity
        free = min(units, paid)
        if free <= 0:
            continue
        share, odd = divmod(item.subtotal_amount, paid)
        amounts[index], quantities[index] = share * free + min(odd, free), free
        units -= free
    if not any(quantities):
        return NOTHING
    if sum(amounts) > cart.total_amount:
        amounts = allocate(cart.total_amount, amounts)
    return Application(item_discount_amounts=tuple(amounts), item_discount_quantities=tuple(quantities))


def _at(index: int, figure: int) -> tuple[int, ...]:
    """The figure for one line, zero for those before it."""
    return (*(0,) * index, figure)
