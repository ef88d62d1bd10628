"""What formulas can ask for by name. A new variable is a function here.

Amounts are in major units. What the request leaves open raises NotComputable.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

from app.engine.cart import Item, Metadata
from app.engine.formulas.errors import NotComputable
from app.engine.formulas.scope import FormulaScope
from app.engine.formulas.values import Type, Value, major_of, value_of

Compute: TypeAlias = Callable[[FormulaScope], Any]
"""Computes a Value of the type that was told when the formula was saved. Raises what is in errors.CANNOT."""

ItemOf: TypeAlias = Callable[[FormulaScope], Item]


@dataclass(frozen=True, slots=True)
class Source:
    """A variable, or metadata (`type` ANY) that is looked up by a key."""

    type: Type
    read: Compute
    about_item: bool = False


VARIABLES: dict[str, Source] = {}
METADATA: dict[str, Source] = {}


def variable(name: str, type_: Type = Type.NUMBER) -> Callable[[Compute], Compute]:
    def register(read: Compute) -> Compute:
        VARIABLES[name] = Source(type_, read)
        return read

    return register


def metadata(name: str) -> Callable[[Callable[[FormulaScope], Metadata]], Callable[[FormulaScope], Metadata]]:
    def register(read: Callable[[FormulaScope], Metadata]) -> Callable[[FormulaScope], Metadata]:
        METADATA[name] = Source(Type.ANY, read)
        return read

    return register


@variable("ORDER_AMOUNT")
def order_amount(scope: FormulaScope) -> Decimal:
    """The order before discounts, with the units that earlier redeemables added; the wire's `order.amount`."""
    if scope.cart.amount is None:
        raise NotComputable
    return major_of(scope.cart.amount)


@variable("ORDER_ITEMS_QUANTITY")
def order_items_quantity(scope: FormulaScope) -> Decimal:
    """Lines of the order."""
    return Decimal(len(scope.cart.items))


@variable("ORDER_UNITS_QUANTITY")
def order_units_quantity(scope: FormulaScope) -> Decimal:
    """Units on all lines."""
    return Decimal(scope.figures.units(scope.cart))


@variable("TODAY", Type.MOMENT)
def today(scope: FormulaScope) -> date:
    """The day of the request in the project's time zone."""
    return scope.cart.now.astimezone(scope.cart.zone).date()


@variable("NOW", Type.MOMENT)
def now(scope: FormulaScope) -> date:
    """The instant of the request."""
    return scope.cart.now


@variable("CUSTOMER_BIRTHDATE", Type.MOMENT)
def customer_birthdate(scope: FormulaScope) -> date:
    customer = scope.cart.customer
    if customer is None or customer.birthdate is None:
        raise NotComputable
    return customer.birthdate


@metadata("ORDER_METADATA")
def order_metadata(scope: FormulaScope) -> Metadata:
    return scope.cart.metadata


@metadata("CUSTOMER_METADATA")
def customer_metadata(scope: FormulaScope) -> Metadata:
    customer = scope.cart.customer
    return {} if customer is None else customer.metadata


@metadata("REDEMPTION_METADATA")
def redemption_metadata(scope: FormulaScope) -> Metadata:
    return scope.cart.redemption_metadata


@metadata("PUBLICATION_METADATA")
def publication_metadata(scope: FormulaScope) -> Metadata:
    """Metadata of the publication that gave the code to its holder."""
    return scope.publication_metadata


@metadata("REDEEMABLE_METADATA")
def redeemable_metadata(scope: FormulaScope) -> Metadata:
    """Metadata of the voucher or promotion tier."""
    return scope.redeemable_metadata


@metadata("CUSTOM_EVENT_METADATA")
def custom_event_metadata(scope: FormulaScope) -> Metadata:
    """Metadata of the custom event that points are earned by."""
    return scope.event_metadata


def _item(scope: FormulaScope) -> Item:
    if scope.item is None:
        raise NotComputable
    return scope.item


def _about_item(prefix: str, item_of: ItemOf, *, about_item: bool = False) -> None:
    """The variables and metadata of one line: the one at hand, the cheapest, the most expensive."""

    def number(name: str, read: Callable[[Item], Decimal]) -> None:
        VARIABLES[f"{prefix}_{name}"] = Source(Type.NUMBER, lambda scope: read(item_of(scope)), about_item)

    def keyed(name: str, read: Callable[[Item], Metadata]) -> None:
        METADATA[f"{prefix}_{name}"] = Source(Type.ANY, lambda scope: read(item_of(scope)), about_item)

    number("PRICE", lambda item: major_of(item.unit_price))
    number("AMOUNT", lambda item: major_of(item.amount))
    number("SUBTOTAL", lambda item: major_of(item.subtotal_amount))
    number("UNITS_QUANTITY", lambda item: Decimal(item.quantity))
    keyed("METADATA", lambda item: item.metadata)
    keyed("PRODUCT_METADATA", lambda item: {} if item.product is None else item.product.metadata)


_about_item("ORDER_ITEM", _item, about_item=True)
_about_item("CHEAPEST_ORDER_ITEM", lambda scope: scope.figures.cheapest(scope.cart))
_about_item("MOST_EXPENSIVE_ORDER_ITEM", lambda scope: scope.figures.most_expensive(scope.cart))


def _given(name: str, type_: Type) -> None:
    """A variable whose value the caller puts into `FormulaScope.variables`."""
    wanted = Decimal if type_ is Type.NUMBER else date

    def read(scope: FormulaScope) -> Value:
        value = value_of(scope.variables.get(name))
        if not isinstance(value, wanted):
            raise NotComputable
        return value

    VARIABLES[name] = Source(type_, read)


for _name in (
    "VOUCHER_REDEMPTION_QUANTITY",  # how often the voucher may be redeemed; absent when unlimited
    "VOUCHER_REDEEMED_QUANTITY",  # how often it has been redeemed
    "VOUCHER_PUBLISH_COUNT",  # how often it has been published
    "BUNDLE_QUANTITY",  # how many complete bundles the order holds
):
    _given(_name, Type.NUMBER)
for _name in (
    "VOUCHER_START_DATE",
    "VOUCHER_EXPIRATION_DATE",
    "PROMOTION_TIER_START_DATE",
    "PROMOTION_TIER_EXPIRATION_DATE",
):
    _given(_name, Type.MOMENT)

ABOUT_EVENTS = frozenset({"CUSTOM_EVENT_METADATA"})
ALL_VARIABLES = (frozenset(VARIABLES) | frozenset(METADATA)) - ABOUT_EVENTS
"""Everything that a formula computed for each line may ask for."""

ITEM_VARIABLES = frozenset(
    name for sources in (VARIABLES, METADATA) for name, source in sources.items() if source.about_item
)
"""What a formula may ask only where it is computed for each line."""

ORDER_VARIABLES = ALL_VARIABLES - ITEM_VARIABLES
"""Everything that a formula computed once for an order may ask for."""

_ABOUT_REDEEMABLES = ("VOUCHER_", "PROMOTION_TIER_", "BUNDLE_", "REDEEMABLE_", "PUBLICATION_", "REDEMPTION_")
EARNING_VARIABLES = ABOUT_EVENTS | {name for name in ORDER_VARIABLES if not name.startswith(_ABOUT_REDEEMABLES)}
"""What a formula of an earning rule may ask for: the order, the customer and the event."""
