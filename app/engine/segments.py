"""Which segments a customer is in, by what they are and what they did.

Every answer is worked out when it is asked for; there is no list of members that could be out of date.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from app.engine.cart import Cart, Customer
from app.engine.filters import Filter, Vocabulary
from app.engine.filters.kinds import DAY, JSON, MOMENT, NUMBER, PLACE, TEXT, TEXTS
from app.engine.rules.values import fold

Part = Literal["orders", "bought", "redemptions", "events", "loyalty"]
"""A part of a history, which has a price: it is read from its own table."""

_NO_REFERRALS = "asks for referrals; referral programs are not available yet"
_ADDRESS = ("city", "state", "line_1", "line_2", "country", "postal_code")

CUSTOMER = Vocabulary(
    attributes={
        **dict.fromkeys(("id", "source_id", "name", "description", "phone"), TEXT),
        "email": PLACE,
        "birthdate": DAY,
        "birthday": DAY,
        "created_at": MOMENT,
        **{f"address.{part}": PLACE for part in _ADDRESS},
        "summary.orders.total_count": NUMBER,
        "summary.orders.total_amount": NUMBER,
        "summary.orders.average_amount": NUMBER,
        "summary.orders.last_order_amount": NUMBER,
        "summary.orders.last_order_date": MOMENT,
        "summary.orders.products": TEXTS,
        "summary.redemptions.total_redeemed": NUMBER,
        "summary.redemptions.total_succeeded": NUMBER,
        "summary.redemptions.total_failed": NUMBER,
        "summary.redemptions.total_rolled_back": NUMBER,
        "summary.redemptions.loyalty_card.redeemed_points": NUMBER,
        "summary.redemptions.loyalty_card.points_to_go": NUMBER,
        "loyalty.points": NUMBER,
    },
    families={
        ("metadata.", ""): JSON,
        ("events.", ".count"): NUMBER,
        ("loyalty_points.campaigns.", ".points"): NUMBER,
        ("loyalty.campaigns.", ".points"): NUMBER,
        ("loyalty.campaigns.", ".loyalty_tier"): TEXTS,
    },
    not_yet={
        "summary.redemptions.gift": "asks for gift cards, which filters cannot see",
        "referrals": _NO_REFERRALS,
    },
)
"""What a segment may ask of a customer. `summary.orders.products` are the products and SKUs on orders that were paid,
each under its ids and source ids. Loyalty programs go by their names, tiers by name or id; the points of a program that
a customer has no card of are none."""


class Membership(NamedTuple):
    """What a customer has of one loyalty program: points that can be spent, those spent so far, and the tier, by id and
    name."""

    points: int
    redeemed_points: int
    tier: tuple[str, ...] = ()


NO_MEMBERSHIP = Membership(0, 0)


@dataclass(frozen=True, slots=True)
class History:
    """What a customer did so far. Only orders that are paid or fulfilled count. Amounts are in minor units of the
    project's currency, and those of its orders only: `home_orders_count` of the `orders_count`."""

    orders_count: int = 0
    home_orders_count: int = 0
    orders_amount: int = 0
    last_order_amount: int | None = None
    last_order_at: datetime | None = None
    bought: tuple[str, ...] = ()
    succeeded_count: int = 0
    failed_count: int = 0
    rolled_back_count: int = 0
    event_counts: Mapping[str, int] = field(default_factory=dict)
    memberships: Mapping[str, Membership] = field(default_factory=dict)

    @property
    def points(self) -> int:
        """All points that can be spent, whatever the program."""
        return sum(membership.points for membership in self.memberships.values())

    @property
    def redeemed_points(self) -> int:
        return sum(membership.redeemed_points for membership in self.memberships.values())

    @property
    def average_amount(self) -> int | None:
        """Rounded half up; None before the first order."""
        count = self.home_orders_count
        return (2 * self.orders_amount + count) // (2 * count) if count else None


NO_HISTORY = History()


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment with a filter, or a static one (None), whose members are known by name."""

    id: str
    filter: Filter | None

    @property
    def parts(self) -> frozenset[Part]:
        """The parts of a history that have to be known to ask for it."""
        names = self.filter.attributes if self.filter is not None else frozenset()
        return frozenset(part for name in names if (part := _part_of(name)) is not None)


def segment_ids_of(
    customer: Customer, history: History, joined_ids: frozenset[str], segments: Iterable[Segment], cart: Cart
) -> frozenset[str]:
    """Which of `segments` the customer is in. `joined_ids` are the static ones they were put into; `cart` says what
    time it is, and where."""

    def values(name: str) -> Any:
        return _value(name, customer, history)

    return frozenset(
        segment.id
        for segment in segments
        if (segment.id in joined_ids if segment.filter is None else segment.filter.accepts(values, cart))
    )


def _part_of(name: str) -> Part | None:
    if name == "summary.orders.products":
        return "bought"
    if name.startswith("summary.orders."):
        return "orders"
    if name.startswith(("loyalty", "summary.redemptions.loyalty_card.")):
        return "loyalty"
    if name.startswith("summary.redemptions."):
        return "redemptions"
    return "events" if name.startswith("events.") else None


def _value(name: str, customer: Customer, history: History) -> Any:
    start, _, rest = name.partition(".")
    if start == "metadata":
        return customer.metadata.get(rest)
    if start == "address":
        part = getattr(customer.address, rest, None)
        return fold(part) if part else None
    if start == "events":
        return history.event_counts.get(rest.removesuffix(".count"), 0)
    if start in ("loyalty", "loyalty_points"):
        return history.points if rest == "points" else _of_program(rest.removeprefix("campaigns."), history)
    if start == "summary":
        return _SUMMARY[rest](history)
    if name == "email":
        return fold(customer.email) if customer.email else None
    value = getattr(customer, "birthdate" if name == "birthday" else name)
    return value.isoformat() if name in ("birthdate", "birthday", "created_at") and value is not None else value


def _of_program(name: str, history: History) -> Any:
    """`<program>.points` or `<program>.loyalty_tier`."""
    program, _, asked = name.rpartition(".")
    membership = history.memberships.get(program, NO_MEMBERSHIP)
    return membership.points if asked == "points" else membership.tier


_SUMMARY: Mapping[str, Any] = {
    "orders.total_count": lambda history: history.orders_count,
    "orders.total_amount": lambda history: history.orders_amount,
    "orders.average_amount": lambda history: history.average_amount,
    "orders.last_order_amount": lambda history: history.last_order_amount,
    "orders.last_order_date": lambda history: history.last_order_at and history.last_order_at.isoformat(),
    "orders.products": lambda history: history.bought,
    "redemptions.total_redeemed": lambda history: history.succeeded_count,
    "redemptions.total_succeeded": lambda history: history.succeeded_count,
    "redemptions.total_failed": lambda history: history.failed_count,
    "redemptions.total_rolled_back": lambda history: history.rolled_back_count,
    "redemptions.loyalty_card.redeemed_points": lambda history: history.redeemed_points,
    "redemptions.loyalty_card.points_to_go": lambda history: history.points,
}
