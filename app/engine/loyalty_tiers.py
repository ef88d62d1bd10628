"""Loyalty tiers: which one a member is in, from when, and until when.

A member is in one tier at a time, for a spell. Points earn spells; a spell that has begun is kept until it ends,
whatever happens to the points, unless the program says that it ends with them. Nothing here looks at a clock.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import Field, PlainSerializer, field_validator, model_validator

from app.engine.postings import day_start
from app.engine.stored import Stored
from app.engine.validity import DURATION, Duration, add_duration, parse_duration

PERIOD_MONTHS = {"MONTH": 1, "QUARTER": 3, "HALF_YEAR": 6, "YEAR": 12}
LONGEST_EXTENSION_YEARS = 5
FOREVER = datetime.max.replace(tzinfo=UTC)

Period = Literal["MONTH", "QUARTER", "HALF_YEAR", "YEAR"]
Change = Literal["joined", "left", "upgraded", "downgraded", "prolonged", "expiration.changed"]


class StartDate(Stored):
    """`IMMEDIATE`: a tier begins when it is reached. `NEXT_PERIOD`: when the next qualification period begins."""

    type: Literal["IMMEDIATE", "NEXT_PERIOD"]


class ExpirationRounding(Stored):
    """Move the end of a tier to where a calendar period ends (`END`) or begins (`START`) next, never back.

    `CUSTOM` is the month `value` of any year: 0 is January, 11 December. The end of a month, quarter, half-year or year
    is where the next one begins.
    """

    type: Literal["MONTH", "QUARTER", "HALF_YEAR", "YEAR", "CUSTOM"]
    strategy: Literal["START", "END"] = "END"
    unit: Literal["MONTH"] = "MONTH"
    value: Annotated[int | None, Field(ge=0, le=11, description="The month, for CUSTOM; 0 is January.")] = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.type == "CUSTOM" and self.value is None:
            raise ValueError("CUSTOM rounding needs value, the month from 0 (January) to 11")
        return self

    def applied(self, instant: datetime, zone: ZoneInfo) -> datetime:
        """The first instant from `instant` on at which such a period begins or ends."""
        if self.value is not None and self.type == "CUSTOM":
            turn, months = (self.value + (self.strategy == "END")) % 12, 12
        else:
            turn, months = 0, PERIOD_MONTHS[self.type]
        local = instant.astimezone(zone)
        passed = (local.month - 1 - turn) % months
        begins_at = _month_start(local, -passed, zone)
        return begins_at if begins_at == instant else _month_start(local, months - passed, zone)


class ExpirationDate(Stored):
    """When a tier ends.

    `END_OF_PERIOD` and `END_OF_NEXT_PERIOD`: with the qualification period in which it began, or with the one after.
    `BALANCE_DROP` and `CUSTOM`: when the points fall below the tier. `extend` comes on top, then `rounding`.
    """

    type: Literal["END_OF_PERIOD", "END_OF_NEXT_PERIOD", "BALANCE_DROP", "CUSTOM"]
    extend: Annotated[
        str | None, Field(description="How much longer the tier lasts; ISO 8601, at most 5 years.", examples=["P3M"])
    ] = None
    rounding: ExpirationRounding | None = None

    @field_validator("extend")
    @classmethod
    def _is_duration(cls, text: str | None) -> str | None:
        if text:
            extension_of(text)
        return text or None

    @property
    def follows_points(self) -> bool:
        """Whether a tier ends because of points that are gone."""
        return self.type in ("BALANCE_DROP", "CUSTOM")


class TiersExpiration(Stored):
    """How members qualify for the tiers of a program, and for how long (`loyalty_tiers_expiration` of a campaign).

    `BALANCE`: by the points they have. `POINTS_IN_PERIOD`: by the points they gathered in a calendar period; spending
    and expiry take nothing from that, the reversal of what was earned does.
    """

    qualification_type: Literal["BALANCE", "POINTS_IN_PERIOD"]
    qualification_period: Period | None = None
    start_date: StartDate = StartDate(type="IMMEDIATE")
    expiration_date: ExpirationDate = ExpirationDate(type="BALANCE_DROP")

    @model_validator(mode="after")
    def _has_period(self) -> Self:
        if self.qualification_period is None:
            for needed_by, value in (
                ("qualification_type", self.qualification_type),
                ("start_date.type", self.start_date.type),
                ("expiration_date.type", self.expiration_date.type),
            ):
                if value in ("POINTS_IN_PERIOD", "NEXT_PERIOD", "END_OF_PERIOD", "END_OF_NEXT_PERIOD"):
                    raise ValueError(f"{needed_by} {value} needs qualification_period")
        return self

    @property
    def counts_periods(self) -> bool:
        return self.qualification_type == "POINTS_IN_PERIOD"


BY_BALANCE = TiersExpiration(qualification_type="BALANCE")
"""What holds in a program that says nothing: a member is in the tier of their balance."""


class Tier(NamedTuple):
    """A tier and the points it is for: from `from_points` to `to_points`, both included; without end when None."""

    id: str
    from_points: int
    to_points: int | None = None


class Gathered(NamedTuple):
    """What qualifies a member: the points of one half-open calendar period, or their balance now (no period)."""

    points: int
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Spell:
    """Time in a tier, half-open. Without `expires_at` it lasts as long as the points do."""

    tier: Tier
    starts_at: datetime
    expires_at: datetime | None = None

    @property
    def ends_at(self) -> datetime:
        return self.expires_at or FOREVER


@dataclass(frozen=True, slots=True)
class Standing:
    """The tier a member is in, and a higher one that they have reached and that begins later."""

    current: Spell | None = None
    coming: Spell | None = None

    @property
    def due_at(self) -> datetime | None:
        """When it changes by itself; None for never."""
        instants = [self.current.expires_at if self.current else None, self.coming.starts_at if self.coming else None]
        return min((instant for instant in instants if instant is not None), default=None)


NOWHERE = Standing()


def tier_of(tiers: Iterable[Tier], points: int) -> Tier | None:
    """The tier in whose range the points are; of two that share a boundary the higher one."""
    found = [
        tier for tier in tiers if tier.from_points <= points and (tier.to_points is None or points <= tier.to_points)
    ]
    return max(found, key=lambda tier: tier.from_points, default=None)


def first_overlap(tiers: Collection[Tier]) -> tuple[Tier, Tier] | None:
    """Two tiers that are for the same points, lower one first; a shared boundary is none."""
    ordered = sorted(tiers, key=lambda tier: tier.from_points)
    for lower, higher in pairwise(ordered):
        if lower.from_points == higher.from_points or lower.to_points is None or lower.to_points > higher.from_points:
            return lower, higher
    return None


def period_around(instant: datetime, period: Period, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Half-open bounds, in UTC, of the calendar month, quarter, half-year or year of `zone` around an instant."""
    local, months = instant.astimezone(zone), PERIOD_MONTHS[period]
    passed = (local.month - 1) % months
    return _month_start(local, -passed, zone), _month_start(local, months - passed, zone)


