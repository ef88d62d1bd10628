from typing import Literal

from app.engine.earning.base import (
    ANY,
    NOTHING,
    Earned,
    Earning,
    Occasion,
    Points,
    Trigger,
    points_of,
)
from app.engine.formulas import EarningFormula
from app.engine.loyalty_tiers import PointsMapping


class FixedPoints(Earning):
    """The same points every time, or those that the formula gives."""

    type: Literal["FIXED"] = "FIXED"
    points: Points = 0
    points_formula: EarningFormula = None

    @property
    def triggers(self) -> frozenset[Trigger]:
        return ANY

    def earned(self, occasion: Occasion, mapping: PointsMapping | None = None) -> Earned:
        points = points_of(self.points, self.points_formula, 1, occasion, mapping)
        return Earned(points) if points else NOTHING
