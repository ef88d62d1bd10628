"""What happens when somebody gets a reward, told to whoever listens: ids and figures, never personal data."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.decisions.reward_redemptions.giving import Gift
from app.engine.postings import AccountKey
from app.incentives.balances.events import moved
from app.incentives.loyalties.events import balance_of, points_moved
from app.kit.outbox import announce
from app.ledger.movements import Holdings
from app.models import Campaign, Redemption, Reward


def redeemed(session: AsyncSession, campaign: Campaign, row: Redemption) -> None:
    """A member redeemed points for a reward: a redemption like any other, and one of a reward."""
    reward: dict[str, Any] = row.reward or {}
    ids = {
        "redemption_id": row.id,
        "related_object_id": row.related_object_id,
        "customer_id": row.customer_id,
        "order_id": None,
    }
    announce(session, row.project_id, "redemption.succeeded", row.id, ids)
    data = ids | {
        "campaign_id": campaign.id,
        "reward": {"id": reward.get("id"), "type": reward.get("type")},
        "reward_assignment": {"id": reward.get("assignment_id")},
        "points": row.amount,
    }
    for event in ("reward_redemptions.created", "reward_redemptions.completed"):
        announce(session, row.project_id, event, row.id, data)


async def rewarded(
    session: AsyncSession,
    project_id: int,
    customer_id: str,
    reward: Reward,
    gift: Gift,
    held: Mapping[AccountKey, Holdings],
    cause: Mapping[str, Any],
) -> None:
    """A customer got a reward, whatever for: `cause` are ids of that. `held` is what accounts have after it."""
    data: dict[str, Any] = {
        "customer": {"id": customer_id, "object": "customer"},
        "reward": {"id": reward.id, "type": reward.type},
        **cause,
    }
    card, campaign = gift.voucher, gift.campaign
    if card is None or campaign is None:
        announce(session, project_id, "customer.rewarded", customer_id, data)
        return
    data |= {
        "voucher": {"id": card.id, "code": card.code, "object": "voucher"},
        "campaign": {"id": campaign.id, "name": campaign.name, "object": "campaign"},
    }
    announce(session, project_id, "customer.rewarded", customer_id, data)
    if card.type != "LOYALTY_CARD":
        await moved(session, project_id, gift.movements)
        return
    for movement in gift.movements:
        holdings = held[movement.posting.account]
        balance = balance_of(card.id, movement.posting.amount, holdings, movement.cause.type)
        announce(session, project_id, "customer.rewarded.loyalty_points", customer_id, data | {"balance": balance})
        points_moved(session, card, campaign, movement, holdings)
