"""Where vouchers stand now: how often they are redeemed, and what gift cards hold."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.ledger.movements import Holdings
from app.models import Account, Campaign, Voucher


@dataclass(frozen=True, slots=True)
class Standing:
    """`uses` is how often the voucher is redeemed now. `holdings` are None for what is no gift card, and for a gift
    card that holds what it was made with."""

    uses: int = 0
    holdings: Holdings | None = None


UNTOUCHED = Standing()


async def standings(session: AsyncSession, project_id: int, voucher_ids: Collection[str]) -> dict[str, Standing]:
    """The standing of each of these vouchers; one that was never touched has that of a new one."""
    rows = await session.execute(
        select(Account.owner_id, Account.measure, Account.balance, Account.totals).where(
            Account.project_id == project_id,
            Account.owner_id.in_(voucher_ids),
            Account.measure.in_(("uses", "balance")),
            Account.subject == "",
            Account.period == "",
        )
    )
    uses: dict[str, int] = {}
    holdings: dict[str, Holdings] = {}
    for owner_id, measure, balance, totals in rows:
        if measure == "uses":
            uses[owner_id] = -balance
        else:
            holdings[owner_id] = Holdings(balance, totals or {})
    return {
        voucher_id: Standing(uses.get(voucher_id, 0), holdings.get(voucher_id))
        if voucher_id in uses or voucher_id in holdings
        else UNTOUCHED
        for voucher_id in voucher_ids
    }


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
