"""What a formula's result means where a figure is expected.

None says that the formula cannot be computed for this order, so that the fixed figure next to it counts. A result out
of range was computed: the nearest possible figure is taken, so less than nothing off is nothing off.
"""

from decimal import ROUND_FLOOR, Decimal

from app.engine.formulas.formula import Formula
from app.engine.formulas.scope import FormulaScope
from app.engine.formulas.values import CONTEXT, ZERO, minor_of
from app.engine.money import LARGEST_INTEGER, Rounding

HUNDRED = Decimal(100)


def amount_of(formula: Formula, scope: FormulaScope, rounding: Rounding = "half_up") -> int | None:
    """The result in minor units, at least zero: 1.06 is 106."""
    value = formula.value(scope)
    return None if value is None else minor_of(value, rounding)


def percent_of_formula(formula: Formula, scope: FormulaScope) -> Decimal | None:
    """The result as a percentage between 0 and 100, with all its digits: what is rounded is the amount."""
    value = formula.value(scope)
    return None if value is None else min(max(value, ZERO), HUNDRED)


def whole_of(formula: Formula, scope: FormulaScope) -> int | None:
    """The result as a number of units or a limit, at least zero. A part of a unit is none."""
    value = formula.value(scope)
    if value is None:
        return None
    if value >= LARGEST_INTEGER:
        return LARGEST_INTEGER
    return int(value.to_integral_value(ROUND_FLOOR, CONTEXT)) if value > 0 else 0
