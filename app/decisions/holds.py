"""Sessions at the checkout: what others hold is taken into account, and what a decision would use is held."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from app.decisions.schemas import DEFAULT_DAYS, MICROSECONDS, SessionIn, TtlUnit
from app.engine.decision import Decision
from app.engine.effects import GiftCredits, PayWithPoints
from app.engine.postings import VALUE_MEASURES, AccountKey
from app.engine.redeemables import Redeemable, Unresolved
from app.kit.db import Connection
from app.kit.ids import new_id
from app.ledger.holds import Reservation, held_by_others
from app.ledger.movements import Opening, points_account, value_account


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it is answered: with a key, and with the time it lasts."""

    key: str
    ttl: float
    ttl_unit: TtlUnit

    @classmethod
    def of(cls, given: SessionIn) -> "Session":
        """What the request says, or a new key and seven days."""
        key = given.key or new_id("ssn")
        return cls(key, DEFAULT_DAYS, "DAYS") if given.ttl is None else cls(key, given.ttl, given.ttl_unit)

    @property
    def lasting(self) -> timedelta:
        """At least a microsecond, which is as exact as the database's clock."""
        return timedelta(microseconds=max(1, round(self.ttl * MICROSECONDS[self.ttl_unit])))

    @property
    def wire(self) -> dict[str, Any]:
        ttl = int(self.ttl) if self.ttl == int(self.ttl) else self.ttl
        return {"key": self.key, "type": "LOCK", "ttl": ttl, "ttl_unit": self.ttl_unit}


async def with_holds(
    connection: Connection,
    project_id: int,
    redeemables: Sequence[Redeemable | Unresolved],
    accounts: Iterable[Mapping[str, Any]],
    session_key: str | None,
) -> list[Redeemable | Unresolved]:
    """The redeemables without what sessions of others hold; one statement where any of `accounts` has holds."""
    held = await held_by_others(connection, project_id, accounts, session_key)
    if not held:
        return list(redeemables)
    return [
        _without(redeemable, held) if isinstance(redeemable, Redeemable) else redeemable for redeemable in redeemables
    ]


def _without(redeemable: Redeemable, held: Mapping[AccountKey, int]) -> Redeemable:
    counts = {**redeemable.counts, **{key: redeemable.counts.get(key, 0) + amount for key, amount in held.items()}}
    effect = redeemable.effect
    if isinstance(effect, GiftCredits):
        effect = effect.model_copy(update={"locked_credits": held.get(value_account(redeemable.object_id), 0)})
    elif isinstance(effect, PayWithPoints):
        effect = effect.model_copy(update={"locked_points": held.get(points_account(redeemable.object_id), 0)})
    return replace(redeemable, effect=effect, counts=counts, held=held)


def reservations_of(decision: Decision, openings: Mapping[str, Opening | None]) -> list[Reservation]:
    """What the decision would take from accounts that can run out, redeemable by redeemable. `openings` tells of cards
    without an account what they were made with."""
    return [
        Reservation(
            outcome.redeemable.object_id,
            posting,
            openings.get(posting.account.owner_id) if posting.account.measure in VALUE_MEASURES else None,
            outcome.redeemable.campaign_id,
        )
        for outcome in decision.outcomes
        if outcome.status == "APPLICABLE" and isinstance(outcome.redeemable, Redeemable)
        for posting in outcome.postings
        if posting.floor is not None and posting.amount < 0
    ]
