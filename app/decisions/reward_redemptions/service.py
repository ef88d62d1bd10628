"""Redeeming rewards: points for what a loyalty program offers, all of it or nothing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.access.configuration import hold_configuration
from app.commerce.customers.repository import CustomerRepository
from app.commerce.customers.schemas import CustomerIn
from app.commerce.customers.tracking import customer_tracking_id
from app.decisions.errors import RedemptionFailed
from app.decisions.redemptions import service as checkout
from app.decisions.redemptions.counting import taken_by
from app.decisions.redemptions.history import read_all
from app.decisions.redemptions.rows import redeemed_details
from app.decisions.rendering import Wire
from app.decisions.reward_redemptions.errors import CardUsedUp, OutOfStock, RewardNotOffered
from app.decisions.reward_redemptions.events import redeemed, rewarded
from app.decisions.reward_redemptions.giving import prepare_gift
from app.decisions.reward_redemptions.schemas import RewardRedemptionIn
from app.decisions.schemas import CheckoutIn, RedeemableIn
from app.engine.cart import Cart
from app.engine.effects import PayWithPoints
from app.engine.postings import AccountKey, Posting, merged_postings
from app.engine.redeemables import Redeemable
from app.engine.refusals import closed, disabled
from app.incentives.configuration import ConfigurationCache, compile_validity
from app.incentives.loyalties.errors import PointsExceeded
from app.incentives.loyalties.events import points_moved
from app.incentives.loyalties.members import get_card
from app.incentives.loyalties.points import removal, require_holder
from app.incentives.loyalty_tiers.mappings import mapping_for
from app.incentives.rewards.rendering import reward_members
from app.incentives.rewards.repository import RewardAssignmentRepository
from app.kit.db import Database
from app.kit.ids import new_id
from app.ledger.accounts import open_accounts
from app.ledger.apply import apply
from app.ledger.errors import RanOut
from app.ledger.movements import Cause, Holdings, Movement
from app.models import Campaign, Redemption, Reward, RewardAssignment, Voucher


async def redeem(
    db: Database,
    cache: ConfigurationCache,
    caller: Caller,
    member: str,
    request: RewardRedemptionIn,
    *,
    program: str | None = None,
    now: datetime,
) -> Wire:
    """Give the member the reward for points; one to pay with points is redeemed on the order of the request.

    Raises CampaignNotFound, MemberNotFound, RewardNotOffered, CardNotPublished, RedemptionFailed, PointsExceeded,
    OutOfStock, CardUsedUp, Unpublishable, NotFound (product, SKU); and what a redemption raises.
    """
    async with db.read() as session:
        card, campaign = await get_card(session, caller, member, program)
        _, reward = await _offer(session, caller, campaign, request.reward.id)
    if reward.type == "COIN":
        require_holder(card)
        body = CheckoutIn(
            redeemables=[RedeemableIn(id=card.id, reward=request.reward)],
            order=request.order,
            customer=CustomerIn(id=card.holder_id),
            metadata=request.metadata,
        )
        answer = await checkout.redeem(db, cache, caller, body, now=now, explain=False)
        redemption: Wire = answer["redemptions"][0]
        return redemption
    async with db.write() as session:
        await hold_configuration(session, caller.project_id)
        card, campaign = await get_card(session, caller, card.id)
        assignment, reward = await _offer(session, caller, campaign, reward.id)
        row = await give_for_points(
            session, caller, card, campaign, assignment, reward, metadata=request.metadata, now=now
        )
        return (await read_all(session, caller.project_id, [row]))[0]


async def _offer(
    session: AsyncSession, caller: Caller, campaign: Campaign, reward_id: str
) -> tuple[RewardAssignment, Reward]:
    """Raises RewardNotOffered."""
    offered = await RewardAssignmentRepository(session, caller.project_id).offered(campaign.id, reward_id)
    if offered is None:
        raise RewardNotOffered(reward_id)
    return offered


async def give_for_points(
    session: AsyncSession,
    caller: Caller,
    card: Voucher,
    campaign: Campaign,
    assignment: RewardAssignment,
    reward: Reward,
    *,
    metadata: dict[str, Any] | None = None,
    channel_type: str = "API",
    now: datetime,
) -> Redemption:
    """Take what the offer costs from the card and give the reward to its holder; the redemption, as it is written.

    Only after `hold_configuration`. Accounts are locked last and all at once.

    Raises CardNotPublished, RedemptionFailed, PointsExceeded, OutOfStock, CardUsedUp, Unpublishable, CampaignNotFound,
    NotFound (product, SKU).
    """
    require_holder(card)
    _refuse_closed(caller, card, campaign, now)
    assert card.holder_id is not None
    assert assignment.points is not None  # only a COIN has no price
    terms = await mapping_for(session, caller.project_id, card.id, "rewards", assignment.id, reward.id)
    points = terms.points(assignment.points)
    if points is None:
        raise RewardNotOffered(reward.id)
    row = await _row(session, caller, card, points, metadata, channel_type, now)
    row.reward = {**reward_members(reward), "assignment_id": assignment.id, "loyalty_tier_id": terms.tier_id}
    gift = await prepare_gift(session, caller, reward, card.holder_id, row.id, now)
    row.reward |= gift.shown
    session.add(row)
    await session.flush()
    details = redeemed_details({"id": row.id, "order_id": None, "reward": row.reward})
    cause = Cause("redemption", row.id)
    # A tier may have it for nothing.
    prices = [removal(card, campaign, points, cause, actor=caller.actor, details=details)] if points else []
    held = await _post(session, caller, card, row, [*prices, *gift.movements])
    redeemed(session, campaign, row)
    for price in prices:
        points_moved(session, card, campaign, price, held[price.posting.account])
    given_for = {"redemption": {"id": row.id}, "holder": {"id": row.customer_id}}
    await rewarded(session, caller.project_id, card.holder_id, reward, gift, held, given_for)
    return row


def _refuse_closed(caller: Caller, card: Voucher, campaign: Campaign, now: datetime) -> None:
    """Raises RedemptionFailed for a card that is switched off, or outside its dates and hours."""
    validity = compile_validity(
        {
            "start_date": card.start_date or campaign.start_date,
            "expiration_date": card.expiration_date or campaign.expiration_date,
            "validity": card.validity or campaign.validity,
        }
    )
    redeemable = Redeemable(
        "voucher",
        card.code,
        card.id,
        PayWithPoints(balance=0),
        is_active=card.active,
        campaign_is_active=campaign.active,
        validities=(validity,),
    )
    cart = Cart(now=now, zone=caller.project.zone)
    if not (card.active and campaign.active):
        raise RedemptionFailed(disabled(redeemable).failure, "voucher", card.code)
    because = validity.closed_because(now, caller.project.zone)
    if because is not None:
        raise RedemptionFailed(closed(redeemable, because, cart).failure, "voucher", card.code)


async def _row(
    session: AsyncSession,
    caller: Caller,
    card: Voucher,
    points: int,
    metadata: dict[str, Any] | None,
    channel_type: str,
    now: datetime,
) -> Redemption:
    customer = await CustomerRepository(session, caller.project_id).find(card.holder_id or "")
    source_id = customer.source_id if customer else None
    return Redemption(
        project_id=caller.project_id,
        id=new_id("r"),
        object="redemption",
        result="SUCCESS",
        status="SUCCEEDED",
        related_object_type="voucher",
        related_object_id=card.id,
        voucher_code=card.code,
        campaign_id=card.campaign_id,
        customer_id=card.holder_id,
        tracking_id=customer_tracking_id(caller.project, source_id) if source_id else None,
        amount=points,
        redemption_metadata=metadata or {},
        api_key_id=None if caller.kind == "worker" else caller.api_key_id,
        user_login=caller.user_login,
        channel_type=channel_type,
        created_at=now,
    )


async def _post(
    session: AsyncSession, caller: Caller, card: Voucher, row: Redemption, movements: list[Movement]
) -> Mapping[AccountKey, Holdings]:
    """Take the points and the unit of stock, put down what is given, and count the use of the card; what is held then.

    Raises PointsExceeded, OutOfStock, CardUsedUp.
    """
    taken = await taken_by(session, caller.project_id, [row], caller.project.zone)
    await open_accounts(session, caller.project_id, sorted(taken.late), caller.project.zone)
    postings = [
        Posting(each.account, -each.amount, _floor(card) if each.account == AccountKey(card.id, "uses") else None)
        for each in merged_postings(taken.postings)
    ]
    try:
        return await apply(session, caller.project_id, postings, movements)
    except RanOut as short:
        if "/stock" in short.accounts:
            raise OutOfStock((row.reward or {})["id"]) from None
        if f"{card.id}/points" in short.accounts:
            raise PointsExceeded(card.code, row.amount or 0) from None
        raise CardUsedUp(f"{card.code} was redeemed as often as it may be.", resource_id=card.id) from None


def _floor(card: Voucher) -> int | None:
    return None if card.redemption_quantity is None else -card.redemption_quantity
