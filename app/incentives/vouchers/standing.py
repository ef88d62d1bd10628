"""Where vouchers stand now: how often they are redeemed, and what gift cards and loyalty cards hold."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, cast, func, literal, literal_column, null, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit import clock
from app.ledger.movements import Holdings
from app.models import Account, Campaign, PendingPoints, Voucher

POINTS = "points"
"""The measure of the accounts of loyalty cards."""


class Expiry(NamedTuple):
    """Of the points of a card those that have expired and are still on its account, because the worker has not come to
    it, and those that expire next with their last day."""

    lapsed_points: int = 0
    next_points: int = 0
    next_day: date | None = None


NO_EXPIRY = Expiry()


@dataclass(frozen=True, slots=True)
class Standing:
    """`uses` is how often the voucher is redeemed now. `holdings` are None for what is no gift or loyalty card, and for
    one that holds what it was made with. `pending_points` are on their way to a loyalty card."""

    uses: int = 0
    holdings: Holdings | None = None
    pending_points: int = 0
    expiry: Expiry = NO_EXPIRY


UNTOUCHED = Standing()

EXPIRIES = text(
    """
SELECT
    owner_id,
    coalesce(sum(left_points) FILTER (WHERE expires_at <= :now), 0)::bigint,
    coalesce((array_agg(left_points ORDER BY expires_at) FILTER (WHERE expires_at > :now))[1], 0),
    (
        min(expires_at) FILTER (WHERE expires_at > :now)
        AT TIME ZONE (SELECT timezone FROM projects WHERE id = :project_id)
        - interval '1 microsecond'
    )::date
FROM lots
WHERE project_id = :project_id AND owner_id = ANY (:card_ids) AND measure = 'points' AND subject = '' AND period = ''
    AND expires_at IS NOT NULL AND left_points > 0
GROUP BY owner_id
"""
)


async def standings(session: AsyncSession, project_id: int, voucher_ids: Collection[str]) -> dict[str, Standing]:
    """The standing of each of these vouchers; one that was never touched has that of a new one."""
    accounts = select(Account.owner_id, Account.measure, Account.balance, Account.totals).where(
        Account.project_id == project_id,
        Account.owner_id.in_(voucher_ids),
        Account.measure.in_(("uses", "balance", POINTS)),
        Account.subject == "",
        Account.period == "",
    )
    pending = (
        select(PendingPoints.voucher_id, literal("pending"), cast(func.sum(PendingPoints.points), BigInteger), null())
        .where(
            PendingPoints.project_id == project_id,
            PendingPoints.voucher_id.in_(voucher_ids),
            PendingPoints.status == literal_column("'PENDING'"),  # the partial index is found by a literal only
        )
        .group_by(PendingPoints.voucher_id)
    )
    found: dict[str, dict[str, Any]] = {}
    card_ids: list[str] = []
    rows: Any = await session.execute(union_all(accounts, pending))
    for owner_id, measure, amount, totals in rows:
        standing = found.setdefault(owner_id, {})
        if measure == "uses":
            standing["uses"] = -amount
        elif measure == "pending":
            standing["pending_points"] = amount
        else:
            standing["holdings"] = Holdings(amount, totals or {})
            if measure == POINTS:
                card_ids.append(owner_id)
    for card_id, expiry in (await expiries(session, project_id, card_ids, clock.now())).items():
        found[card_id]["expiry"] = expiry
    return {
        voucher_id: Standing(**found[voucher_id]) if voucher_id in found else UNTOUCHED for voucher_id in voucher_ids
    }


async def expiries(
    session: AsyncSession, project_id: int, card_ids: Collection[str], now: datetime
) -> dict[str, Expiry]:
    """What of the points on these cards has expired at `now`, and what expires next; no statement for no cards."""
    if not card_ids:
        return {}
    rows = await session.execute(EXPIRIES, {"project_id": project_id, "card_ids": list(card_ids), "now": now})
    return {card_id: Expiry(*expiry) for card_id, *expiry in rows}


def gift_of(voucher: Voucher, campaign: Campaign | None) -> Mapping[str, Any] | None:
    """What a gift card was made with and what it pays: its own, else its campaign's; None for what is no gift card."""
    gift: Mapping[str, Any] | None = voucher.gift or (campaign.gift if campaign else None)
    return gift if voucher.type == "GIFT_VOUCHER" else None


def holdings_of(gift: Mapping[str, Any], standing: Standing) -> Holdings:
    """What the gift card holds now."""
    return standing.holdings or Holdings.unopened(gift["amount"])


def gift_read(gift: Mapping[str, Any], standing: Standing = UNTOUCHED) -> dict[str, Any]:
    """The wire's Gift: `balance` is `amount` without what was subtracted and redeemed."""
    holdings = holdings_of(gift, standing)
    return {
        "amount": holdings.issued_amount,
        "subtracted_amount": holdings.subtracted_amount,
        "redeemed_amount": holdings.redeemed_amount,
        "balance": holdings.balance,
        **({"currency": gift["currency"]} if "currency" in gift else {}),
        "effect": gift["effect"],
    }


def loyalty_of(voucher: Voucher, campaign: Campaign | None) -> Mapping[str, Any] | None:
    """What a loyalty card begins with, and the rules of its program; None for what is no loyalty card."""
    if voucher.type != "LOYALTY_CARD":
        return None
    return {**((campaign.loyalty if campaign else None) or {}), **(voucher.loyalty or {})}


class PointsFigures(NamedTuple):
    """What the account of a loyalty card adds up to: `balance` is `points`, all that were ever added, without the
    others. What it gave to other cards counts as subtracted, as far as it got no more from others."""

    points: int
    balance: int
    expired_points: int
    subtracted_points: int
    redeemed_points: int

    @classmethod
    def of(cls, holdings: Holdings, lapsed_points: int = 0) -> "PointsFigures":
        """`lapsed_points` are those that `holdings` count among what the account holds although they have expired."""
        transferred = holdings.totals.get("transferred", 0)
        balance = holdings.balance - lapsed_points
        expired = lapsed_points - holdings.totals.get("expired", 0)
        subtracted = holdings.subtracted_amount + max(0, -transferred)
        redeemed = holdings.redeemed_amount
        return cls(balance + expired + subtracted + redeemed, balance, expired, subtracted, redeemed)


NO_POINTS = PointsFigures(0, 0, 0, 0, 0)


def figures_of(voucher: Voucher, loyalty: Mapping[str, Any], standing: Standing) -> PointsFigures:
    """The figures of a card. One that was not published yet shows the points with which it will begin."""
    if standing.holdings is not None:
        return PointsFigures.of(standing.holdings, standing.expiry.lapsed_points)
    if voucher.publish_count:
        return NO_POINTS
    return PointsFigures.of(Holdings.unopened(loyalty.get("points", 0)))


def loyalty_read(figures: PointsFigures, standing: Standing = UNTOUCHED) -> dict[str, Any]:
    """The wire's loyalty card."""
    expiry = standing.expiry
    next_expiration: dict[str, Any] = {}
    if expiry.next_day is not None:
        next_expiration = {
            "next_expiration_date": expiry.next_day.isoformat(),
            "next_expiration_points": expiry.next_points,
        }
    return {
        "points": figures.points,
        "balance": figures.balance,
        **next_expiration,
        "pending_points": standing.pending_points,
        "expired_points": figures.expired_points,
        "subtracted_points": figures.subtracted_points,
    }
