"""Giving a reward to a customer: steps that run inside one transaction."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.commerce.customers.schemas import CustomerIn
from app.commerce.products.rendering import product_without_skus
from app.commerce.products.repository import ProductRepository, SkuRepository
from app.commerce.products.schemas import SkuRead
from app.engine.postings import Posting
from app.incentives.campaigns.errors import CampaignNotFound
from app.incentives.campaigns.repository import CampaignRepository
from app.incentives.loyalties.points import addition, join
from app.incentives.publications.publishing import publish
from app.incentives.publications.repository import PoolRepository
from app.incentives.publications.schemas import CampaignSource, PublicationCreate
from app.incentives.rewards.stock import stock_account
from app.incentives.vouchers.standing import gift_of
from app.ledger.movements import Cause, Movement, Opening, value_account
from app.models import Campaign, Reward, Voucher


@dataclass(frozen=True, slots=True)
class Gift:
    """What somebody gets as a reward: `movements` to post, and `shown`, what a redemption keeps of it.

    `voucher` of `campaign` is the coupon, gift card or loyalty card with what was given; a thing has none.
    """

    movements: list[Movement] = field(default_factory=list)
    shown: dict[str, Any] = field(default_factory=dict)
    voucher: Voucher | None = None
    campaign: Campaign | None = None


async def prepare_gift(
    session: AsyncSession, caller: Caller, reward: Reward, customer_id: str, cause_id: str, now: datetime
) -> Gift:
    """Let the customer have what the reward is, but for the movements, which the caller posts together with its own.

    `cause_id` is what it is given for: a redemption, or the crossing of a milestone.

    Raises CampaignNotFound, NotFound (product, SKU), Unpublishable.
    """
    if reward.type == "MATERIAL":
        return await _thing(session, caller, reward, cause_id, now)
    parameters = reward.parameters["campaign"]
    campaign = await CampaignRepository(session, caller.project_id).find_by_name(parameters["id"])
    if campaign is None:
        raise CampaignNotFound(parameters["id"])
    cause, details = Cause("reward", cause_id), {"reward": {"id": reward.id}}
    if campaign.campaign_type == "LOYALTY_PROGRAM":
        card = await join(session, caller, campaign, customer_id)
        points = addition(
            caller.project, card, campaign, parameters["balance"], cause, actor=caller.actor, details=details
        )
        return Gift([points], {"given": {"voucher_id": card.id}}, card, campaign)
    voucher = await _published(session, caller, campaign, customer_id, now)
    gift = gift_of(voucher, campaign)
    if gift is None:
        return Gift(shown={"given": {"voucher_id": voucher.id, "is_coupon": True}}, voucher=voucher, campaign=campaign)
    credits = Movement(
        Posting(value_account(voucher.id), parameters["balance"], 0),
        "issued",
        cause,
        effective_at=now,
        opening=Opening(gift["amount"], voucher.created_at),
        actor=caller.actor,
        campaign_id=campaign.id,
        details=details,
    )
    return Gift([credits], {"given": {"voucher_id": voucher.id}}, voucher, campaign)


async def _published(
    session: AsyncSession, caller: Caller, campaign: Campaign, customer_id: str, now: datetime
) -> Voucher:
    """A code of the campaign for the customer; the one they have, where the campaign gives everybody one."""
    request = PublicationCreate(campaign=CampaignSource(name=campaign.id), customer=CustomerIn(id=customer_id))
    publication = await publish(session, caller, request, join_once=campaign.join_once, now=now)
    found = await PoolRepository(session, caller.project_id).with_campaigns(publication.voucher_ids)
    voucher, _ = found[publication.voucher_ids[0]]
    return voucher


async def _thing(session: AsyncSession, caller: Caller, reward: Reward, cause_id: str, now: datetime) -> Gift:
    """One unit of the stock, where there is one."""
    parameters = reward.parameters["product"]
    product = await ProductRepository(session, caller.project_id).get(parameters["id"])
    shown: dict[str, Any] = {"product": product_without_skus(product).model_dump(mode="json")}
    if parameters["sku_id"] is not None:
        sku = await SkuRepository(session, caller.project_id).get(parameters["sku_id"])
        shown["sku"] = SkuRead.model_validate(sku).model_dump(mode="json")
    if not reward.is_stocked:
        return Gift(shown=shown)
    unit = Movement(
        Posting(stock_account(reward.id), -1, 0),
        "redeemed",
        Cause("reward", cause_id),
        effective_at=now,
        actor=caller.actor,
        details={"reward": {"id": reward.id}},
    )
    return Gift([unit], shown)
