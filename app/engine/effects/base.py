"""What all discounts share: how they are stored and shown, and how they stay within what is left to pay."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from app.engine.allocation import allocate
from app.engine.applicability import Applicability
from app.engine.application import NOTHING, Application
from app.engine.cart import Cart, Item, Metadata
from app.engine.money import Rounding
from app.engine.postings import AccountKey
from app.engine.stored import Stored
from app.engine.targets import Pick
from app.engine.units import UnitSource

DiscountCalculationMode = Literal["DISCOUNTED_AMOUNT", "INITIAL_AMOUNT"]
"""What a share is a share of: what earlier redeemables left, or the order as it was before any of them."""


def _refuse_formula(formula: str | None) -> str | None:
    if formula:
        raise PydanticCustomError(
            "formula", "A discount is computed from fixed figures here, not from a formula; leave this field out."
        )
    return formula


NoFormula = Annotated[str | None, AfterValidator(_refuse_formula), Field(exclude=True)]
"""A formula field of the wire: accepted when empty, refused otherwise, never stored."""


@dataclass(frozen=True, slots=True)
class EffectScope:
    """Everything a discount may depend on.

    `cart` is the order as it stands; `applicability` picks the lines for effects on lines, None picks none. `counts`
    says how much each account of the redeemable has counted so far. `units` are the products and SKUs that the effect
    or its targets name, by the id under which they name them. `variables` are what formulas may ask about the
    redeemable besides its metadata (`VOUCHER_EXPIRATION_DATE`). `bundles_count` says how many complete bundles the
    order has, 1 where none are asked for: the discount is given that often.
    """

    cart: Cart
    applicability: Applicability | None = None
    mode: DiscountCalculationMode = "DISCOUNTED_AMOUNT"
    rounding: Rounding = "half_up"
    redeemable_metadata: Metadata = field(default_factory=dict)
    publication_metadata: Metadata = field(default_factory=dict)
    counts: Mapping[AccountKey, int] = field(default_factory=dict)
    units: Mapping[str, UnitSource] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    bundles_count: int = 1


class Hindrance(NamedTuple):
    """What keeps an effect from any order like this: the contract's key and message, and what was expected and seen of
    which fact; `counterfactual` says when it would go."""

    key: str
    message: str
    fact: str
    expected: Any
    seen: Any
    counterfactual: str


class Effect(Stored, ABC):
    """A discount as it is stored, as it is shown, and as it is computed."""

    def hindrance(self, cart: Cart, applicability: Applicability | None) -> Hindrance | None:
        """Why the redeemable must be refused rather than applied without effect; discounts know no such reason."""
        return None

    @abstractmethod
    def application(self, scope: EffectScope) -> Application:
        """What this discount does to the order as it stands: takes off never more than is left of it or of a line."""

    def fades(self, applicability: Applicability | None) -> bool:
        """Whether it never takes more off an order from which other discounts in money have taken something before."""
        return False

    def for_order(self, scope: EffectScope) -> "Effect":
        """The discount with the figures it has for this order."""
        return self if scope.bundles_count == 1 else self.times(scope.bundles_count)

    def times(self, count: int) -> "Effect":
        """The discount given for so many complete bundles; what sets a price sets it once."""
        return self


class Line(NamedTuple):
    """A line a discount may touch, or some of its units, and what the discount is computed on.

    `left_amount` is what is left to pay for them, `base_amount` what shares are computed on, `most_amount` the most
    that may be taken off. `pieces` is how many things are discounted: one line, or each unit where a target says so.
    `price` is the new price that a target gives one unit.
    """

    left_amount: int
    base_amount: int
    most_amount: int
    quantity: int
    pieces: int = 1
    price: int | None = None


class MoneyOff(Effect):
    """A discount that lowers the order's total or the price of lines, and adds or replaces nothing."""

    effect: Literal[
        "APPLY_TO_ORDER",
        "APPLY_TO_ITEMS",
        "APPLY_TO_ITEMS_PROPORTIONALLY",
        "APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY",
        "APPLY_TO_ITEMS_BY_QUANTITY",
    ] = "APPLY_TO_ORDER"

    order_limits: ClassVar[tuple[str, ...]] = ()
    """Names of the fields that cap what is taken off one order; the smallest one wins."""
    multiplied: ClassVar[tuple[str, ...]] = ()
    """Names of the fields that count once for each complete bundle."""

    @abstractmethod
    def off_order(self, left_amount: int, base_amount: int, rounding: Rounding) -> int:
        """The discount on a whole order, before caps."""

    @abstractmethod
    def off_lines(self, lines: Sequence[Line], rounding: Rounding) -> list[int]:
        """The discount on each line, none above its `most_amount`, before the caps of the order."""

    def times(self, count: int) -> "MoneyOff":
        figures = {name: getattr(self, name) for name in self.multiplied}
        return self.model_copy(update={name: figure * count for name, figure in figures.items() if figure is not None})

    def application(self, scope: EffectScope) -> Application:
        cart, applicability, mode, rounding = scope.cart, scope.applicability, scope.mode, scope.rounding
        if cart.amount is None:
            return NOTHING
        left_amount = cart.total_amount
        most = min((left_amount, *self._limits()))
        if self.effect == "APPLY_TO_ORDER":
            base_amount = left_amount if mode == "DISCOUNTED_AMOUNT" else _initial_amount(cart)
            return Application(order_discount_amount=min(self.off_order(left_amount, base_amount, rounding), most))
        if applicability is None:
            return NOTHING
        if applicability.is_plain:
            covered = [index for index, item in enumerate(cart.items) if applicability.covers(item)]
            return self._off_items(cart, covered, [_line(cart.items[index], mode) for index in covered], most, rounding)
        picks = applicability.picks(cart.items)
        lines = [_picked_line(cart.items[pick.index], pick, mode) for pick in picks]
        return self._off_items(cart, [pick.index for pick in picks], lines, most, rounding, picks)

    def _off_items(
        self,
        cart: Cart,
        indices: Sequence[int],
        lines: Sequence[Line],
        most: int,
        rounding: Rounding,
        picks: Sequence[Pick] = (),
    ) -> Application:
        """The discount on these lines: within the limits of the targets first, then within `most` for the order."""
        parts = self.off_lines(lines, rounding)
        if picks:
            parts = _within_targets(parts, picks)
        if sum(parts) > most:
            parts = allocate(most, parts)
        if not any(parts):
            return NOTHING
        amounts = [0] * len(cart.items)
        for index, part in zip(indices, parts, strict=True):
            amounts[index] = part
        return Application(item_discount_amounts=tuple(amounts), picks=tuple(picks))

    def fades(self, applicability: Applicability | None) -> bool:
        """Not where a formula computes the figure, nor where targets pick units by what these cost now."""
        if any(getattr(self, name) for name in type(self).model_fields if name.endswith("_formula")):
            return False
        return self.effect == "APPLY_TO_ORDER" or applicability is None or applicability.is_plain

    def _limits(self) -> list[int]:
        limits = (getattr(self, name) for name in self.order_limits)
        return [limit for limit in limits if limit is not None]


