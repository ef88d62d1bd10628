from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from app.engine.allocation import allocate_within
from app.engine.effects.base import IN_CURRENCIES, Line, MoneyOff
from app.engine.formulas import Formula, FormulaScope, LineFormula, percent_of_formula
from app.engine.money import AmountLimit, Currency, Percent, Rounding, percent_of
from app.engine.stored import Stored


class PercentOffInCurrency(Stored):
    """The caps for orders in another currency, instead of those of the discount."""

    amount_limit: AmountLimit | None = None
    aggregated_amount_limit: AmountLimit | None = None


class PercentOff(MoneyOff):
    """Take a percentage off the order or off the chosen lines.

    The discount is computed once, on the sum of what it is taken from, rounded to the minor unit, and then spread over
    the lines, so the lines always add up to it. `amount_limit` caps the order, or each line when it is taken off lines;
    `aggregated_amount_limit` caps the whole order.
    """

    type: Literal["PERCENT"] = "PERCENT"
    percent_off: Percent
    percent_off_formula: LineFormula = None
    amount_limit: AmountLimit | None = None
    aggregated_amount_limit: AmountLimit | None = None
    effect: Literal["APPLY_TO_ORDER", "APPLY_TO_ITEMS"] = "APPLY_TO_ORDER"
    currencies: Annotated[Mapping[Currency, PercentOffInCurrency] | None, IN_CURRENCIES] = None

    figure: ClassVar[str] = "percent_off"
    order_limits: ClassVar[tuple[str, ...]] = ("aggregated_amount_limit",)
    multiplied: ClassVar[tuple[str, ...]] = ("percent_off", "amount_limit", "aggregated_amount_limit")
    money: ClassVar[tuple[str, ...]] = ("amount_limit", "aggregated_amount_limit")

    def figure_from(self, formula: Formula, scope: FormulaScope, rounding: Rounding) -> Decimal | None:
        return percent_of_formula(formula, scope)

    def off_order(self, left_amount: int, base_amount: int, rounding: Rounding) -> int:
        return self._within_limit(percent_of(base_amount, self.percent_off, rounding))

    def off_lines(self, lines: Sequence[Line], rounding: Rounding) -> list[int]:
        # Lines whose share reaches their cap are settled first; cutting rounded shares afterwards would let the place
        # of a line decide whether the odd cent is given or lost.
        caps = [self._within_limit(line.most_amount) for line in lines]
        is_capped = [
            line.base_amount > cap and percent_of(line.base_amount, self.percent_off, "down") >= cap
            for line, cap in zip(lines, caps, strict=True)
        ]
        bases = [0 if capped else line.base_amount for line, capped in zip(lines, is_capped, strict=True)]
        shares = allocate_within(percent_of(sum(bases), self.percent_off, rounding), bases, caps)
        return [cap if capped else share for cap, capped, share in zip(caps, is_capped, shares, strict=True)]

    def _within_limit(self, amount: int) -> int:
        return amount if self.amount_limit is None else min(amount, self.amount_limit)
