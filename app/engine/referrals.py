"""Referral programs: what makes a friend count, who is rewarded with what, and the states a referral passes through."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo

from pydantic import Field

from app.engine.money import Currency
from app.engine.postings import AccountKey, Posting, period_name
from app.engine.stored import Stored
from app.engine.validity import add_duration, parse_duration

Status = Literal["INVITED", "ATTRIBUTED", "QUALIFIED", "COOLING", "REWARDED", "REJECTED"]
"""INVITED: somebody was named as a referee. ATTRIBUTED: the referee used the code. QUALIFIED: the referee did what the
program asks for. COOLING: the same, and the time to take it back is not over. REWARDED and REJECTED are final."""

STATUSES: tuple[Status, ...] = get_args(Status)
NEXT: Mapping[Status, frozenset[Status]] = {
    "INVITED": frozenset({"ATTRIBUTED", "REJECTED"}),
    "ATTRIBUTED": frozenset({"QUALIFIED", "REJECTED"}),
    "QUALIFIED": frozenset({"COOLING", "REWARDED", "REJECTED"}),
    "COOLING": frozenset({"REWARDED", "REJECTED"}),
    "REWARDED": frozenset(),
    "REJECTED": frozenset(),
}
OPEN: tuple[Status, ...] = ("INVITED", "ATTRIBUTED")
"""Before the referee has done what the program asks for."""
UNSETTLED: tuple[Status, ...] = ("QUALIFIED", "COOLING")
"""Counted against the limits of the program, and not rewarded yet."""

Rejection = Literal["self_referral", "limit_reached", "too_late", "canceled", "refunded", "rolled_back", "withdrawn"]

RewardType = Literal["LOYALTY_CARD", "GIFT_VOUCHER", "DISCOUNT_VOUCHER", "CASH"]
Party = Literal["referrer", "referee"]


def may_become(status: Status, next_status: Status) -> bool:
    """Whether a referral can go from the one state to the other; from a final one it can go nowhere."""
    return next_status in NEXT[status]


def came_from(next_status: Status) -> tuple[Status, ...]:
    """The states from which a referral can get to this one."""
    return tuple(status for status in STATUSES if may_become(status, next_status))


Name = Annotated[str, Field(min_length=1, max_length=300)]
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]


class OnRedemption(Stored):
    """The referee redeems the code."""

    type: Literal["redemption"] = "redemption"


class OnCustomEvent(Stored):
    """The referee does what this custom event is about."""

    type: Literal["custom_event"] = "custom_event"
    event: Name


class OnOrderPaid(Stored):
    """The referee pays for an order of at least so many minor units of the project's currency, after discounts."""

    type: Literal["order_paid"] = "order_paid"
    minimum_amount: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0


class OnMetadata(Stored):
    """The referee's metadata say `value` under `key`; or anything at all when no value is given."""

    type: Literal["customer_metadata"] = "customer_metadata"
    key: Name
    value: Annotated[str, Field(max_length=2000)] | bool | int | float | None = None

    def holds(self, metadata: Mapping[str, Any]) -> bool:
        """True is not 1: an answer "yes" and a count of one mean different things."""
        seen = metadata.get(self.key)
        if self.value is None:
            return seen is not None
        return type(seen) is type(self.value) and seen == self.value


class OnSegment(Stored):
    """The referee enters this segment."""

    type: Literal["segment"] = "segment"
    segment_id: Name


Conversion: TypeAlias = Annotated[
    OnRedemption | OnCustomEvent | OnOrderPaid | OnMetadata | OnSegment, Field(discriminator="type")
]


class Reward(Stored):
    """What somebody gets for a referral: points on a card, a gift card, a coupon, or cash that the shop owes.

    `campaign_id` is where the card or code is from; cash has none. `amount` is points, or minor units of money:
    `currency` says of which, empty for the project's. A gift card without one is worth what its campaign says.
    """

    type: RewardType
    campaign_id: str | None = None
    campaign_name: str | None = None
    amount: int | None = None
    currency: Currency | None = None


