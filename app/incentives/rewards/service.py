"""Use cases of rewards, one transaction each."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.access.configuration import change_configuration
from app.commerce.products.repository import ProductRepository, SkuRepository
from app.incentives.campaigns.errors import CampaignNotFound
from app.incentives.campaigns.repository import CampaignRepository
from app.incentives.rewards import events
from app.incentives.rewards.errors import InvalidBalance, RewardInUse, RewardNotFound
from app.incentives.rewards.rendering import reward_read
from app.incentives.rewards.repository import RewardRepository, is_given
from app.incentives.rewards.schemas import (
    Answer,
    CampaignParameters,
    Parameters,
    ProductParameters,
    RewardCreate,
    RewardQuery,
    RewardUpdate,
)
from app.incentives.rewards.stock import change_stock
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import InvalidPayload, NotFound
from app.kit.filters import When
from app.kit.ids import new_id
from app.kit.lists import fetch_page
from app.kit.metadata import merged_metadata
from app.ledger.movements import Holdings
from app.models import Reward, RewardAssignment

COUPONS = "DISCOUNT_COUPONS"
GIVING_CAMPAIGNS = (COUPONS, "GIFT_VOUCHERS", "LOYALTY_PROGRAM")


async def create(db: Database, caller: Caller, body: RewardCreate) -> Answer:
    """Raises InvalidPayload, InvalidBalance, CampaignNotFound, NotFound (product, SKU), MetadataValidationFailed."""
    _refuse_stock_of_what_is_no_thing(body.parameters.type, body.stock)
    caller.project.check_metadata("reward", body.metadata)
    now = clock.now()
    async with db.write() as session:
        reward = Reward(
            project_id=caller.project_id,
            id=new_id("rew"),
            name=body.name,
            type=body.parameters.type,
            parameters=await _stored(session, caller, body.parameters),
            is_stocked=body.stock is not None,
            attributes=body.attributes.model_dump(exclude_none=True) if body.attributes else {},
            reward_metadata=merged_metadata({}, body.metadata),
            created_at=now,
            updated_at=None,
        )
        session.add(reward)
        await session.flush()
        stock = None
        if body.stock is not None:
            stock = await change_stock(
                session, caller.project_id, reward.id, Holdings(0, {}), body.stock, actor=caller.actor, now=now
            )
        events.reward_changed(session, caller, "created", reward.id, body.model_dump(mode="json", exclude_unset=True))
    return reward_read(reward, stock)


async def get(db: Database, caller: Caller, reward_id: str) -> Answer:
    """Raises RewardNotFound."""
    async with db.read() as session:
        reward = await get_reward(session, caller.project_id, reward_id)
        return (await read_all(session, caller.project_id, [reward]))[0]


async def search(db: Database, caller: Caller, query: RewardQuery) -> Answer:
    """A page of the project's rewards. Raises InvalidQuery."""
    rows = select(Reward).where(Reward.project_id == caller.project_id)
    if query.assignment_id is not None:
        assigned = select(RewardAssignment.reward_id).where(
            RewardAssignment.project_id == caller.project_id, RewardAssignment.id == query.assignment_id
        )
        rows = rows.where(Reward.id.in_(assigned))
    async with db.read() as session:
        page = await fetch_page(session, rows, query, When(clock.now(), caller.project.zone))
        shown = await read_all(session, caller.project_id, page.rows)
    return {"object": "list", "data_ref": "data", "data": shown, "total": page.total}


async def update(db: Database, caller: Caller, reward_id: str, body: RewardUpdate) -> Answer:
    """Change the members that were sent. A reward stays of its type; a stock of null has no end.

    Raises RewardNotFound, InvalidPayload, InvalidBalance, InvalidStock, CampaignNotFound, NotFound (product, SKU),
    MetadataValidationFailed.
    """
    given, now = body.changes(), clock.now()
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        reward = await get_reward(session, caller.project_id, reward_id)
        if body.parameters is not None:
            if body.parameters.type != reward.type:
                raise InvalidPayload("parameters", f"This is a reward of the type {reward.type}, and stays one.")
            reward.parameters = await _stored(session, caller, body.parameters)
        if body.name is not None:
            reward.name = body.name
        if "attributes" in given:
            reward.attributes = body.attributes.model_dump(exclude_none=True) if body.attributes else {}
        if "metadata" in given:
            kept = {} if body.metadata is None else reward.reward_metadata
            reward.reward_metadata = merged_metadata(kept, body.metadata or {})
            caller.project.check_metadata("reward", reward.reward_metadata)
        if "stock" in given:
            await _restock(session, caller, reward, body.stock)
        reward.updated_at = now
        shown = (await read_all(session, caller.project_id, [reward]))[0]
        events.reward_changed(session, caller, "updated", reward.id, body.model_dump(mode="json", exclude_unset=True))
    return shown


