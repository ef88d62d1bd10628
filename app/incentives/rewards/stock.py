"""The stock of a reward: an account from which every redemption takes a unit."""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.engine.postings import AccountKey, Measure, Posting
from app.incentives.rewards.errors import InvalidStock
from app.kit.ids import new_id
from app.ledger.apply import apply
from app.ledger.errors import RanOut
from app.ledger.movements import Cause, Holdings, Movement

STOCK: Final[Measure] = "stock"


def stock_account(reward_id: str) -> AccountKey:
    """The account that holds the units that nobody has yet."""
    return AccountKey(reward_id, STOCK)


def stock_of(holdings: Holdings) -> int:
    """All units there ever were, those that members have included."""
    return holdings.balance + holdings.redeemed_amount


async def change_stock(
    session: AsyncSession, project_id: int, reward_id: str, holdings: Holdings, stock: int, *, actor: str, now: datetime
) -> Holdings:
    """Let there be `stock` units on all. Raises InvalidStock when more than that were redeemed."""
    change = stock - stock_of(holdings)
    if change == 0:
        return holdings
    entry_id = new_id("vtx")
    movement = Movement(
        Posting(stock_account(reward_id), change, 0),
        "issued" if change > 0 else "removed",
        Cause("stock_change", entry_id),
        effective_at=now,
        actor=actor,
        id=entry_id,
    )
    try:
        moved = await apply(session, project_id, (), [movement])
    except RanOut:
        raise InvalidStock(holdings.redeemed_amount) from None
    return moved[stock_account(reward_id)]
