"""Giving one reward of a referral to one person, inside the transaction that settles it.

Each kind has a name of its own for each referral, person and place in the program, so that nothing is given twice: the
`source_id` of a publication, or the cause of an entry.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import ProjectView, worker_of
from app.commerce.customers.schemas import CustomerIn
from app.engine.postings import Posting
from app.engine.referrals import Party, Reward
from app.incentives.campaigns.repository import CampaignRepository
from app.incentives.loyalties.points import add_points, join
from app.incentives.publications.publishing import publish
from app.incentives.publications.repository import PoolRepository
from app.incentives.publications.schemas import CampaignSource, PublicationCreate
from app.incentives.referrals.errors import RewardNotGiven
from app.incentives.referrals.payables import payable_account
from app.incentives.vouchers.standing import gift_of
from app.kit.outbox import announce
from app.ledger.apply import apply
from app.ledger.movements import Cause, Movement, Opening, value_account
from app.models import Campaign, Referral, Voucher

REFERRAL_CHANNEL = "REFERRAL"


async def give(
    session: AsyncSession,
    project: ProjectView,
    referral: Referral,
    party: Party,
    reward: Reward,
    place: int,
    now: datetime,
) -> dict[str, Any]:
    """Give the reward in this place of the program; what was given, as the referral remembers it.

    Raises RewardNotGiven, Unpublishable, and what moving points raises.
    """
    customer_id = referral.referrer_id if party == "referrer" else referral.referee_id
    cause = Cause("referral", f"{referral.id}:{party}:{place}")
    given: dict[str, Any] = {"to": party, "customer_id": customer_id, "type": reward.type}
    if reward.type == "CASH":
        return given | await _owe(session, project, referral, customer_id, reward, cause, now)
    campaign = await _campaign(session, project, reward)
    given["campaign_id"] = campaign.id
    if reward.type == "LOYALTY_CARD":
        card = await join(session, worker_of(project), campaign, customer_id)
        points = reward.amount or 0
        details = {"referral": {"id": referral.id}}
        await add_points(
            session, project, card, campaign, points, cause, actor=worker_of(project).actor, details=details
        )
        return given | {"voucher_id": card.id, "points": points}
    if reward.type == "GIFT_VOUCHER" and reward.amount is not None:
        card = await _gift_card(session, project, campaign, customer_id, cause, now)
        await _top_up(session, project, referral, card, campaign, reward.amount, cause, now)
        return given | {"voucher_id": card.id, "amount": reward.amount}
    voucher = await _published(session, project, campaign, customer_id, cause, now)
    return given | {"voucher_id": voucher.id}


async def _campaign(session: AsyncSession, project: ProjectView, reward: Reward) -> Campaign:
    campaigns = await CampaignRepository(session, project.id).by_id([reward.campaign_id or ""])
    campaign = campaigns.get(reward.campaign_id or "")
    if campaign is None or campaign.deleted_at is not None:
        raise RewardNotGiven(f"The campaign {reward.campaign_name or reward.campaign_id} was deleted.")
    return campaign


async def _published(
    session: AsyncSession, project: ProjectView, campaign: Campaign, customer_id: str, cause: Cause, now: datetime
) -> Voucher:
    """A new code of the campaign, given to the customer."""
    request = PublicationCreate(
        campaign=CampaignSource(name=campaign.id),
        customer=CustomerIn(id=customer_id),
        source_id=":".join(cause),
        channel=REFERRAL_CHANNEL,
    )
    publication = await publish(session, worker_of(project), request, join_once=campaign.join_once, now=now)
    found = await PoolRepository(session, project.id).with_campaigns(publication.voucher_ids)
    voucher, _ = found[publication.voucher_ids[0]]
    return voucher


async def _gift_card(
    session: AsyncSession, project: ProjectView, campaign: Campaign, customer_id: str, cause: Cause, now: datetime
) -> Voucher:
    """The gift card of the campaign that the customer has, or a new one."""
    held = await PoolRepository(session, project.id).find_held(campaign.id, customer_id)
    return held or await _published(session, project, campaign, customer_id, cause, now)


async def _top_up(
    session: AsyncSession,
    project: ProjectView,
    referral: Referral,
    card: Voucher,
    campaign: Campaign,
    amount: int,
    cause: Cause,
    now: datetime,
) -> None:
    """Put money onto a gift card, beside what it was made with."""
    gift = gift_of(card, campaign)
    assert gift is not None  # the campaign is one of gift cards
    movement = Movement(
        Posting(value_account(card.id), amount, 0),
        "issued",
        cause,
        effective_at=now,
        opening=Opening(gift["amount"], card.created_at),
        actor=worker_of(project).actor,
        campaign_id=campaign.id,
        details={"referral": {"id": referral.id}},
    )
    await session.flush()
    held = await apply(session, project.id, (), [movement])
    data: Mapping[str, Any] = {
        "voucher": {"id": card.id, "object": "voucher"},
        "campaign": {"id": campaign.id, "object": "campaign"},
        "customer": {"id": card.holder_id, "object": "customer"},
        "balance": {"type": "gift_voucher", "amount": amount, "balance": held[movement.posting.account].balance},
        "transaction": {"id": movement.id},
    }
    announce(session, project.id, "voucher.gift.balance_added", card.id, data)


async def _owe(
    session: AsyncSession,
    project: ProjectView,
    referral: Referral,
    customer_id: str,
    reward: Reward,
    cause: Cause,
    now: datetime,
) -> dict[str, Any]:
    """Note that the shop owes the customer money."""
    amount, currency = reward.amount or 0, reward.currency or project.currency
    movement = Movement(
        Posting(payable_account(project, customer_id, currency), amount, 0),
        "earned",
        cause,
        effective_at=now,
        actor=worker_of(project).actor,
        campaign_id=referral.campaign_id,
        details={"referral": {"id": referral.id}},
    )
    await session.flush()
    await apply(session, project.id, (), [movement])
    return {"amount": amount} | ({"currency": currency} if currency else {})
