"""Use cases of promotion stacks, one transaction each."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.access.configuration import change_configuration
from app.incentives.categories.repository import CategoryRepository
from app.incentives.categories.resolution import category_column, resolve_category
from app.incentives.promotions import events
from app.incentives.promotions.errors import StackNotFound, TierNotFound
from app.incentives.promotions.listing import StackQuery
from app.incentives.promotions.rendering import stack_read
from app.incentives.promotions.repository import PromotionStackRepository, PromotionTierRepository
from app.incentives.promotions.schemas import StackCreate, StackUpdate
from app.incentives.promotions.service import get_promotion
from app.kit import clock
from app.kit.db import Database
from app.kit.filters import When
from app.kit.ids import new_id
from app.kit.lists import fetch_page
from app.models import Campaign, PromotionStack

Answer = dict[str, Any]


async def create(db: Database, caller: Caller, campaign_name_or_id: str, body: StackCreate) -> Answer:
    """Put tiers of a campaign together.

    Raises CampaignNotFound, NoPromotion, TierNotFound, CategoryNotFound, InvalidPayload.
    """
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        campaign = await get_promotion(session, caller, campaign_name_or_id)
        await _require_tiers(session, campaign, body.tiers.ids)
        category = await resolve_category(session, caller.project_id, body.category, body.category_id)
        stack = PromotionStack(
            project_id=caller.project_id,
            id=new_id("stack"),
            campaign_id=campaign.id,
            name=body.name,
            tier_ids=body.tiers.ids,
            category_id=category.id if category else None,
            created_at=clock.now(),
            updated_at=None,
        )
        session.add(stack)
        shown = stack_read(stack, category)
        changes = body.model_dump(mode="json", exclude_unset=True)
        events.stack_changed(session, caller, "created", shown, campaign, changes)
    return shown


async def get(db: Database, caller: Caller, campaign_name_or_id: str, stack_id: str) -> Answer:
    """Raises CampaignNotFound, NoPromotion, StackNotFound."""
    async with db.read() as session:
        _, stack = await _get(session, caller, campaign_name_or_id, stack_id)
        return await _read(session, stack)


async def search(
    db: Database, caller: Caller, query: StackQuery, campaign_name_or_id: str | None = None
) -> tuple[list[Answer], int]:
    """A page of stacks, of one campaign if one is named, and how many there are on all pages.

    Raises CampaignNotFound, NoPromotion, InvalidQuery.
    """
    async with db.read() as session:
        rows = select(PromotionStack).where(PromotionStack.project_id == caller.project_id)
        if campaign_name_or_id is not None:
            campaign = await get_promotion(session, caller, campaign_name_or_id)
            rows = rows.where(PromotionStack.campaign_id == campaign.id)
        page = await fetch_page(session, rows, query, When(clock.now(), caller.project.zone))
        return await _read_all(session, caller.project_id, page.rows), page.total


async def update(db: Database, caller: Caller, campaign_name_or_id: str, stack_id: str, body: StackUpdate) -> Answer:
    """Change the members that were sent; name and tiers stay when they are null.

    Raises CampaignNotFound, NoPromotion, StackNotFound, TierNotFound, CategoryNotFound, InvalidPayload.
    """
    given = body.changes()
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        campaign, stack = await _get(session, caller, campaign_name_or_id, stack_id)
        if body.name is not None:
            stack.name = body.name
        if body.tiers is not None:
            await _require_tiers(session, campaign, body.tiers.ids)
            stack.tier_ids = body.tiers.ids
        for name, value in (await category_column(session, caller.project_id, given)).items():
            setattr(stack, name, value)
        stack.updated_at = clock.now()
        shown = await _read(session, stack)
        changes = body.model_dump(mode="json", exclude_unset=True)
        events.stack_changed(session, caller, "updated", shown, campaign, changes)
    return shown


async def delete(db: Database, caller: Caller, campaign_name_or_id: str, stack_id: str) -> None:
    """Delete a stack; its tiers stay. Raises CampaignNotFound, NoPromotion, StackNotFound."""
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        campaign, stack = await _get(session, caller, campaign_name_or_id, stack_id)
        events.stack_changed(session, caller, "deleted", await _read(session, stack), campaign)
        await session.delete(stack)


async def _get(
    session: AsyncSession, caller: Caller, campaign_name_or_id: str, stack_id: str
) -> tuple[Campaign, PromotionStack]:
    campaign = await get_promotion(session, caller, campaign_name_or_id)
    stack = await PromotionStackRepository(session, caller.project_id).find_in_campaign(campaign.id, stack_id)
    if stack is None:
        raise StackNotFound(stack_id)
    return campaign, stack


async def _require_tiers(session: AsyncSession, campaign: Campaign, tier_ids: Sequence[str]) -> None:
    """Raises TierNotFound for a tier that the campaign does not have."""
    known = {tier.id for tier in await PromotionTierRepository(session, campaign.project_id).of_campaign(campaign.id)}
    for tier_id in tier_ids:
        if tier_id not in known:
            raise TierNotFound(tier_id)


async def _read(session: AsyncSession, stack: PromotionStack) -> Answer:
    return (await _read_all(session, stack.project_id, [stack]))[0]


async def _read_all(session: AsyncSession, project_id: int, stacks: Sequence[PromotionStack]) -> list[Answer]:
    categories = await CategoryRepository(session, project_id).by_id([stack.category_id for stack in stacks])
    return [stack_read(stack, categories.get(stack.category_id)) for stack in stacks]
