"""What all discounts share: how they are stored and shown, and how they stay within what is left to pay."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from app.engine.allocation import allocate
from app.engine.applicability import Applicability
from app.engine.application import NOTHING, Application
from app.engine.cart import Cart, Item, Metadata
from app.engine.formulas import ORDER_VARIABLES, Formula, FormulaScope, amount_of, checked_formula
from app.engine.money import LARGEST_INTEGER, Rounding
from app.engine.postings import AccountKey, Posting, merged_postings
from app.engine.stored import Stored
from app.engine.targets import Pick
from app.engine.unit_limits import UnitOwner, UnitRooms
from app.engine.units import UnitName, UnitSource

DiscountCalculationMode = Literal["DISCOUNTED_AMOUNT", "INITIAL_AMOUNT"]
"""What a share is a share of: what earlier redeemables left, or the order as it was before any of them."""


NOTHING_ASKED: frozenset[str] = frozenset()

IsDynamic = Annotated[
    bool | None,
    BeforeValidator(lambda _: None),
    Field(description="Answers say `true` where a formula supplied the figure; ignored when sent."),
]


NONE: Mapping[Any, Any] = MappingProxyType({})
"""Nothing known; shared, as it cannot be changed."""


class EffectScope(NamedTuple):
    """Everything a discount may depend on.

    `cart` is the order as it stands; `applicability` picks the lines for effects on lines, None picks none. `counts`
    says how much each account of the redeemable has counted so far. `units` are the products and SKUs that the effect
    or its targets name, by the id under which they name them. `variables` are what formulas may ask about the
    redeemable besides its metadata (`VOUCHER_EXPIRATION_DATE`). `bundles_count` says how many complete bundles the
    order has, 1 where none are asked for: the discount is given that often. `unit_owner` says for whom limited units
    are counted; without one they are not.
    """

    cart: Cart
    applicability: Applicability | None = None
    mode: DiscountCalculationMode = "DISCOUNTED_AMOUNT"
    rounding: Rounding = "half_up"
    redeemable_metadata: Metadata = NONE
    publication_metadata: Metadata = NONE
    counts: Mapping[AccountKey, int] = NONE
    units: Mapping[str, UnitSource] = NONE
    variables: Mapping[str, Any] = NONE
    bundles_count: int = 1
    unit_owner: UnitOwner | None = None

    def multiplier(self, formula: Formula) -> int:
        """How often a computed figure counts: for each complete bundle, unless the formula asks how many there are."""
        return 1 if "BUNDLE_QUANTITY" in formula.uses else self.bundles_count

    def for_formulas(self) -> FormulaScope:
        """What formulas are asked about: the order, and no line of it yet."""
        return FormulaScope(
            self.cart,
            None,
            self.redeemable_metadata,
            self.publication_metadata,
            {**self.variables, "BUNDLE_QUANTITY": self.bundles_count},
        )


class Hindrance(NamedTuple):
    """What keeps an effect from any order like this: the contract's key and message, and what was expected and seen of
    which fact; `counterfactual` says when it would go. `details` are those of the error, else the redeemable's id."""

    key: str
    message: str
    fact: str
    expected: Any
    seen: Any
    counterfactual: str
    details: str | None = None


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

    @property
    def asked(self) -> frozenset[str]:
        """What its formulas ask for by name."""
        return NOTHING_ASKED

    def named_units(self) -> tuple[UnitName, ...]:
        """What the discount gives, for the snapshot to look up in the catalogue."""
        return ()

    def for_order(self, scope: EffectScope) -> "Effect":
        """The discount with the figures it has for this order."""
        return self if scope.bundles_count == 1 else self.times(scope.bundles_count)

    def times(self, count: int) -> "Effect":
        """The discount given for so many complete bundles; what sets a price sets it once."""
        return self

    @property
    def foreign_currencies(self) -> tuple[str, ...]:
        """The currencies other than the project's in which it has amounts."""
        return ()

    def in_currency(self, currency: str) -> "Effect | None":
        """The discount for orders in a currency that is not the project's; None where it has amounts, but not there."""
        return self


MOST_CURRENCIES = 50
IN_CURRENCIES = Field(
    max_length=MOST_CURRENCIES,
    description="The amounts for orders in currencies other than the project's, by code; they replace all amounts of "
    "the discount. To an order in a currency that is not here, a discount that has amounts does not apply.",
    examples=[{"USD": {}}],
)

