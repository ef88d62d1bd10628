"""An index of discounts by what they need."""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from app.engine.candidates.needs import Needs, Probe, Token, answers
from app.engine.candidates.spans import Span, span_tree
from app.engine.cart import Cart
from app.engine.validity import Validity

Held = TypeVar("Held")


@dataclass(frozen=True, slots=True)
class Candidate(Generic[Held]):
    """Something to be found, and what it needs: an instant from `begins_at` until before `ends_at`, and a cart."""

    held: Held
    needs: Needs
    begins_at: datetime | None = None
    ends_at: datetime | None = None

    @classmethod
    def of(cls, held: Held, needs: Needs, validities: Sequence[Validity]) -> "Candidate[Held]":
        """Open while all of `validities` are, as far as their dates tell."""
        begins = [validity.start_date for validity in validities if validity.start_date is not None]
        ends = [validity.expiration_date for validity in validities if validity.expiration_date is not None]
        return cls(held, needs, max(begins, default=None), min(ends, default=None))

    def is_open(self, now: datetime) -> bool:
        return (self.begins_at is None or self.begins_at <= now) and (self.ends_at is None or now < self.ends_at)


class CandidateIndex(Generic[Held]):
    """Candidates in a given sequence, found by what they need.

    The look-up costs the answers of the cart and what is found, however many candidates there are. Between two dates
    at which something begins or ends, what is open stays the same; such a stretch is indexed when it is first asked
    about.
    """

    def __init__(self, candidates: Iterable[Candidate[Held]]) -> None:
        self._candidates = tuple(candidates)
        dates = {each.begins_at for each in self._candidates} | {each.ends_at for each in self._candidates}
        self._dates = sorted(date for date in dates if date is not None)
        self._stretch = -1
        self._open: _OpenIndex[Held] = _OpenIndex(())

    def __len__(self) -> int:
        return len(self._candidates)

    def find(self, cart: Cart) -> list[Held]:
        """What may apply to `cart`, in the sequence in which it was given."""
        stretch = bisect_right(self._dates, cart.now)
        if stretch != self._stretch:
            self._open = _OpenIndex([each for each in self._candidates if each.is_open(cart.now)])
            self._stretch = stretch
        return self._open.find(cart)


class _OpenIndex(Generic[Held]):
    """The candidates of one stretch of time, each filed once: under the answers of its rarest need, else under its
    bounds of the amount, else among those that need nothing."""

    def __init__(self, candidates: Sequence[Candidate[Held]]) -> None:
        self._candidates = candidates
        self._by_token: dict[Token, list[int]] = {}
        self._needing_nothing: list[int] = []
        spans: list[Span[int]] = []
        frequency = Counter(token for each in candidates for tokens in each.needs.one_of for token in tokens)
        for position, candidate in enumerate(candidates):
            needs = candidate.needs
            if needs.one_of:
                rarest = min(needs.one_of, key=lambda tokens: max((frequency[token] for token in tokens), default=0))
                for token in rarest:
                    self._by_token.setdefault(token, []).append(position)
            elif needs.has_bounds:
                low = -math.inf if needs.least_amount is None else needs.least_amount
                high = math.inf if needs.most_amount is None else needs.most_amount
                spans.append(Span(low, high, position))
            else:
                self._needing_nothing.append(position)
        self._by_amount = span_tree(spans)
        self._bounded = [span.held for span in spans]
        # Every need is checked, also those that nothing is filed under.
        self._probes: tuple[Probe, ...] = tuple({probe for probe, _ in frequency})

    def find(self, cart: Cart) -> list[Held]:
        # Bounds are those of the project's currency; an order in another one is not measured by them.
        is_measured = cart.foreign_currency is None
        amount = None if cart.amount is None else cart.total_amount
        given: set[tuple[Probe, Hashable]] = {
            (probe, answer) for probe in self._probes for answer in answers(probe, cart)
        }
        found = set(self._needing_nothing)
        for token in given:
            found.update(self._by_token.get(token, ()))
        if self._by_amount is not None and amount is not None:
            found.update(self._by_amount.containing(amount) if is_measured else self._bounded)
        fitting = []
        for position in sorted(found):
            candidate = self._candidates[position]
            needs = candidate.needs
            allows_amount = needs.allow_amount(amount) if is_measured else amount is not None or not needs.has_bounds
            if allows_amount and not any(tokens.isdisjoint(given) for tokens in needs.one_of):
                fitting.append(candidate.held)
        return fitting
