"""The redeemables that save a customer the most: which of those asked for, and in which order.

Branch and bound: sequences are built one redeemable at a time, the largest saving first, so that a good deal is known
early; a sequence is given up once nothing it could still become beats the best one known. What applies to what, limits
and exclusions are asked of `consider`, so the deal obeys every rule that an ordinary stack obeys. How much a redeemable
could still save is bounded by what it saves now, for effects that never save more of less (`Effect.fades`), by what is
left to pay for other discounts in money, and not at all for those that add units.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.engine.cart import Cart
from app.engine.decision import BestDeal, Decision, Outcome, decision_of
from app.engine.effects.base import MoneyOff
from app.engine.evaluate import Standing, Terms, application_of, closed_door, consider
from app.engine.money import Rounding
from app.engine.redeemables import Redeemable, Unresolved, in_currency_of
from app.engine.stacking import Rank, StackingRules

MOST_LOOKS, MOST_LINE_LOOKS = 1_000, 40_000
"""How often a search may look at a redeemable, and how often at a line of the order for one. These looks are what takes
its time: 1,000 of them 20 to 120 ms on an order of 20 lines, 80 of them 200 ms on one of 500."""

Places = tuple[int, ...]
"""Redeemables by their place in the request, in the order in which they are applied."""


def best_deal(
    cart: Cart,
    redeemables: Sequence[Redeemable | Unresolved],
    stacking: StackingRules,
    *,
    rounding: Rounding = "half_up",
    explain: bool = False,
    looks: int | None = None,
) -> Decision:
    """Choose of `redeemables` what takes most off `cart`, and decide on that.

    Of deals that save the same, the one with fewer redeemables is taken, then the one with those named earlier, in the
    order of the request where that saves as much. The order is free as far as the project's sorting rules leave ranks
    equal. To choose is the opposite of all or none, so what fails keeps nobody from applying, whatever the application
    mode says. Tenders save nothing and are not chosen: they pay what the chosen ones leave. A search that ends after so
    many `looks` (those of `looks_for`, unless given) decides on the best deal it came across.
    """
    terms, redeemables = Terms(stacking, rounding), in_currency_of(cart, redeemables)
    search = _Search(cart, redeemables, terms, looks_for(cart, redeemables) if looks is None else looks)
    search.run()
    outcomes = _outcomes(cart, redeemables, Terms(stacking, rounding, explain), search.chosen)
    return decision_of(
        cart,
        outcomes,
        stops_at_failure=False,
        rounding=rounding,
        best_deal=BestDeal(search.is_optimal, search.looks_taken),
    )


def looks_for(cart: Cart, redeemables: Sequence[Redeemable | Unresolved]) -> int:
    """The looks that a search may take; never less than it needs to see each redeemable alone and one stack."""
    return max(2 * len(redeemables), min(MOST_LOOKS, MOST_LINE_LOOKS // max(1, len(cart.items))))


class Step(NamedTuple):
    """One redeemable that applies to a stack as it stands."""

    saved_amount: int
    place: int
    outcome: Outcome


class Deal(NamedTuple):
    """A sequence and what it saves."""

    saved_amount: int
    places: Places

    def worth(self) -> tuple[int, int, list[int]]:
        """What deals are compared by; the best one has the smallest."""
        return -self.saved_amount, len(self.places), sorted(self.places)


@dataclass(slots=True)
class _Search:
    """A search under way: the candidates, the best deal so far, the orders already seen, and the looks taken.

    `alone` is what candidates saved when they were first looked at.
    """

    cart: Cart
    redeemables: Sequence[Redeemable | Unresolved]
    terms: Terms
    most_looks: int
    candidates: dict[int, Redeemable] = field(init=False)
    ranks: dict[int, Rank] = field(init=False)
    adds_units: bool = field(init=False)
    best: Deal | None = None
    looks_taken: int = 0
    is_optimal: bool = True
    alone: dict[int, int] = field(default_factory=dict)
    seen: set[object] = field(default_factory=set)

    def __post_init__(self) -> None:
        stacking = self.terms.stacking
        self.candidates = {
            place: redeemable
            for place, redeemable in enumerate(self.redeemables)
            if isinstance(redeemable, Redeemable)
            and not redeemable.is_tender
            and closed_door(redeemable, self.cart, redeemable.counts) is None
        }
        self.ranks = {place: stacking.rank_of(redeemable) for place, redeemable in self.candidates.items()}
        self.adds_units = not all(isinstance(redeemable.effect, MoneyOff) for redeemable in self.candidates.values())

    @property
    def chosen(self) -> Places:
        return self.best.places if self.best is not None else ()

    def run(self) -> None:
        self._extend(Standing(self.cart), (), 0)
        if self.best is not None and not self.is_optimal:
            self.best = self._filled_up(self.best)
        if self.best is not None:
            self.best = Deal(self.best.saved_amount, self._as_requested(self.best))

    def _extend(self, standing: Standing, places: Places, saved_amount: int) -> None:
        """Try everything that may follow `places`, which save so much and lead to `standing`."""
        steps: list[Step] = []
        reaches: dict[int, int | None] = {}
        for place in self._open_places(standing, places):
            if self.looks_taken == self.most_looks:
                self.is_optimal = False
                break
            self.looks_taken += 1
            outcome = consider(standing, self.candidates[place], self.terms)
            reaches[place] = self._reach(place, standing.cart, outcome)
            if outcome.status == "APPLICABLE":
                step = Step(outcome.application.total_discount_amount, place, outcome)
                steps.append(step)
                self.alone.setdefault(place, step.saved_amount)
                if step.saved_amount or not places:
                    self._offer(Deal(saved_amount + step.saved_amount, (*places, place)))
        for step in sorted(steps, key=lambda step: (-step.saved_amount, step.place)):
            deal = Deal(saved_amount + step.saved_amount, (*places, step.place))
            if not step.saved_amount or not self._is_promising(deal, step.outcome.cart, reaches):
                continue
            if self.looks_taken == self.most_looks:
                self.is_optimal = False
                break
            after = standing.after(step.outcome, self.terms.stacking)
            if self._is_new(deal, after):
                self._extend(after, deal.places, deal.saved_amount)

    def _reach(self, place: int, cart: Cart, outcome: Outcome) -> int | None:
        """The most that a redeemable can save from here on, None for as much as is left to pay.

        One whose rules do not hold now may apply later, and save what it would save if they did.
        """
        redeemable = self.candidates[place]
        if self.adds_units or not redeemable.effect.fades(redeemable.applicability):
            return None
        if outcome.status == "APPLICABLE":
            return outcome.application.total_discount_amount
        return application_of(cart, redeemable, self.terms, redeemable.counts).total_discount_amount

    def _open_places(self, standing: Standing, places: Places) -> Iterator[int]:
        """The candidates that the stacking rules let follow."""
        stacking = self.terms.stacking
        types = {stacking.type_of(self.candidates[place].category_id) for place in places} - {"JOINT"}
        for place, redeemable in self.candidates.items():
            type_ = stacking.type_of(redeemable.category_id)
            if place in places or (places and self.ranks[place] < self.ranks[places[-1]]):
                continue
            if types and type_ != "JOINT" and type_ not in types:
                continue  # exclusive and common ones do not go together
            if stacking.limit_reached(redeemable, standing.tally) is None:
                yield place

    def _offer(self, deal: Deal) -> None:
        if self.best is None or deal.worth() < self.best.worth():
            self.best = deal

    def _is_promising(self, deal: Deal, cart: Cart, reaches: dict[int, int | None]) -> bool:
        """Whether a longer deal could still beat, or with as few redeemables equal, the best one known.

        `cart` is the order under `deal`; `reaches` has the redeemables that could have been its last one instead.
        """
        assert self.best is not None  # every step was offered
        last, count, left_amount = deal.places[-1], len(deal.places), cart.total_amount
        free_count = self.terms.stacking.applicable_redeemables_limit - count
        followers = [place for place in reaches if place != last and self.ranks[place] >= self.ranks[last]]
        if not followers or not free_count:
            return False
        if self.adds_units:
            return True
        bounds = [left_amount if (reach := reaches[place]) is None else reach for place in followers]
        most = min(left_amount, sum(sorted(bounds, reverse=True)[:free_count]))
        possible = (deal.saved_amount + most, -(count + 1))
        return most > 0 and possible >= (self.best.saved_amount, -len(self.best.places))

    def _is_new(self, deal: Deal, standing: Standing) -> bool:
        """Whether the same redeemables have not led to the same order before; what follows would be the same, too."""
        cart = standing.cart
        lines = tuple((item.quantity, item.amount, item.discount_amount, item.discount_quantity) for item in cart.items)
        taken = frozenset(standing.taken.items())
        state = (frozenset(deal.places), cart.discount_amount, lines, taken)
        if state in self.seen:
            return False
        self.seen.add(state)
        return True

    def _filled_up(self, deal: Deal) -> Deal:
        """The best deal of a search that was cut short, with whatever still fits behind it, large savings first."""
        standing = Standing(self.cart)
        for place in deal.places:
            outcome = consider(standing, self.candidates[place], self.terms)
            standing = standing.after(outcome, self.terms.stacking)
        for place in sorted(self.alone, key=lambda place: (-self.alone[place], place)):
            if place not in self._open_places(standing, deal.places):
                continue
            outcome = consider(standing, self.candidates[place], self.terms)
            saved_amount = outcome.application.total_discount_amount
            if outcome.status == "APPLICABLE" and saved_amount:
                deal = Deal(deal.saved_amount + saved_amount, (*deal.places, place))
                standing = standing.after(outcome, self.terms.stacking)
        return deal

    def _as_requested(self, deal: Deal) -> Places:
        """The same redeemables in the order of the request, if they save as much in that order."""
        places = tuple(sorted(deal.places, key=lambda place: (self.ranks[place], place)))
        standing, saved_amount = Standing(self.cart), 0
        for place in places:
            outcome = consider(standing, self.candidates[place], self.terms)
            if outcome.status != "APPLICABLE":
                return deal.places
            saved_amount += outcome.application.total_discount_amount
            standing = standing.after(outcome, self.terms.stacking)
        return places if saved_amount == deal.saved_amount else deal.places


def _outcomes(
    cart: Cart, redeemables: Sequence[Redeemable | Unresolved], terms: Terms, chosen: Places
) -> list[Outcome]:
    """What is chosen, as it is applied; then tenders; then what is left out, in the order of the request."""
    stacking, standing = terms.stacking, Standing(cart)
    outcomes: list[Outcome] = []
    others = [redeemable for place, redeemable in enumerate(redeemables) if place not in chosen]
    tenders = [other for other in others if isinstance(other, Redeemable) and other.is_tender]
    for redeemable in (*(redeemables[place] for place in chosen), *stacking.arranged(tenders)):
        is_exclusive = _has_exclusive(outcomes, stacking)
        outcome = consider(standing, redeemable, terms, is_exclusive=is_exclusive)
        outcomes.append(outcome)
        standing = standing.after(outcome, stacking)
    is_exclusive = _has_exclusive(outcomes, stacking)
    for other in others:
        if not (isinstance(other, Redeemable) and other.is_tender):
            outcomes.append(_left_out(cart, standing, other, terms, is_exclusive))
    return outcomes


def _has_exclusive(outcomes: Sequence[Outcome], stacking: StackingRules) -> bool:
    return any(
        isinstance(outcome.redeemable, Redeemable)
        and outcome.status == "APPLICABLE"
        and stacking.type_of(outcome.redeemable.category_id) == "EXCLUSIVE"
        for outcome in outcomes
    )


def _left_out(
    cart: Cart, standing: Standing, redeemable: Redeemable | Unresolved, terms: Terms, is_exclusive: bool
) -> Outcome:
    """Why a redeemable is not part of the deal: it does not even apply alone, the deal has no room for it, or it would
    not make the deal better."""
    alone = consider(Standing(cart), redeemable, terms)
    if alone.status == "INAPPLICABLE":
        return alone
    now = consider(standing, redeemable, terms, is_exclusive=is_exclusive)
    reason = now.skip_reason
    if reason is None:
        has_effect = now.status == "APPLICABLE" and now.application.has_effect
        reason = "saves_less" if now.status == "INAPPLICABLE" or has_effect else "no_effect"
    return Outcome("SKIPPED", redeemable, standing.cart, skip_reason=reason, findings=now.findings)