EFFECTS_PER_LINE = ("APPLY_TO_ITEMS", "APPLY_TO_ITEMS_BY_QUANTITY")


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
    """A discount that lowers the order's total or the price of lines, and adds or replaces nothing.

    Its figure may come from a formula, computed for the order, or for each line if it asks about lines; the fixed
    figure counts where it cannot be computed.
    """

    effect: Literal[
        "APPLY_TO_ORDER",
        "APPLY_TO_ITEMS",
        "APPLY_TO_ITEMS_PROPORTIONALLY",
        "APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY",
        "APPLY_TO_ITEMS_BY_QUANTITY",
    ] = "APPLY_TO_ORDER"

    is_dynamic: IsDynamic = None

    figure: ClassVar[str]
    """Name of the field with what is taken off or the new price; `<figure>_formula` computes it."""
    order_limits: ClassVar[tuple[str, ...]] = ()
    """Names of the fields that cap what is taken off one order; the smallest one wins."""
    multiplied: ClassVar[tuple[str, ...]] = ()
    """Names of the fields that count once for each complete bundle."""
    money: ClassVar[tuple[str, ...]]
    """Names of the fields with amounts. They are in the project's currency; `currencies` has them in others."""

    @field_validator("currencies", check_fields=False)
    @classmethod
    def _formulas_of_currencies_too(cls, entries: Any, info: ValidationInfo) -> Any:
        for entry in (entries or {}).values():
            cls._asks_about_lines_where_there_are_any(getattr(entry, f"{cls.figure}_formula", None), info)
        return entries

    @field_validator("amount_off_formula", "percent_off_formula", "fixed_amount_formula", check_fields=False)
    @classmethod
    def _asks_about_lines_where_there_are_any(cls, formula: Formula | None, info: ValidationInfo) -> Formula | None:
        """A discount on the order, or one that is spread over lines, is computed once."""
        if formula is not None and info.data.get("effect") not in (None, *EFFECTS_PER_LINE):
            checked_formula(formula.text, ORDER_VARIABLES)
        return formula

    @property
    def foreign_currencies(self) -> tuple[str, ...]:
        return tuple(sorted(self._currencies))

    @property
    def _currencies(self) -> Mapping[str, Stored]:
        return getattr(self, "currencies", None) or NONE

    def in_currency(self, currency: str) -> Self | None:
        entry = self._currencies.get(currency)
        if entry is not None:
            return self.model_copy(update={name: getattr(entry, name) for name in type(entry).model_fields})
        return None if any(getattr(self, name) is not None for name in self.money) else self

    @property
    def formula(self) -> Formula | None:
        formula: Formula | None = getattr(self, f"{self.figure}_formula")
        return formula

    @property
    def asked(self) -> frozenset[str]:
        formula = self.formula
        return NOTHING_ASKED if formula is None else formula.uses

    def figure_from(self, formula: Formula, scope: FormulaScope, rounding: Rounding) -> int | Decimal | None:
        """The figure that the formula gives, None when it cannot be computed."""
        return amount_of(formula, scope, rounding)

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
        if scope.cart.amount is None:
            return NOTHING
        formula = self.formula
        if formula is None or formula.is_about_lines:
            return self._fixed(scope)
        figure = self.figure_from(formula, scope.for_formulas(), scope.rounding)
        if figure is None:
            return self._fixed(scope)
        computed = self._with_figure(figure, scope.multiplier(formula))
        return replace(computed._fixed(scope), computed=computed)

    def _with_figure(self, figure: int | Decimal, count: int) -> Self:
        """The discount with this figure, so many times unless it is a price, instead of the fixed one."""
        if self.figure in self.multiplied:
            figure = min(figure * count, LARGEST_INTEGER)
        return self.model_copy(update={self.figure: figure, "is_dynamic": True})

    def _fixed(self, scope: EffectScope) -> Application:
        """The discount with its fixed figure, except that a formula may give lines figures of their own."""
        cart, applicability, mode, rounding = scope.cart, scope.applicability, scope.mode, scope.rounding
        left_amount = cart.total_amount
        most = min((left_amount, *self._limits()))
        if self.effect == "APPLY_TO_ORDER":
            base_amount = left_amount if mode == "DISCOUNTED_AMOUNT" else _initial_amount(cart)
            return Application(order_discount_amount=min(self.off_order(left_amount, base_amount, rounding), most))
        if applicability is None:
            return NOTHING
        if applicability.is_plain:
            covered = [index for index, item in enumerate(cart.items) if applicability.covers(item)]
            return self._off_items(scope, covered, [_line(cart.items[index], mode) for index in covered], most)
        rooms = None
        if scope.unit_owner is not None:
            rooms = UnitRooms(scope.unit_owner, scope.counts, scope.for_formulas())
        picks = applicability.picks(cart.items, rooms)
        about = scope.for_formulas() if any(pick.has_formula for pick in picks) else None
        lines = [_picked_line(cart.items[pick.index], pick, mode, about, rounding) for pick in picks]
        application = self._off_items(scope, [pick.index for pick in picks], lines, most, picks)
        return application if rooms is None else replace(application, unit_postings=_taken(application, cart, rooms))

    def _off_items(
        self,
        scope: EffectScope,
        indices: Sequence[int],
        lines: Sequence[Line],
        most: int,
        picks: Sequence[Pick] = (),
    ) -> Application:
        """The discount on these lines: within the limits of the targets first, then within `most` for the order."""
        formula, computed = self.formula, None
        if formula is not None and formula.is_about_lines:
            parts, computed = self._off_lines_by_formula(formula, scope, indices, lines)
        else:
            parts = self.off_lines(lines, scope.rounding)
        if picks:
            parts = _within_targets(parts, picks)
        if sum(parts) > most:
            parts = allocate(most, parts)
        if not any(parts):
            return NOTHING if computed is None else Application(computed=computed)
        amounts = [0] * len(scope.cart.items)
        for index, part in zip(indices, parts, strict=True):
            amounts[index] = part
        return Application(item_discount_amounts=tuple(amounts), picks=tuple(picks), computed=computed)

    def _off_lines_by_formula(
        self, formula: Formula, scope: EffectScope, indices: Sequence[int], lines: Sequence[Line]
    ) -> tuple[list[int], "MoneyOff | None"]:
        """The discount on each line by a figure of its own, and the discount as it was computed.

        Lines with the same figure are discounted together, so splitting a line in two changes no total. The discount
        that is shown has the figure that all lines share, or else the fixed one.
        """
        about = scope.for_formulas()
        places_of: dict[int | Decimal | None, list[int]] = {}
        for place, index in enumerate(indices):
            figure = self.figure_from(formula, about.at(scope.cart.items[index]), scope.rounding)
            places_of.setdefault(figure, []).append(place)
        parts = [0] * len(lines)
        computed = None
        for figure, places in places_of.items():
            by_figure = self if figure is None else self._with_figure(figure, scope.multiplier(formula))
            computed = computed if figure is None else by_figure
            off = by_figure.off_lines([lines[place] for place in places], scope.rounding)
            for place, part in zip(places, off, strict=True):
                parts[place] = part
        if computed is not None and len(places_of) > 1:
            computed = self.model_copy(update={"is_dynamic": True})
        return parts, computed

    def fades(self, applicability: Applicability | None) -> bool:
        """Not where a formula computes the figure, nor where targets pick units by what these cost now."""
        if self.formula is not None:
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


def _picked_line(
    item: Item, pick: Pick, mode: DiscountCalculationMode, about: FormulaScope | None, rounding: Rounding
) -> Line:
    """The share of the picked units in their line, rounded down, within the limits of their target."""
    line, quantity = _line(item, mode), len(pick.units)
    left_amount, base_amount = line.left_amount, line.base_amount
    if quantity < item.quantity:
        left_amount = left_amount * quantity // item.quantity
        base_amount = base_amount * quantity // item.quantity
    limit = pick.amount_limit
    most_amount = left_amount if limit is None else min(left_amount, limit)
    price = pick.price(None if about is None else about.at(item), rounding)
    return Line(left_amount, base_amount, most_amount, quantity, quantity if pick.counts_units else 1, price)


def _taken(application: Application, cart: Cart, rooms: UnitRooms) -> tuple[Posting, ...]:
    """One posting for each limit of units, with all units that are discounted."""
    return merged_postings(
        posting
        for pick in application.picks
        if application.item_discount_amounts[pick.index]
        for target in pick.targets
        if target.unit_limits
        for posting in rooms.postings(target.unit_limits, target.name, cart.items[pick.index], len(pick.units))
    )


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
