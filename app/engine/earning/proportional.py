"""Points for every so much of something: `points` for every full `every` of it, what is left over earns nothing."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from app.engine.cart import Item, Metadata
from app.engine.earning.base import (
    ANY,
    MOST_POINTS,
    NOTHING,
    Earned,
    Earning,
    Every,
    Occasion,
    Points,
    Trigger,
    points_of,
    spread,
)
from app.engine.earning.worth import Run, Worth
from app.engine.formulas import EarningFormula
from app.engine.loyalty_tiers import PointsMapping
from app.engine.rules.values import number_of
from app.engine.stored import Stored
from app.engine.targets import Target, TargetKind

OF_ORDERS: frozenset[Trigger] = frozenset({"order"})
OF_EVENTS: frozenset[Trigger] = frozenset({"custom_event"})
MOST_TARGETS = 100
PropertyName = Annotated[str, Field(min_length=1, max_length=1000)]


class Rate(Stored):
    """`points` for every full `every`; of amounts in minor units of the project's currency."""

    every: Every
    points: Points = 0
    points_formula: EarningFormula = None

    def points_for(self, metric: int, occasion: Occasion, mapping: PointsMapping | None) -> int:
        steps = min(max(0, metric) // self.every, MOST_POINTS)
        return points_of(self.points, self.points_formula, steps, occasion, mapping) if steps else 0


class PropertyRate(Rate):
    """The same of a number in metadata."""

    property: PropertyName

    def metric_of(self, metadata: Metadata) -> int:
        """The number as far as it is whole; nothing where there is none."""
        number = number_of(metadata.get(self.property))
        return 0 if number is None or number <= 0 else int(number)


class EarningTarget(Stored):
    """A product, SKU or product collection whose lines earn."""

    object: TargetKind
    id: Annotated[str, Field(min_length=1, max_length=512)]


class ItemsRate(Rate):
    """The same of the lines of these products, SKUs and collections; a line counts once, however many name it. One of
    them can be named by `object` and `id`, several in `applicable_to`; answers have both, with the first of them."""

    object: TargetKind | None = None
    id: Annotated[str | None, Field(min_length=1, max_length=512)] = None
    applicable_to: Annotated[tuple[EarningTarget, ...], Field(min_length=1, max_length=MOST_TARGETS)]

    @model_validator(mode="before")
    @classmethod
    def _both_ways(cls, values: Any) -> Any:
        """One target named by itself is a list of one, and the first of a list is named by itself."""
        if not isinstance(values, Mapping):
            return values
        listed = values.get("applicable_to")
        if listed is None and values.get("object") is not None and values.get("id") is not None:
            return {**values, "applicable_to": [{"object": values["object"], "id": values["id"]}]}
        if isinstance(listed, list | tuple) and listed:
            first = listed[0].model_dump() if isinstance(listed[0], EarningTarget) else listed[0]
            if isinstance(first, Mapping):
                return {**values, "object": first.get("object"), "id": first.get("id")}
        return values

    def covers(self, item: Item) -> bool:
        return any(Target(each.object, frozenset((each.id,))).covers(item) for each in self.applicable_to)

    @property
    def collection_ids(self) -> frozenset[str]:
        return frozenset(each.id for each in self.applicable_to if each.object == "products_collection")


class Proportional(Earning):
    """Points in proportion to a figure."""

    type: Literal["PROPORTIONAL"] = "PROPORTIONAL"


class OfOrder(Proportional):
    """What is earned by an order, and by which of its units."""

    is_money: ClassVar[bool] = True

    @property
    def triggers(self) -> frozenset[Trigger]:
        return OF_ORDERS

    def earned(self, occasion: Occasion, mapping: PointsMapping | None = None) -> Earned:
        worth = occasion.worth
        # An amount in another currency is in no proportion to one in the project's, and nothing is ever converted.
        if worth is None or (self.is_money and occasion.cart.foreign_currency is not None):
            return NOTHING
        points = self.rate.points_for(self.metric_of(worth), occasion, mapping)
        return spread(points, worth, self.weights_of(worth)) if points else NOTHING

    @property
    @abstractmethod
    def rate(self) -> Rate: ...

    @abstractmethod
    def metric_of(self, worth: Worth) -> int:
        """How much there is of what earns."""

    @abstractmethod
    def weights_of(self, worth: Worth) -> dict[int, int]:
        """What each unit of a run, by the place of the run, adds to that."""


class AmountRate(Stored):
    amount: Rate


class OrderAmount(OfOrder):
    """Of the order before discounts, without free units and what was not paid with money."""

    calculation_type: Literal["ORDER_AMOUNT"]
    order: AmountRate

    @property
    def rate(self) -> Rate:
        return self.order.amount

    def metric_of(self, worth: Worth) -> int:
        return worth.gross_amount

    def weights_of(self, worth: Worth) -> dict[int, int]:
        return {place: run.gross_amount for place, run in enumerate(worth.runs)}


class TotalAmountRate(Stored):
    total_amount: Rate


class OrderTotalAmount(OfOrder):
    """Of the money that was paid for the order."""

    calculation_type: Literal["ORDER_TOTAL_AMOUNT"]
    order: TotalAmountRate

    @property
    def rate(self) -> Rate:
        return self.order.total_amount

    def metric_of(self, worth: Worth) -> int:
        return worth.cart.total_amount

    def weights_of(self, worth: Worth) -> dict[int, int]:
        return {place: run.paid_amount for place, run in enumerate(worth.runs)}


class OfItems(OfOrder):
    """Of the lines that the rate names."""

    @property
    @abstractmethod
    def rate(self) -> ItemsRate: ...

    @property
    def collection_ids(self) -> frozenset[str]:
        return self.rate.collection_ids

    def metric_of(self, worth: Worth) -> int:
        weights = self.weights_of(worth)
        return sum(run.units * weights.get(place, 0) for place, run in enumerate(worth.runs))

    def weights_of(self, worth: Worth) -> dict[int, int]:
        covered = [self.rate.covers(item) for item in worth.cart.items]
        return {place: self.weight_of(run, worth) for place, run in enumerate(worth.runs) if covered[run.line]}

    @abstractmethod
    def weight_of(self, run: Run, worth: Worth) -> int:
        """What each unit of the run adds."""


class ItemsQuantity(Stored):
    quantity: ItemsRate


class OrderItemsQuantity(OfItems):
    """Of the units of these lines, without free ones and those that no money was paid for."""

    is_money: ClassVar[bool] = False

    calculation_type: Literal["ORDER_ITEMS_QUANTITY"]
    order_items: ItemsQuantity

    @property
    def rate(self) -> ItemsRate:
        return self.order_items.quantity

    def weight_of(self, run: Run, worth: Worth) -> int:
        return int(worth.counts(run))


class ItemsAmount(Stored):
    amount: ItemsRate


class OrderItemsAmount(OfItems):
    """Of these lines before discounts, without free units and what was not paid with money."""

    calculation_type: Literal["ORDER_ITEMS_AMOUNT"]
    order_items: ItemsAmount

    @property
    def rate(self) -> ItemsRate:
        return self.order_items.amount

    def weight_of(self, run: Run, worth: Worth) -> int:
        return run.gross_amount


class ItemsSubtotalAmount(Stored):
    subtotal_amount: ItemsRate


class OrderItemsSubtotalAmount(OfItems):
    """Of these lines after their own discounts, without what was not paid with money. Discounts on the whole order
    lower no line."""

    calculation_type: Literal["ORDER_ITEMS_SUBTOTAL_AMOUNT"]
    order_items: ItemsSubtotalAmount

    @property
    def rate(self) -> ItemsRate:
        return self.order_items.subtotal_amount

    def metric_of(self, worth: Worth) -> int:
        return sum(worth.subtotal_of(place) for place, item in enumerate(worth.cart.items) if self.rate.covers(item))

    def weight_of(self, run: Run, worth: Worth) -> int:
        return run.paid_amount


class OrderProperty(Stored):
    metadata: PropertyRate


class OrderMetadata(Proportional):
    """Of a number in the metadata of the order."""

    calculation_type: Literal["ORDER_METADATA"]
    order: OrderProperty

    @property
    def triggers(self) -> frozenset[Trigger]:
        return OF_ORDERS

    def earned(self, occasion: Occasion, mapping: PointsMapping | None = None) -> Earned:
        return _of_property(self.order.metadata, occasion.cart.metadata, occasion, mapping)


class CustomerMetadata(Proportional):
    """Of a number in the metadata of the customer."""

    calculation_type: Literal["CUSTOMER_METADATA"]
    customer: OrderProperty

    @property
    def triggers(self) -> frozenset[Trigger]:
        return ANY

    def earned(self, occasion: Occasion, mapping: PointsMapping | None = None) -> Earned:
        customer = occasion.cart.customer
        return _of_property(self.customer.metadata, customer.metadata if customer else {}, occasion, mapping)


class CustomEventMetadata(Proportional):
    """Of a number in the metadata of the custom event."""

    calculation_type: Literal["CUSTOM_EVENT_METADATA"]
    custom_event: OrderProperty

    @property
    def triggers(self) -> frozenset[Trigger]:
        return OF_EVENTS

    def earned(self, occasion: Occasion, mapping: PointsMapping | None = None) -> Earned:
        return _of_property(self.custom_event.metadata, occasion.event_metadata, occasion, mapping)


def _of_property(rate: PropertyRate, metadata: Metadata, occasion: Occasion, mapping: PointsMapping | None) -> Earned:
    return Earned(rate.points_for(rate.metric_of(metadata), occasion, mapping))
