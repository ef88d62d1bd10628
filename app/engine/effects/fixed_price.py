from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from app.engine.effects.base import IN_CURRENCIES, Line, MoneyOff
from app.engine.formulas import LineFormula
from app.engine.money import Amount, Currency, Rounding
from app.engine.stored import Stored


class FixedPriceInCurrency(Stored):
    """What remains to be paid of orders in another currency."""

    fixed_amount: Amount
    fixed_amount_formula: LineFormula = None


class FixedPrice(MoneyOff):
    """Set what remains to be paid: for the order, or for one unit of each chosen line. Never raises a price.

    A target with a price of its own sets that for its units. A new price is the price to pay, so it is measured against
    what earlier redeemables left in every calculation mode.
    """

    type: Literal["FIXED"] = "FIXED"
    fixed_amount: Amount
    fixed_amount_formula: LineFormula = None
    effect: Literal["APPLY_TO_ORDER", "APPLY_TO_ITEMS"] = "APPLY_TO_ORDER"
    currencies: Annotated[Mapping[Currency, FixedPriceInCurrency] | None, IN_CURRENCIES] = None

    figure: ClassVar[str] = "fixed_amount"
    money: ClassVar[tuple[str, ...]] = ("fixed_amount",)

    def off_order(self, left_amount: int, base_amount: int, rounding: Rounding) -> int:
        return max(0, left_amount - self.fixed_amount)

    def off_lines(self, lines: Sequence[Line], rounding: Rounding) -> list[int]:
        return [min(line.most_amount, max(0, line.left_amount - self._price(line) * line.quantity)) for line in lines]

    def _price(self, line: Line) -> int:
        return self.fixed_amount if line.price is None else line.price