def periods_that_count(rules: TiersExpiration, now: datetime, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """The qualification periods, the present one first, whose points may still be worth a tier; none by balance."""
    if rules.qualification_period is None or not rules.counts_periods:
        return []
    periods = [period_around(now, rules.qualification_period, zone)]
    while True:
        earlier = _before(periods[-1][0], rules.qualification_period, zone)
        if _end_of_spell(rules, earlier, zone) <= now:
            return periods
        periods.append(earlier)


def spells_earned(
    tiers: Collection[Tier], rules: TiersExpiration, gathered: Iterable[Gathered], now: datetime, zone: ZoneInfo
) -> list[Spell]:
    """What these points are worth: a spell for each period (or for the balance) that reaches a tier."""
    spells = []
    for figure in gathered:
        tier = tier_of(tiers, figure.points)
        if tier is None:
            continue
        period = None
        if rules.qualification_period is not None:
            period = period_around(now, rules.qualification_period, zone)
            if figure.starts_at is not None and figure.ends_at is not None:
                period = (figure.starts_at, figure.ends_at)
        starts_at = now
        if period is not None and rules.start_date.type == "NEXT_PERIOD":
            starts_at = max(now, period[1])
        by_balance = not rules.counts_periods and rules.expiration_date.follows_points
        ends_at = FOREVER if by_balance or period is None else _end_of_spell(rules, period, zone)
        spells.append(Spell(tier, starts_at, _expiry(ends_at)))
    return spells


def stand(
    standing: Standing,
    tiers: Collection[Tier],
    rules: TiersExpiration,
    gathered: Sequence[Gathered],
    now: datetime,
    zone: ZoneInfo,
    *,
    may_lower: bool = True,
) -> Standing:
    """Where a member stands at `now` who stood there before and has gathered these points (`periods_that_count`).

    Asking again with the result changes nothing. A tier that is gone from `tiers` is left at once. Unless it
    `may_lower`, nobody leaves a tier for a lower one, or for none.
    """
    known = {tier.id: tier for tier in tiers}
    earned = spells_earned(tiers, rules, gathered, now, zone)
    current, coming = (_kept(spell, known) for spell in (standing.current, standing.coming))
    if rules.expiration_date.follows_points and may_lower:
        most_points = max(figure.points for figure in gathered)
        if current is not None and current.tier.from_points > most_points:
            lapses_at = _later(now, rules.expiration_date, zone)
            current = replace(current, expires_at=_expiry(min(current.ends_at, lapses_at)))
        if coming is not None and coming.tier.from_points > most_points:
            coming = None
    spells = [spell for spell in (current, coming, *earned) if spell is not None and spell.ends_at > now]
    live = [spell for spell in spells if spell.starts_at <= now]
    if standing.current is not None and (current is None or current.ends_at <= now):
        # Whoever is in a tier waits for no period: when it ends, they are at once where their points belong.
        highest = standing.current.tier.from_points
        live += [replace(spell, starts_at=now) for spell in spells if spell.tier.from_points <= highest]
    best = max(live, key=_worth, default=None)
    if best is not None:
        if current is not None and current.tier == best.tier:
            best = replace(best, starts_at=current.starts_at)
        # What is earned for a tier once more makes the spell longer, also when it would begin later.
        again = [spell for spell in spells if spell.tier == best.tier]
        best = replace(best, expires_at=_expiry(max([best.ends_at, *(spell.ends_at for spell in again)])))
    if not may_lower and current is not None and (best is None or _rank(best) < _rank(current)):
        best = current
    later = [spell for spell in spells if spell.starts_at > now and _rank(spell) > _rank(best)]
    return Standing(best, max(later, key=lambda spell: (*_worth(spell), -spell.starts_at.timestamp()), default=None))


def united(first: Standing, second: Standing) -> Standing:
    """Where somebody stands who had both: in the higher tier, and of the same one for longer."""
    current = max((spell for spell in (first.current, second.current) if spell is not None), key=_worth, default=None)
    later = [spell for spell in (first.coming, second.coming) if spell is not None and _rank(spell) > _rank(current)]
    return Standing(current, max(later, key=_worth, default=None))


def change_between(before: Standing, after: Standing) -> Change | None:
    """What happened to the tier that the member is in; None when nothing did."""
    if before.current is None or after.current is None:
        if after.current is not None:
            return "joined"
        return "left" if before.current is not None else None
    if before.current.tier.id != after.current.tier.id:
        return "upgraded" if _rank(after.current) >= _rank(before.current) else "downgraded"
    if before.current.ends_at == after.current.ends_at:
        return None
    return "prolonged" if before.current.ends_at < after.current.ends_at else "expiration.changed"


class Multiplied(Stored):
    """So many times the points, rounded half up."""

    type: Literal["MULTIPLY"]
    multiplier: Annotated[Decimal, Field(gt=0, le=10_000, decimal_places=4), PlainSerializer(float, when_used="json")]

    def points(self, points: int, steps: int = 1) -> int:
        return int((points * steps * self.multiplier).to_integral_value(ROUND_HALF_UP))


class Custom(Stored):
    """So many points instead."""

    type: Literal["CUSTOM"]
    own_points: Annotated[int, Field(ge=0, le=2**53, alias="points")]

    def points(self, points: int, steps: int = 1) -> int:
        return self.own_points * steps


class NotAvailable(Stored):
    """Nothing of the kind for members of the tier (ours)."""

    type: Literal["NOT_AVAILABLE"]

    def points(self, points: int, steps: int = 1) -> int | None:
        return None


PointsMapping = Annotated[Multiplied | Custom | NotAvailable, Field(discriminator="type")]


def extension_of(text: str | None) -> Duration | None:
    """What `extend` adds; None for nothing. Raises ValueError with a sentence."""
    match = DURATION.fullmatch(text) if text else None
    if not text or (match is not None and not any(int(part or 0) for part in match.groups())):
        return None
    duration = parse_duration(text)
    if duration.typical_seconds > parse_duration(f"P{LONGEST_EXTENSION_YEARS}Y").typical_seconds:
        raise ValueError(f"must be at most {LONGEST_EXTENSION_YEARS} years")
    return duration


def _kept(spell: Spell | None, known: dict[str, Tier]) -> Spell | None:
    """The spell with its tier as it is now."""
    return None if spell is None or spell.tier.id not in known else replace(spell, tier=known[spell.tier.id])


def _rank(spell: Spell | None) -> int:
    return -1 if spell is None else spell.tier.from_points


def _worth(spell: Spell) -> tuple[int, datetime]:
    return spell.tier.from_points, spell.ends_at


def _expiry(ends_at: datetime) -> datetime | None:
    return None if ends_at == FOREVER else ends_at


def _end_of_spell(rules: TiersExpiration, period: tuple[datetime, datetime], zone: ZoneInfo) -> datetime:
    """When a tier ends that was reached in this qualification period."""
    assert rules.qualification_period is not None  # there are periods
    ends_at = period[1]
    for waits in (rules.start_date.type == "NEXT_PERIOD", rules.expiration_date.type == "END_OF_NEXT_PERIOD"):
        if waits:
            ends_at = period_around(ends_at, rules.qualification_period, zone)[1]
    return _later(ends_at, rules.expiration_date, zone)


def _later(instant: datetime, expiration: ExpirationDate, zone: ZoneInfo) -> datetime:
    """The instant after `extend` and `rounding`."""
    extension = extension_of(expiration.extend)
    if extension is not None:
        instant = add_duration(instant, extension, zone)
    return instant if expiration.rounding is None else expiration.rounding.applied(instant, zone)


def _before(starts_at: datetime, period: Period, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return _month_start(starts_at.astimezone(zone), -PERIOD_MONTHS[period], zone), starts_at


def _month_start(local: datetime, months: int, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which the month begins that is so many after that of `local`."""
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    return day_start(local.date().replace(year=year, month=month + 1, day=1), zone).astimezone(UTC)
