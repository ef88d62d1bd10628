"""What is announced about referrals: ids to look up when it is delivered, never personal data."""

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.outbox import announce
from app.models import Referral

REFERRED = "customer.referred"
REWARDED = "customer.rewarded"
CODE_REDEEMED = "referral.code_redeemed"
"""A redemption of a referral code, beside its `redemption.succeeded`: followers of referrals look at these alone."""


def referred(session: AsyncSession, referral: Referral) -> None:
    """Somebody used a referrer's code for the first time."""
    announce(session, referral.project_id, REFERRED, referral.referee_id, _data(referral))


def moved(session: AsyncSession, change: Literal["qualified", "rewarded", "rejected"], referral: Referral) -> None:
    """A referral reached another state."""
    announce(session, referral.project_id, f"referral.{change}", referral.id, _data(referral))


def rewarded(session: AsyncSession, referral: Referral, customer_id: str, reward: Mapping[str, Any]) -> None:
    """One of the two got one reward."""
    data = {**_data(referral), "customer": _customer(customer_id), "reward": dict(reward)}
    announce(session, referral.project_id, REWARDED, customer_id, data)


def holder_event(session: AsyncSession, change: Literal["created", "deleted"], referral: Referral) -> None:
    """A customer was named as a referee of a code, or taken off it."""
    event = f"customer.holder.assignment.{change}"
    announce(session, referral.project_id, event, referral.referee_id, _data(referral))


def _data(referral: Referral) -> dict[str, Any]:
    members = {
        "id": referral.id,
        "status": referral.status,
        "rejection": referral.rejection,
        "redemption_id": referral.redemption_id,
        "order_id": referral.order_id,
        "object": "referral",
    }
    return {
        "customer": _customer(referral.referee_id),
        "referrer": _customer(referral.referrer_id),
        "campaign": {"id": referral.campaign_id, "object": "campaign"},
        "voucher": {"id": referral.voucher_id, "object": "voucher"},
        "referral": {name: value for name, value in members.items() if value is not None},
    }


def _customer(customer_id: str) -> dict[str, str]:
    return {"id": customer_id, "object": "customer"}
