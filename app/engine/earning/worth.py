"""What of an order earns points: its units, without those that were free and without what was not paid with money.

Amounts are minor units of the order's currency.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.engine.allocation import allocate
from app.engine.cart import Cart, Item
from app.engine.returns import Span, stretches_of
from app.engine.unit_allocation import Allocation, spread_of


@dataclass(frozen=True, slots=True)
class Tender:
    """What a gift card or points paid: in all, for every unit, and how much of it lines show as their own discount."""

    amount: int
    allocation: Allocation
    on_lines: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring units of a line alike: the price of each, the money paid for it, what tenders paid for it."""

    line: int
    units: int
    price: int
    paid_amount: int
    tendered_amount: int

    @property
    def gross_amount(self) -> int:
        """What each unit counts before discounts: its price without what tenders paid, nothing if it cost no money."""
        return max(0, self.price - self.tendered_amount) if self.paid_amount else 0


@dataclass(frozen=True, slots=True)
class Worth:
    """An order as earning sees it. `tenders` are those that still stand, `discounts` what else is known unit by unit.

    Free are units that cost nothing in an order in which anything has a price. Where nothing has one, units are known
    and amounts are not.
    """

    cart: Cart
    tenders: Sequence[Tender] = ()
    runs: tuple[Run, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, cart: Cart, tenders: Sequence[Tender] = (), discounts: Iterable[Allocation] = ()) -> "Worth":
        earlier = [*(tender.allocation for tender in tenders), *discounts]
        return cls(cart, tenders, tuple(_runs(cart, tenders, earlier)))

    @property
    def gross_amount(self) -> int:
        """The order before discounts."""
        if self.has_prices:
            return sum(run.units * run.gross_amount for run in self.runs)
        tendered = sum(tender.amount for tender in self.tenders)
        return max(0, (self.cart.amount or 0) - tendered) if self.cart.total_amount else 0

    @property
    def has_prices(self) -> bool:
        return any(run.price for run in self.runs)

    def counts(self, run: Run) -> bool:
        """Whether units of the run count where units are counted."""
        return run.paid_amount > 0 or not self.has_prices

    def is_all_back(self, returned: Mapping[int, Sequence[Span]]) -> bool:
        """Whether no unit of the order is left that did not come back, by the index of their line."""
        units: dict[int, int] = {}
        for run in self.runs:
            units[run.line] = units.get(run.line, 0) + run.units
        back = {index: sum(last - first + 1 for first, last in spans) for index, spans in returned.items()}
        return all(back.get(index, 0) >= count for index, count in units.items())

    def subtotal_of(self, index: int) -> int:
        """What the line costs after its own discounts and tenders. Discounts on the whole order are not the line's."""
        own = [run for run in self.runs if run.line == index]
        if not any(run.paid_amount for run in own):
            return 0
        tendered = sum(run.units * run.tendered_amount for run in own)
        seen = sum(tender.on_lines[index] for tender in self.tenders if index < len(tender.on_lines))
        return max(0, self.cart.items[index].subtotal_amount - max(0, tendered - seen))


def _runs(cart: Cart, tenders: Sequence[Tender], earlier: Sequence[Allocation]) -> Iterator[Run]:
    bare = replace(cart, discount_amount=0, items=tuple(_undiscounted(item) for item in cart.items))
    prices, paid = spread_of(bare, ()).left, spread_of(cart, (), earlier).left
    for index, line in enumerate(prices):
        columns = [paid[index], *(_line_of(tender.allocation, index) for tender in tenders)]
        for stretch in stretches_of(line, columns):
            paid_amount, *tendered = stretch.shares
            yield Run(index, stretch.units, stretch.amount, paid_amount, sum(tendered))


def _undiscounted(item: Item) -> Item:
    return replace(item, discount_amount=0, discount_quantity=0)


def _line_of(allocation: Allocation, index: int) -> tuple[tuple[int, int], ...]:
    return allocation[index] if index < len(allocation) else ()


def points_per_unit(points: int, weights: Sequence[tuple[Run, int]]) -> Allocation:
    """The points spread over units, in proportion to what each weighs; the parts sum to the points.

    `weights` has what a single unit of each run weighs, the runs in the order of the lines. Nothing where nothing
    weighs anything.
    """
    return _shared(points, [(run.line, run.units, weight) for run, weight in weights])


def thinned(allocation: Allocation, points: int) -> Allocation:
    """So many points spread in proportion to those that the units have."""
    return _shared(points, [(index, units, each) for index, line in enumerate(allocation) for units, each in line])


def _shared(points: int, weights: Sequence[tuple[int, int, int]]) -> Allocation:
    """`weights` are line, units, and what each unit weighs."""
    shares = allocate(points, [units * weight for _, units, weight in weights])
    lines: dict[int, list[tuple[int, int]]] = {}
    for (line, units, _), share in zip(weights, shares, strict=True):
        each, odd = divmod(share, units)
        lines.setdefault(line, []).extend(part for part in ((odd, each + 1), (units - odd, each)) if part[0])
    return tuple(_merged(lines.get(index, [])) for index in range(max(lines, default=-1) + 1))


def _merged(runs: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for units, points in runs:
        if merged and merged[-1][1] == points:
            merged[-1] = (merged[-1][0] + units, points)
        else:
            merged.append((units, points))
    return tuple(merged)


def points_of_units(allocation: Allocation, returned: Mapping[int, Sequence[Span]]) -> int:
    """The points of the units that came back, by the index of their line."""
    points = 0
    for index, line in enumerate(allocation):
        spans = returned.get(index, ())
        first = 1
        for units, each in line:
            last = first + units - 1
            points += each * sum(max(0, min(last, end) - max(first, begin) + 1) for begin, end in spans)
            first = last + 1
    return points
