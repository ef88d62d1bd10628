"""The points with which cards begin: given when a card is published."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.engine.points_expiration import PointsExpirationRules, points_expire_at
from app.engine.postings import Posting
from app.incentives.vouchers.standing import loyalty_of
from app.ledger.apply import apply
from app.ledger.movements import Cause, Movement, points_account
from app.models import Campaign, Voucher


async def give_first_points(
    session: AsyncSession, caller: Caller, campaign: Campaign, cards: Sequence[Voucher], now: datetime
) -> None:
    """Put the points that these cards begin with on them; for vouchers of other campaigns nothing happens."""
    expires_at = points_expire_at(expiration_rules_of(campaign), now, caller.project.zone)
    movements = [
        Movement(
            Posting(points_account(card.id), loyalty["points"]),
            "issued",
            Cause("opening", card.id),
            effective_at=now,
            actor=caller.actor,
            campaign_id=campaign.id,
            expires_at=expires_at,
        )
        for card in cards
        if (loyalty := loyalty_of(card, campaign)) is not None and loyalty.get("points")
    ]
    if movements:
        await session.flush()
        await apply(session, caller.project_id, (), movements)


def expiration_rules_of(campaign: Campaign) -> PointsExpirationRules | None:
    """When points of the program expire; None is never."""
    rules = (campaign.loyalty or {}).get("expiration_rules")
    return PointsExpirationRules.model_validate(rules) if rules else None
