from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from app.engine.allocation import allocate_within
from app.engine.effects.base import IN_CURRENCIES, Line, MoneyOff
from app.engine.formulas import LineFormula
from app.engine.money import Amount, AmountLimit, Currency, Rounding
from app.engine.stored import Stored


class AmountOffInCurrency(Stored):
    """What is taken off orders in another currency, instead of all amounts of the discount."""

    amount_off: Amount
    amount_off_formula: LineFormula = None
    aggregated_amount_limit: AmountLimit | None = None


class AmountOff(MoneyOff):
    """Take an amount off the order, off each chosen line or unit, or spread over the chosen lines.

    Spread over lines (`..._PROPORTIONALLY` by what they cost, `..._PROPORTIONALLY_BY_QUANTITY` by their units), the
    parts sum to `amount_off`; what exceeds a line goes to the others. `aggregated_amount_limit` caps the whole order.
    """

    type: Literal["AMOUNT"] = "AMOUNT"
    amount_off: Amount
    amount_off_formula: LineFormula = None
    aggregated_amount_limit: AmountLimit | None = None
    currencies: Annotated[Mapping[Currency, AmountOffInCurrency] | None, IN_CURRENCIES] = None

    figure: ClassVar[str] = "amount_off"
    order_limits: ClassVar[tuple[str, ...]] = ("aggregated_amount_limit",)
    multiplied: ClassVar[tuple[str, ...]] = ("amount_off", "aggregated_amount_limit")
    money: ClassVar[tuple[str, ...]] = ("amount_off", "aggregated_amount_limit")

    def off_order(self, left_amount: int, base_amount: int, rounding: Rounding) -> int:
        return self.amount_off

    def off_lines(self, lines: Sequence[Line], rounding: Rounding) -> list[int]:
        most = [line.most_amount for line in lines]
        if self.effect == "APPLY_TO_ITEMS_PROPORTIONALLY":
            return allocate_within(self.amount_off, [line.base_amount for line in lines], most)
        if self.effect == "APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY":
            return allocate_within(self.amount_off, [line.quantity for line in lines], most)
        if self.effect == "APPLY_TO_ITEMS_BY_QUANTITY":
            return [min(self.amount_off * line.quantity, line.most_amount) for line in lines]
        return [min(self.amount_off * line.pieces, line.most_amount) for line in lines]
