"""Whatever can run out is an account with a floor; what a decision takes from it is a posting."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

Measure = Literal[
    "uses",
    "ordered",
    "discounted",
    "units",
    "granted",
    "referees",
    "rewarded",
    "earned",
    "earnings",
    "balance",
    "points",
    "stock",
    "payable",
    "owed",
]
Period = Literal["", "day", "week", "month"]
MONEY: frozenset[Measure] = frozenset({"ordered", "discounted"})
"""Counts of minor units; each currency has accounts of its own."""

VALUE_MEASURES: frozenset[Measure] = frozenset({"balance", "points", "stock", "payable", "owed"})
"""What holds value instead of counting: moved with entries, never below zero (`value_measures` in the database)."""

KEPT_IN_LOTS: Measure = "points"
"""What expires: the account's balance is that of its lots, each with an expiry of its own (`kept_in_lots`)."""


class AccountKey(NamedTuple):
    """Names one account of a project.

    `owner_id` is the voucher or campaign it belongs to, `measure` what is counted: uses, minor units of order amounts
    before discounts, minor units of discounts granted, units of products discounted, minor units that support gave away
    (`granted`, where the owner is a reason or an API key), referees of a program who count against its limits
    (`referees`) and who were `rewarded`; or what it holds: the `balance` of a gift card in minor
    units, the `points` of a loyalty card (the owner is its voucher) and those it `owed` after it had spent what was
    reversed later, the `stock` of a reward, or minor units `payable` to a customer who refers others. `subject` narrows
    it to a customer, API key or user, or to a product (`UnitOwner`), `period` to a calendar
    period (`2026-11-21`, `2026-W47`, `2026-11`) in the project's zone. Both are empty when they do not apply. Money in
    a currency that is not the project's is counted by itself (`currency:USD`): amounts of two currencies have no sum.
    The order of the fields is the order in which rows are locked, those that hold value after all that count.
    """

    owner_id: str
    measure: Measure
    subject: str = ""
    period: str = ""


@dataclass(frozen=True, slots=True)
class Posting:
    """Move `amount` onto the account (negative: take from it). Its balance may not fall below `floor`, if given.

    Counting accounts start at 0 and sink with every use, so a limit of 5 is a floor of -5. An account that holds value
    has a floor of 0. What sessions of others hold lifts the floor when it is posted to.
    """

    account: AccountKey
    amount: int
    floor: int | None = None


def period_name(period: Period, now: datetime, zone: ZoneInfo) -> str:
    """The calendar day, ISO week (Monday first) or month in which `now` falls in `zone`."""
    if not period:
        return ""
    today: date = now.astimezone(zone).date()
    if period == "week":
        year, week, _ = today.isocalendar()
        return f"{year}-W{week:02d}"
    return today.isoformat() if period == "day" else today.isoformat()[:7]


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which `day` begins in `zone`."""
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def period_bounds(period: Period, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Half-open bounds of the period around `now`. `period` must not be empty."""
    today = now.astimezone(zone).date()
    if period == "day":
        first, last = today, today + timedelta(days=1)
    elif period == "week":
        first = today - timedelta(days=today.weekday())
        last = first + timedelta(days=7)
    elif period == "month":
        first = today.replace(day=1)
        last = (first + timedelta(days=32)).replace(day=1)
    else:
        raise ValueError("The empty period has no bounds.")
    return day_start(first, zone), day_start(last, zone)


@dataclass(frozen=True, slots=True)
class Counted:
    """A kind of count that a rule can limit: `measure` of the redeemable itself or of its whole campaign, per buyer or
    per key if asked, per calendar period if asked. With an owner, a cart and an instant it names one account."""

    measure: Measure
    scope: Literal["redeemable", "campaign"]
    per: Literal["", "customer", "api_key", "user"] = ""
    period: Period = ""

    @property
    def name(self) -> str:
        """The stored form, such as `uses.campaign.customer.day`."""
        return f"{self.measure}.{self.scope}.{self.per}.{self.period}"

    @classmethod
    def named(cls, name: str) -> "Counted":
        """The count with this stored name."""
        measure, scope, per, period = name.split(".")
        return cls(measure, scope, per, period)  # type: ignore[arg-type]  # only names we stored come here


def account_keys(
    counted: Counted,
    *,
    object_id: str,
    campaign_id: str | None,
    buyers: Sequence[str],
    api_key_id: str | None,
    user_login: str | None,
    now: datetime,
    zone: ZoneInfo,
    foreign_currency: str | None = None,
) -> tuple[AccountKey, ...]:
    """The accounts that `counted` means for this redeemable (`object_id`, of `campaign_id`), buyer, key and instant,
    and for money of an order in `foreign_currency`, which is not the project's: for a count per customer one for each
    identity of the buyer (`buyers` are their subjects), else one.

    A subject carries its kind (`customer:cust_...`), so that a user's login can never be taken for a customer's id.

    None at all when there is nobody or nothing to count for: no campaign, a customer the project does not know yet.
    """
    owner_id = campaign_id if counted.scope == "campaign" else object_id
    if owner_id is None:
        return ()
    subjects: Sequence[str] = ("",)
    if counted.per == "customer":
        subjects = buyers
    elif counted.per:
        who = api_key_id if counted.per == "api_key" else user_login
        subjects = () if who is None else (f"{counted.per}:{who}",)
    if foreign_currency is not None and counted.measure in MONEY:
        of_currency = f"currency:{foreign_currency}"
        subjects = [f"{of_currency}|{subject}" if subject else of_currency for subject in subjects]
    period = period_name(counted.period, now, zone)
    return tuple(AccountKey(owner_id, counted.measure, subject, period) for subject in subjects)


def reversed_postings(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """What takes `postings` back. Giving back needs no floor."""
    return tuple(Posting(posting.account, -posting.amount) for posting in postings)


def merged_postings(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """One posting per account, with the sum of the amounts and the strictest floor, in the order rows are locked."""
    merged: dict[AccountKey, Posting] = {}
    for posting in postings:
        earlier = merged.get(posting.account)
        merged[posting.account] = (
            posting
            if earlier is None
            else Posting(
                posting.account, earlier.amount + posting.amount, strictest_floor(earlier.floor, posting.floor)
            )
        )
    return tuple(merged[account] for account in sorted(merged))


def strictest_floor(first: int | None, second: int | None) -> int | None:
    """The higher of two floors; None is no floor at all."""
    if first is None or second is None:
        return second if first is None else first
    return max(first, second)