def _initial_amount(cart: Cart) -> int:
    return (cart.amount or 0) if cart.initial_amount is None else cart.initial_amount


def _line(item: Item, mode: DiscountCalculationMode) -> Line:
    left_amount = item.subtotal_amount
    if mode == "DISCOUNTED_AMOUNT":
        return Line(left_amount, left_amount, left_amount, item.quantity)
    base_amount = item.amount if item.initial_amount is None else item.initial_amount
    return Line(left_amount, base_amount, left_amount, item.quantity)


def _picked_line(item: Item, pick: Pick, mode: DiscountCalculationMode) -> Line:
    """The share of the picked units in their line, rounded down, within the limits of their target."""
    line, quantity = _line(item, mode), len(pick.units)
    left_amount, base_amount = line.left_amount, line.base_amount
    if quantity < item.quantity:
        left_amount = left_amount * quantity // item.quantity
        base_amount = base_amount * quantity // item.quantity
    limit = pick.amount_limit
    most_amount = left_amount if limit is None else min(left_amount, limit)
    return Line(left_amount, base_amount, most_amount, quantity, quantity if pick.counts_units else 1, pick.price)


def _within_targets(parts: list[int], picks: Sequence[Pick]) -> list[int]:
    """The parts, those of each target cut to what it may take off one order; shares stay in proportion."""
    limited = {id(target): target for pick in picks for target in pick.targets}
    for target in limited.values():
        if target.aggregated_amount_limit is None:
            continue
        own = [place for place, pick in enumerate(picks) if any(each is target for each in pick.targets)]
        if sum(parts[place] for place in own) > target.aggregated_amount_limit:
            cut = allocate(target.aggregated_amount_limit, [parts[place] for place in own])
            parts = list(parts)
            for place, part in zip(own, cut, strict=True):
                parts[place] = part
    return parts
