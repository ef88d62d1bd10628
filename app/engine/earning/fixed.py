from typing import Literal

from app.engine.earning.base import (
    ANY,
    NOTHING,
    UNMAPPED,
    Earned,
    Earning,
    Mapped,
    Occasion,
    Points,
    Trigger,
    figure_of,
    multiplied,
)
from app.engine.formulas import EarningFormula


class FixedPoints(Earning):
    """The same points every time, or those that the formula gives."""

    type: Literal["FIXED"] = "FIXED"
    points: Points = 0
    points_formula: EarningFormula = None

    @property
    def triggers(self) -> frozenset[Trigger]:
        return ANY

    def earned(self, occasion: Occasion, mapped: Mapped = UNMAPPED) -> Earned:
        points = multiplied(figure_of(self.points, self.points_formula, occasion, mapped), mapped)
        return Earned(points) if points else NOTHING
