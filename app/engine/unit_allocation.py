"""How much of each discount every single unit carries: what returns and partial refunds are computed from.

Discounts on lines stay on their lines, on the units that were picked or given away where a redeemable says which; those
on the order are spread over what is left to pay for each unit. Parts are split by the largest remainder, so they add up
to the discount to the minor unit, and no unit ever carries more than its price.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from app.engine.allocation import allocate
from app.engine.application import Application
from app.engine.cart import Cart, Item

Runs: TypeAlias = tuple[tuple[int, int], ...]
"""Units of a line in their order, equal neighbours together: how many, and the minor units that each of them carries.
Empty when the line carries nothing. Ten thousand units at one price are one run. Units that were replaced stand behind
those that the line still has, and give back what they carried before: their amounts are negative."""
Allocation: TypeAlias = tuple[Runs, ...]
"""The runs of each line of the order as the discount left it."""


@dataclass(slots=True)
class _Segment:
    """Neighbouring units alike: the price of each, what is left to pay for it, what the discount at hand takes off."""

    units: int
    price: int
    left: int
    taken: int = 0


_Line: TypeAlias = list[_Segment]


@dataclass(frozen=True, slots=True)
class Spread:
    """How the discounts of a stack are spread, one allocation for each, and what every unit still costs after them."""

    allocations: tuple[Allocation, ...]
    left: Allocation


def allocation_of(cart: Cart, application: Application) -> Allocation:
    """How the discount of one redeemable, computed on `cart`, is spread."""
    return allocations_of(cart, (application,))[0]


def allocations_of(
    cart: Cart, applications: Iterable[Application], earlier: Sequence[Allocation] = ()
) -> list[Allocation]:
    """How the discounts of a stack are spread; see `spread_of`."""
    return list(spread_of(cart, applications, earlier).allocations)


def spread_of(cart: Cart, applications: Iterable[Application], earlier: Sequence[Allocation] = ()) -> Spread:
    """Spread the discounts of a stack: the first was computed on `cart`, each other on what the one before left.

    `earlier` are the allocations of redemptions that the order carries already; what it carries beyond them is spread
    like a discount on the order. What a line cannot carry, because earlier discounts on the order have used it up, goes
    to the others. Units that replace others take over what those carried. An allocation adds up to its discount; only
    where an order's amount is not the sum of its lines is there a rest that no unit can carry.
    """
    lines = _as_carried(cart, earlier)
    allocations = []
    for application in applications:
        replaced = _apply(application, lines)
        allocations.append(tuple([_taken([*line, *replaced.get(index, ())]) for index, line in enumerate(lines)]))
        for line in lines:
            for segment in line:
                segment.taken = 0
    left = tuple([_runs([(segment.units, segment.left) for segment in line]) for line in lines])
    return Spread(tuple(allocations), left)


def _as_carried(cart: Cart, earlier: Sequence[Allocation]) -> list[_Line]:
    """The units of the order with what is left to pay for each."""
    if not earlier:
        lines = [_discounted(item) for item in cart.items]
        _give(cart.discount_amount, lines)
    else:
        lines = [_priced(_units_of(item), item.amount) for item in cart.items]
        known_amount = 0
        for allocation in earlier:
            for line, runs in zip(lines, allocation, strict=False):
                known_amount += _carry(line, runs)
        _give(cart.total_discount_amount - known_amount, lines)
    for line in lines:
        for segment in line:
            segment.taken = 0
    return lines


def _discounted(item: Item) -> _Line:
    """The units of a line; those given free of charge are the last ones."""
    line = _priced(_units_of(item), item.amount)
    _give(item.discount_amount, [line], _last(item.discount_quantity) if item.discount_quantity else None)
    return line


def _units_of(item: Item) -> int:
    """A line that costs something without counting units is one unit."""
    return item.quantity or (1 if item.amount else 0)


def _priced(units: int, amount: int) -> _Line:
    """So many units that cost `amount` together."""
    if not units:
        return []
    price, odd = divmod(amount, units)
    return [_Segment(count, each, each) for count, each in ((odd, price + 1), (units - odd, price)) if count]


def _carry(line: _Line, runs: Runs) -> int:
    """Let the units carry what an earlier allocation says; gives the sum of it, without units that are gone."""
    carried, place = 0, 0
    for units, amount in runs:
        while units and place < len(line):
            _cut(line, place, units)
            segment = line[place]
            taken = min(segment.left, amount)
            segment.left -= taken
            carried += segment.units * taken
            units -= segment.units
            place += 1
    return carried


def _apply(application: Application, lines: list[_Line]) -> dict[int, _Line]:
    """Add and replace units, then take off what the discount takes off lines, then what it takes off the order. Gives
    the units that were replaced, by the index of their line."""
    lines += [[] for _ in application.added_items]
    replaced, inherited = _replaced(application, lines)
    for line, units, amount in zip(lines, application.item_quantities, application.item_amounts, strict=False):
        if units > 0:
            line += _priced(units, amount)
    rest = 0
    for replacement, carried in zip(application.replacements, inherited, strict=True):
        rest += _give(carried, [lines[replacement.target_index]], _last(replacement.target_quantity))
    picked = {pick.index: len(pick.units) for pick in application.picks}
    for index, amount in enumerate(application.item_discount_amounts):
        if amount:
            rest += _give(amount, [lines[index]], _choice(application, index, picked.get(index)))
    _give(application.order_discount_amount + rest, lines)
    return replaced


def _replaced(application: Application, lines: list[_Line]) -> tuple[dict[int, _Line], list[int]]:
    """Take the units that are replaced off the ends of their lines; gives them and what each lot of them carried."""
    replaced: dict[int, _Line] = {}
    carried = []
    for replacement in application.replacements:
        line, units = lines[replacement.source_index], replacement.source_quantity
        gone: _Line = []
        while units and line:
            _cut(line, len(line) - 1, line[-1].units - units)
            segment = line.pop()
            segment.taken = segment.left - segment.price
            gone.insert(0, segment)
            units -= segment.units
        replaced[replacement.source_index] = gone
        carried.append(-sum(segment.units * segment.taken for segment in gone))
    return replaced, carried


_Choice: TypeAlias = Callable[[_Line], list[_Segment]]


def _choice(application: Application, index: int, picked: int | None) -> _Choice | None:
    """Which units of the line a discount means: the dearest, of equal ones the last for units given away (they were
    added at the end), the first for units that a target picked. None for all of them."""
    free = application.item_discount_quantities[index : index + 1]
    if free and free[0]:
        return _dearest(free[0], last_first=True)
    if any(each.target_index == index for each in application.replacements):
        return _last(sum(each.target_quantity for each in application.replacements if each.target_index == index))
    return None if picked is None else _dearest(picked, last_first=False)


def _last(units: int) -> _Choice:
    def choose(line: _Line) -> list[_Segment]:
        return _first_units(line, units, range(len(line) - 1, -1, -1), from_end=True)

    return choose


def _dearest(units: int, *, last_first: bool) -> _Choice:
    def choose(line: _Line) -> list[_Segment]:
        places = range(len(line) - 1, -1, -1) if last_first else range(len(line))
        return _first_units(line, units, sorted(places, key=lambda place: -line[place].left), from_end=last_first)

    return choose


def _first_units(line: _Line, units: int, places: Iterable[int], *, from_end: bool) -> list[_Segment]:
    """The segments at these places until there are so many units; the last one needed is cut."""
    chosen: list[_Segment] = []
    for segment in [line[place] for place in places]:
        if not units:
            break
        place = next(place for place, each in enumerate(line) if each is segment)
        if segment.units > units:
            _cut(line, place, segment.units - units if from_end else units)
            segment = line[place + 1] if from_end else line[place]
        chosen.append(segment)
        units -= segment.units
    return chosen


def _cut(line: _Line, place: int, units: int) -> None:
    """Cut the segment after its first `units`, if it has more than that and they are any."""
    segment = line[place]
    if 0 < units < segment.units:
        line.insert(place + 1, _Segment(segment.units - units, segment.price, segment.left, segment.taken))
        segment.units = units


def _give(amount: int, lines: list[_Line], choice: _Choice | None = None) -> int:
    """Take `amount` off the units of the lines, or off those chosen and only then off the others, in proportion to what
    is left to pay for them; gives what they could not carry."""
    if amount <= 0:
        return 0
    if choice is not None:
        (line,) = lines
        amount -= _spread(amount, [(line, segment) for segment in choice(line)])
    return amount - _spread(amount, [(line, segment) for line in lines for segment in line])


def _spread(amount: int, segments: Sequence[tuple[_Line, _Segment]]) -> int:
    """What the segments could carry of `amount`."""
    weights = [segment.units * segment.left for _, segment in segments]
    carried = min(amount, sum(weights))
    for (line, segment), share in zip(segments, allocate(carried, weights), strict=True):
        if not share:
            continue
        each, odd = divmod(share, segment.units)
        segment.left -= each
        segment.taken += each
        if odd:
            _cut(line, next(place for place, other in enumerate(line) if other is segment), odd)
            segment.left -= 1
            segment.taken += 1
    return carried


def _taken(line: _Line) -> Runs:
    if not any([segment.taken for segment in line]):
        return ()
    return _runs([(segment.units, segment.taken) for segment in line])


def _runs(pairs: Iterable[tuple[int, int]]) -> Runs:
    """The pairs of units and amounts, equal neighbours together."""
    runs: list[tuple[int, int]] = []
    for units, amount in pairs:
        if runs and runs[-1][1] == amount:
            runs[-1] = (runs[-1][0] + units, amount)
        else:
            runs.append((units, amount))
    return tuple(runs)