class Level(Stored):
    """A reward for the referrer of the referees `from_referees` to `to_referees`, counted as they are rewarded, from 1.

    With `once` it is given for the first of them alone.
    """

    reward: Reward
    from_referees: int = 1
    to_referees: int | None = None
    once: bool = False

    def rewards(self, position: int) -> bool:
        """Whether the referee of this position brings the reward."""
        if self.once:
            return position == self.from_referees
        return position >= self.from_referees and (self.to_referees is None or position <= self.to_referees)


class Limits(Stored):
    """How many referees may count at most; None is no limit. Those who are rejected later count no more."""

    referees: Annotated[Count | None, Field(description="Of the whole program.")] = None
    per_referrer: Annotated[Count | None, Field(description="Of one referrer.")] = None
    per_referrer_monthly: Annotated[Count | None, Field(description="Of one referrer in one calendar month.")] = None


class Program(Stored):
    """A referral program as it is kept with its campaign. Spans are ISO 8601 durations in the project's zone."""

    conversion: Conversion = OnRedemption()
    referee_rewards: tuple[Reward, ...] = ()
    referrer_levels: tuple[Level, ...] = ()
    limits: Limits = Limits()
    cooling_off: str | None = None
    converts_within: str | None = None

    def rewards_for(self, position: int) -> tuple[tuple[Party, Reward], ...]:
        """Who gets what for the referrer's referee of this position: the order never changes."""
        return (
            *(("referee", reward) for reward in self.referee_rewards),
            *(("referrer", level.reward) for level in self.referrer_levels if level.rewards(position)),
        )

    def cools_until(self, qualified_at: datetime, zone: ZoneInfo) -> datetime | None:
        """When what the referee did cannot be taken back any more; None where rewards do not wait."""
        return None if self.cooling_off is None else add_duration(qualified_at, parse_duration(self.cooling_off), zone)

    def is_too_late(self, attributed_at: datetime, now: datetime, zone: ZoneInfo) -> bool:
        """Whether the time in which a referee can convert is over."""
        if self.converts_within is None:
            return False
        return now >= add_duration(attributed_at, parse_duration(self.converts_within), zone)


def qualified_accounts(campaign_id: str, referrer_id: str, qualified_at: datetime, zone: ZoneInfo) -> list[AccountKey]:
    """The accounts that count a referee who qualified then: of the program, of the referrer, of the month."""
    referrer = f"customer:{referrer_id}"
    return [
        AccountKey(campaign_id, "referees"),
        AccountKey(campaign_id, "referees", referrer),
        AccountKey(campaign_id, "referees", referrer, period_name("month", qualified_at, zone)),
    ]


def qualifying_postings(accounts: Sequence[AccountKey], limits: Limits) -> list[Posting]:
    """What a qualified referee takes of the limits; `accounts` are those of `qualified_accounts`."""
    most = (limits.referees, limits.per_referrer, limits.per_referrer_monthly)
    return [
        Posting(account, -1, None if limit is None else -limit) for account, limit in zip(accounts, most, strict=True)
    ]


def rewarded_account(campaign_id: str, referrer_id: str) -> AccountKey:
    """The account that numbers the rewarded referees of a referrer."""
    return AccountKey(campaign_id, "rewarded", f"customer:{referrer_id}")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as referrals tell people apart: the customer, and the `subjects` they are known under."""

    customer_id: str
    subjects: frozenset[str]

    @classmethod
    def known_as(cls, customer_id: str, subjects: Iterable[str]) -> "Person":
        return cls(customer_id, frozenset({f"customer:{customer_id}", *subjects}))

    def is_same(self, other: "Person") -> bool:
        """Whether they share any name."""
        return not self.subjects.isdisjoint(other.subjects)
