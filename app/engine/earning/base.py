"""What all ways of earning share: how they are stored and shown, and what they are asked about."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from app.engine.cart import Cart, Metadata
from app.engine.earning.worth import Worth, points_per_unit, thinned
from app.engine.formulas import Formula, FormulaScope, whole_of
from app.engine.loyalty_tiers import PointsMapping
from app.engine.money import READ_WHOLE
from app.engine.stored import Stored
from app.engine.unit_allocation import Allocation

MOST_POINTS = 10**12
"""The most that one event can earn by one rule; a formula that gives more gives this."""

Points = Annotated[
    int, Field(ge=0, le=10**9, description="Also what counts where `points_formula` cannot be computed."), READ_WHOLE
]
Every = Annotated[int, Field(gt=0, le=10**15), READ_WHOLE]

Trigger = Literal["order", "custom_event", "segment", "tier"]
"""What a rule waits for: a paid order, something a customer did, entering a segment, a change of the loyalty tier."""
ANY: frozenset[Trigger] = frozenset({"order", "custom_event", "segment", "tier"})


@dataclass(frozen=True, slots=True)
class Occasion:
    """What happened. `cart` has the customer, the instant and the zone, and the order if it is about one, whose `worth`
    is then there. `event_metadata` is that of a custom event."""

    cart: Cart
    worth: Worth | None = None
    event_metadata: Metadata = field(default_factory=dict)

    def for_formulas(self) -> FormulaScope:
        return FormulaScope(self.cart, event_metadata=self.event_metadata)


@dataclass(frozen=True, slots=True)
class Earned:
    """Points, and how many of them each unit of the order has earned; None where units have no part in it."""

    points: int
    allocation: Allocation | None = None

    def limited_to(self, points: int) -> "Earned":
        """At most so many of them, those of the units in proportion."""
        if points >= self.points:
            return self
        return Earned(points, None if self.allocation is None else thinned(self.allocation, points))


NOTHING = Earned(0)


class Earning(Stored, ABC):
    """A way of earning points as it is stored, as it is shown, and as it is computed."""

    @property
    @abstractmethod
    def triggers(self) -> frozenset[Trigger]:
        """What it can be asked about."""

    @property
    def collection_ids(self) -> frozenset[str]:
        """The product collections it names; lines must say which of them they are in (`Item.collection_ids`)."""
        return frozenset()

    @abstractmethod
    def earned(self, occasion: Occasion, mapping: PointsMapping | None = None) -> Earned:
        """What it earns. `mapping` is what the member's tier makes of it."""


def points_of(
    points: int, formula: Formula | None, steps: int, occasion: Occasion, mapping: PointsMapping | None
) -> int:
    """`steps` times the points that a rule names: those of the formula, else the fixed ones; and what the tier of the
    member makes of them."""
    computed = None if formula is None else whole_of(formula, occasion.for_formulas())
    figure = points if computed is None else min(computed, MOST_POINTS)
    earned = figure * steps if mapping is None else mapping.points(figure, steps)
    return min(earned or 0, MOST_POINTS)


def spread(points: int, worth: Worth, weights: Mapping[int, int]) -> Earned:
    """The points and who of the units has earned them; `weights` are of runs by their place."""
    weighted = [(run, weights.get(place, 0)) for place, run in enumerate(worth.runs)]
    return Earned(points, points_per_unit(points, weighted) if any(weights.values()) else None)
