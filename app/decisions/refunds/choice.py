"""Which units a request means."""

from collections.abc import Mapping, Sequence

from app.decisions.refunds.books import Books
from app.decisions.refunds.errors import NothingToRefund, RefundExceeded
from app.decisions.refunds.schemas import RefundIn, RefundLineIn
from app.engine.returns import Stretch, cheapest, kept_of, unit_of
from app.kit.errors import InvalidPayload

Chosen = Mapping[int, Sequence[Stretch]]


def chosen_units(books: Books, request: RefundIn) -> Chosen:
    """The units that come back, by the index of their line.

    Raises NothingToRefund, InvalidPayload for a line that is named twice or that the order does not have, and
    RefundExceeded for units that are not left.
    """
    purchase, returned = books.purchase, books.returned
    kept = {index: kept_of(line, returned.spans.get(index, ())) for index, line in enumerate(purchase.lines)}
    if request.lines is None:
        if not any(kept.values()) and returned.value >= purchase.value:
            raise NothingToRefund(f"The order of {books.head.id} was given back before.", resource_id=books.head.id)
        return kept
    chosen: dict[int, Sequence[Stretch]] = {}
    for place, line in enumerate(request.lines):
        path = f"lines[{place}]"
        if line.index not in kept:
            raise InvalidPayload(f"{path}.index", f"The order has no line {line.index}.")
        if line.index in chosen:
            raise InvalidPayload(f"{path}.index", f"Line {line.index} is named more than once.")
        chosen[line.index] = _of_line(books, line, kept[line.index], path)
    return chosen


def _of_line(books: Books, line: RefundLineIn, kept: Sequence[Stretch], path: str) -> Sequence[Stretch]:
    left = sum(stretch.units for stretch in kept)
    if line.units is not None:
        return _named(line.units, kept, path)
    quantity = left if line.quantity is None else line.quantity
    if quantity > left or not left:
        place = path if line.quantity is None else f"{path}.quantity"
        raise RefundExceeded(place, f"Line {line.index} has {left} units left to return.")
    return cheapest(books.purchase, kept, quantity)


def _named(numbers: Sequence[int], kept: Sequence[Stretch], path: str) -> Sequence[Stretch]:
    if len(set(numbers)) < len(numbers):
        raise InvalidPayload(f"{path}.units", "A unit is named more than once.")
    units = []
    for place, number in enumerate(numbers):
        unit = unit_of(kept, number)
        if unit is None:
            raise RefundExceeded(f"{path}.units[{place}]", f"Unit {number} is not there or came back before.")
        units.append(unit)
    return units
