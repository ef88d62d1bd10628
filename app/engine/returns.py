"""What is given back when units of an order come back: read off what was kept when they were bought, never spread anew.

Units of a line are numbered from 1, in the order of the line's runs. Amounts are minor units.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from app.engine.unit_allocation import Allocation, Runs

Span: TypeAlias = tuple[int, int]
"""The first and the last of neighbouring units."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one redeemable took off an order: `amount` in all, spread by `allocation`. A tender paid it."""

    redemption_id: str
    amount: int
    allocation: Allocation
    is_tender: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring units alike: the money that each cost, and what each of the shares took off each."""

    first: int
    units: int
    amount: int
    shares: tuple[int, ...]

    @property
    def last(self) -> int:
        return self.first + self.units - 1

    def cut(self, first: int, last: int) -> "Stretch":
        """The part from `first` to `last`, both within it."""
        return replace(self, first=first, units=last - first + 1)


@dataclass(frozen=True, slots=True)
class Purchase:
    """An order as it was bought: the money for it, what redeemables took off, and its units line by line."""

    paid_amount: int
    shares: tuple[Share, ...]
    lines: tuple[tuple[Stretch, ...], ...]

    @property
    def value(self) -> int:
        """What was paid for the order by all means."""
        return self.paid_amount + sum(share.amount for share in self.shares if share.is_tender)

    def credits_of(self, stretch: Stretch) -> int:
        """What tenders paid for each unit of the stretch."""
        return sum(taken for share, taken in zip(self.shares, stretch.shares, strict=True) if share.is_tender)

    def price_of(self, stretch: Stretch) -> int:
        """What each unit of the stretch cost before the shares."""
        return stretch.amount + sum(stretch.shares)


@dataclass(frozen=True, slots=True)
class Returned:
    """What came back before, by the index of the line, and what was given back for it: money, and credits by share."""

    spans: Mapping[int, Sequence[Span]] = field(default_factory=dict)
    amount: int = 0
    credits: Mapping[str, int] = field(default_factory=dict)

    @property
    def value(self) -> int:
        return self.amount + sum(self.credits.values())


@dataclass(frozen=True, slots=True)
class ReturnedLine:
    """Units of one line that come back, and what they carry: money, credits, and discounts that they lose."""

    index: int
    spans: tuple[Span, ...]
    quantity: int
    amount: int
    credits: int
    discount_amount: int
    remaining_quantity: int


@dataclass(frozen=True, slots=True)
class ReturnedShare:
    """What is given back to one tender, or what of one discount the units that come back carry."""

    redemption_id: str
    credits: int
    discount_amount: int
    remaining_credits: int


@dataclass(frozen=True, slots=True)
class Return:
    """What a return gives back. `adjustment_amount` is what that is beyond the lines, negative for what is charged
    back; the `remaining_` figures are what can still come back and be given back."""

    lines: tuple[ReturnedLine, ...]
    shares: tuple[ReturnedShare, ...]
    amount: int
    credits: int
    adjustment_amount: int
    remaining_quantity: int
    remaining_amount: int
    remaining_credits: int


def purchase_of(paid_amount: int, unit_amounts: Allocation, shares: Sequence[Share]) -> Purchase:
    """The order whose units cost `unit_amounts` after all of the shares."""
    lines = []
    for index, runs in enumerate(unit_amounts):
        taken = [share.allocation[index] if index < len(share.allocation) else () for share in shares]
        lines.append(tuple(stretches_of(runs, taken)))
    return Purchase(paid_amount, tuple(shares), tuple(lines))


def stretches_of(amounts: Runs, taken: Sequence[Runs]) -> Iterator[Stretch]:
    """The units of a line, cut wherever one of the runs changes. Units that are gone again, which runs of earlier
    redeemables may still have, are left out."""
    total = sum(units for units, _ in amounts)
    columns = [amounts, *taken]
    ends = sorted({end for runs in columns for end in _ends(runs) if end < total} | ({total} if total else set()))
    cursors = [_amounts_at(runs, ends) for runs in columns]
    first = 1
    for end, amount, *shares in zip(ends, *cursors, strict=True):
        yield Stretch(first, end - first + 1, amount, tuple(shares))
        first = end + 1


def _ends(runs: Runs) -> Iterator[int]:
    end = 0
    for units, _ in runs:
        end += units
        yield end


def _amounts_at(runs: Runs, numbers: Sequence[int]) -> list[int]:
    """What the units with these ascending numbers have in `runs`; nothing beyond its end."""
    amounts, place, end = [], 0, runs[0][0] if runs else 0
    for number in numbers:
        while number > end and place < len(runs) - 1:
            place += 1
            end += runs[place][0]
        amounts.append(runs[place][1] if number <= end else 0)
    return amounts


def kept_of(line: Sequence[Stretch], returned: Iterable[Span]) -> list[Stretch]:
    """The units of the line that did not come back."""
    spans = joined(returned)
    kept: list[Stretch] = []
    place = 0
    for stretch in line:
        first = stretch.first
        while place < len(spans) and spans[place][0] <= stretch.last:
            gone_first, gone_last = spans[place]
            if gone_first > first:
                kept.append(stretch.cut(first, gone_first - 1))
            first = max(first, gone_last + 1)
            if gone_last > stretch.last:
                break  # it goes on in the next stretch
            place += 1
        if first <= stretch.last:
            kept.append(stretch.cut(first, stretch.last))
    return kept


def cheapest(purchase: Purchase, kept: Sequence[Stretch], quantity: int) -> list[Stretch]:
    """So many of the units, or all when there are fewer: those that cost least, of equal ones the last.

    Whoever keeps part of "three for two" keeps, and has paid for, the units at full price.
    """
    chosen: list[Stretch] = []
    # sorted() is stable, so of equal stretches the last one comes first.
    for stretch in sorted(reversed(kept), key=lambda each: each.amount + purchase.credits_of(each)):
        if quantity <= 0:
            break
        units = min(quantity, stretch.units)
        chosen.append(stretch.cut(stretch.last - units + 1, stretch.last))
        quantity -= units
    return sorted(chosen, key=lambda each: each.first)


def unit_of(kept: Sequence[Stretch], number: int) -> Stretch | None:
    """The unit with this number as a stretch of its own; None when it is not there."""
    place = bisect_right(kept, number, key=lambda stretch: stretch.first) - 1
    if place < 0 or number > kept[place].last:
        return None
    return kept[place].cut(number, number)


def return_of(
    purchase: Purchase,
    returned: Returned,
    chosen: Mapping[int, Sequence[Stretch]],
    *,
    kept_value: int | None = None,
) -> Return:
    """What is given back for the units in `chosen`, by line, after what came back before.

    Each unit gives back the money that it cost, and to each tender what that paid for it. With `kept_value`, what the
    units that are kept cost by themselves, it is what was paid for the order less that and less what was given back
    before, but never less than nothing: money first, then tenders, the last one first. Either way never more than was
    paid, and with the last units everything that is left.
    """
    lines = tuple(_line(purchase, returned, index, chosen[index]) for index in sorted(chosen) if chosen[index])
    remaining_quantity = _units(purchase) - sum(
        last - first + 1 for spans in returned.spans.values() for first, last in spans
    )
    remaining_quantity -= sum(line.quantity for line in lines)
    left = _left(purchase, returned)
    money_left = max(0, purchase.paid_amount - returned.amount)
    if remaining_quantity <= 0:
        amount, credits = money_left, left
    elif kept_value is not None:
        amount, credits = _waterfall(purchase.value - kept_value - returned.value, money_left, left)
    else:
        amount = min(sum(line.amount for line in lines), money_left)
        credits = {id_: min(_taken(purchase, chosen, id_), most) for id_, most in left.items()}
    # A card may have paid for what was given back in money before; it has only back what that left.
    credits = _within(purchase.value - returned.value - amount, credits)
    total = sum(credits.values())
    return Return(
        lines=lines,
        shares=tuple(
            ReturnedShare(
                share.redemption_id,
                credits.get(share.redemption_id, 0),
                0 if share.is_tender else _taken(purchase, chosen, share.redemption_id),
                left.get(share.redemption_id, 0) - credits.get(share.redemption_id, 0),
            )
            for share in purchase.shares
        ),
        amount=amount,
        credits=total,
        adjustment_amount=amount + total - sum(line.amount + line.credits for line in lines),
        remaining_quantity=remaining_quantity,
        remaining_amount=money_left - amount,
        remaining_credits=sum(left.values()) - total,
    )


def returned_points(points: int, paid_amount: int, given_back: int) -> int:
    """Of the points that paid `paid_amount`, those that belong to the part of it that was given back: in proportion,
    parts of a point cut off, so that all of them are back when all of the money is."""
    return points * given_back // paid_amount if paid_amount else 0


def _line(purchase: Purchase, returned: Returned, index: int, chosen: Sequence[Stretch]) -> ReturnedLine:
    kept = kept_of(purchase.lines[index], returned.spans.get(index, ()))
    quantity = sum(stretch.units for stretch in chosen)
    credits = sum(stretch.units * purchase.credits_of(stretch) for stretch in chosen)
    return ReturnedLine(
        index=index,
        spans=joined((stretch.first, stretch.last) for stretch in chosen),
        quantity=quantity,
        amount=sum(stretch.units * stretch.amount for stretch in chosen),
        credits=credits,
        discount_amount=sum(stretch.units * sum(stretch.shares) for stretch in chosen) - credits,
        remaining_quantity=sum(stretch.units for stretch in kept) - quantity,
    )


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The spans in ascending order, neighbours as one."""
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and merged[-1][1] + 1 >= first:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def _units(purchase: Purchase) -> int:
    return sum(stretch.units for line in purchase.lines for stretch in line)


def _left(purchase: Purchase, returned: Returned) -> dict[str, int]:
    """What each tender can still be given back."""
    return {
        share.redemption_id: share.amount - returned.credits.get(share.redemption_id, 0)
        for share in purchase.shares
        if share.is_tender
    }


def _taken(purchase: Purchase, chosen: Mapping[int, Sequence[Stretch]], redemption_id: str) -> int:
    """What this share took off the chosen units."""
    place = next(n for n, share in enumerate(purchase.shares) if share.redemption_id == redemption_id)
    return sum(stretch.units * stretch.shares[place] for stretches in chosen.values() for stretch in stretches)


def _waterfall(value: int, money_left: int, left: Mapping[str, int]) -> tuple[int, dict[str, int]]:
    """Split `value` into money, as far as there is any, and then tenders, the last first."""
    amount = min(max(0, value), money_left)
    value -= amount
    return amount, _within(value, {id_: left[id_] for id_ in reversed(list(left))})


def _within(value: int, amounts: Mapping[str, int]) -> dict[str, int]:
    """The amounts, one after the other, as far as `value` goes."""
    given = {}
    for id_, amount in amounts.items():
        given[id_] = max(0, min(value, amount))
        value -= given[id_]
    return given