async def delete(db: Database, caller: Caller, reward_id: str) -> None:
    """Delete a reward that nothing gives any more. Redemptions keep what they say of it.

    Raises RewardNotFound, RewardInUse.
    """
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        reward = await get_reward(session, caller.project_id, reward_id)
        given_by = await is_given(session, caller.project_id, reward.id)
        if given_by is not None:
            raise RewardInUse(reward.id, given_by)
        await session.delete(reward)
        events.reward_changed(session, caller, "deleted", reward.id)


async def get_reward(session: AsyncSession, project_id: int, reward_id: str) -> Reward:
    """Raises RewardNotFound."""
    reward = await RewardRepository(session, project_id).find(reward_id)
    if reward is None:
        raise RewardNotFound(reward_id)
    return reward


async def read_all(session: AsyncSession, project_id: int, rewards: list[Reward]) -> list[Answer]:
    """The rewards as answers, with what is left of them; at most one statement."""
    stocks = await RewardRepository(session, project_id).stocks(rewards)
    return [reward_read(reward, stocks.get(reward.id)) for reward in rewards]


def _refuse_stock_of_what_is_no_thing(reward_type: str, stock: int | None) -> None:
    if stock is not None and reward_type != "MATERIAL":
        raise InvalidPayload("stock", "Only things have a stock: rewards with a product.")


async def _restock(session: AsyncSession, caller: Caller, reward: Reward, stock: int | None) -> None:
    """Raises InvalidPayload, InvalidStock."""
    _refuse_stock_of_what_is_no_thing(reward.type, stock)
    reward.is_stocked = True
    holdings = (await RewardRepository(session, caller.project_id).stocks([reward]))[reward.id]
    reward.is_stocked = stock is not None
    if stock is not None:
        await change_stock(session, caller.project_id, reward.id, holdings, stock, actor=caller.actor, now=clock.now())


async def _stored(session: AsyncSession, caller: Caller, parameters: Parameters) -> dict[str, Any]:
    """What is kept of the parameters, ids instead of names. Raises what the two below raise."""
    if parameters.coin is not None:
        coin = parameters.coin
        return {"coin": {"exchange_ratio": str(coin.exchange_ratio), "points_ratio": coin.points_ratio}}
    if parameters.campaign is not None:
        return {"campaign": await _campaign_parameters(session, caller, parameters.campaign)}
    assert parameters.product is not None  # it is one of the three
    return {"product": await _product_parameters(session, caller, parameters.product)}


async def _campaign_parameters(session: AsyncSession, caller: Caller, given: CampaignParameters) -> dict[str, Any]:
    """Raises CampaignNotFound, InvalidPayload, InvalidBalance."""
    campaign = await CampaignRepository(session, caller.project_id).find_by_name(given.id)
    if campaign is None:
        raise CampaignNotFound(given.id)
    if campaign.campaign_type not in GIVING_CAMPAIGNS:
        raise InvalidPayload(
            "parameters.campaign.id",
            f"{campaign.name} is a campaign of the type {campaign.campaign_type}; rewards are given from coupon, "
            "gift card and loyalty campaigns.",
        )
    stored = {"id": campaign.id, "type": campaign.campaign_type}
    if campaign.campaign_type == COUPONS:
        return stored
    if not given.balance:
        raise InvalidBalance(campaign.campaign_type)
    return stored | {"balance": given.balance}


async def _product_parameters(session: AsyncSession, caller: Caller, given: ProductParameters) -> dict[str, Any]:
    """Raises NotFound, InvalidPayload."""
    product = await ProductRepository(session, caller.project_id).get(given.id)
    if given.sku_id is None:
        return {"id": product.id, "sku_id": None}
    sku = await SkuRepository(session, caller.project_id).get(given.sku_id)
    if sku.product_id != product.id:
        raise NotFound("sku", given.sku_id)
    return {"id": product.id, "sku_id": sku.id}
