"""Points that a card owes: they were taken back when it had them no more. What it earns next pays for them."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.engine.postings import AccountKey, Posting
from app.incentives.loyalties.points import removal
from app.kit import clock
from app.ledger.movements import Cause, Movement
from app.models import Account, Campaign, Voucher


def owed_account(card_id: str) -> AccountKey:
    """The account of what a card owes."""
    return AccountKey(card_id, "owed")


async def owed_by(session: AsyncSession, project_id: int, card_id: str) -> int:
    """How many points the card owes."""
    owed = select(Account.balance).where(
        Account.project_id == project_id, Account.owner_id == card_id, Account.measure == "owed"
    )
    return await session.scalar(owed) or 0


def lending(card: Voucher, points: int, cause: Cause, transaction_id: str) -> Movement:
    """The movement by which a card owes so many points more."""
    return Movement(
        Posting(owed_account(card.id), points),
        "issued",
        cause,
        effective_at=clock.now(),
        campaign_id=card.campaign_id,
        transaction_id=transaction_id,
    )


def repayment(card: Voucher, campaign: Campaign, points: int, cause_id: str) -> tuple[Movement, Movement]:
    """The movements by which so many points of the card pay for what it owes: off the card, and off the debt."""
    cause = Cause("debt", cause_id)
    paid = removal(card, campaign, points, cause)
    settled = Movement(
        Posting(owed_account(card.id), -points, 0),
        "removed",
        cause,
        effective_at=paid.effective_at,
        campaign_id=card.campaign_id,
        transaction_id=paid.transaction_id,
    )
    return paid, settled
