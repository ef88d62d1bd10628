"""What the lists of promotion tiers and stacks can be asked."""

from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import Field
from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.incentives.configuration import compile_validity
from app.kit.lists import Between, ListQuery
from app.models import Campaign, PromotionStack, PromotionTier

LIMITS = ("start_date", "expiration_date", "validity")


class TierQuery(ListQuery):
    orders: ClassVar = {
        "created_at": PromotionTier.created_at,
        "updated_at": PromotionTier.updated_at,
        "hierarchy": PromotionTier.hierarchy,
    }

    is_available: Annotated[bool | None, Field(description="Only tiers that are active and open at this moment.")] = (
        None
    )


class CampaignTierQuery(TierQuery):
    """The tiers of one campaign."""

    order: str = "hierarchy"


class StackQuery(ListQuery):
    orders: ClassVar = {
        "created_at": PromotionStack.created_at,
        "updated_at": PromotionStack.updated_at,
        "name": PromotionStack.name,
    }

    created_at: Between | None = None
    updated_at: Between | None = None


async def tiers_of(
    session: AsyncSession, caller: Caller, query: TierQuery, now: datetime, *, campaign_id: str | None = None
) -> Select[PromotionTier]:
    """The tiers that the plain parameters leave. Recurring hours are asked of the engine, which knows them."""
    rows = select(PromotionTier).where(
        PromotionTier.project_id == caller.project_id, PromotionTier.deleted_at.is_(None)
    )
    if campaign_id is not None:
        rows = rows.where(PromotionTier.campaign_id == campaign_id)
    if query.is_available is None:
        return rows
    closed = await _closed_by_hours(session, caller, now, campaign_id)
    open_campaigns = select(Campaign.id).where(Campaign.project_id == caller.project_id, *_is_running(Campaign, now))
    is_available = (
        PromotionTier.campaign_id.in_(open_campaigns),
        *_is_running(PromotionTier, now),
        PromotionTier.id.not_in(closed),
    )
    if query.is_available:
        return rows.where(*is_available)
    return rows.where(or_(*(~condition for condition in is_available)))


async def _closed_by_hours(session: AsyncSession, caller: Caller, now: datetime, campaign_id: str | None) -> list[str]:
    """Running tiers that are closed now by a time frame, a day of the week or hours, their own or their campaign's."""
    tier, campaign = PromotionTier, Campaign
    rows = (
        select(
            tier.id,
            *(getattr(tier, name).label(f"tier_{name}") for name in LIMITS),
            *(getattr(campaign, name).label(f"campaign_{name}") for name in LIMITS),
        )
        .join(campaign, (campaign.project_id == tier.project_id) & (campaign.id == tier.campaign_id))
        .where(
            tier.project_id == caller.project_id,
            tier.deleted_at.is_(None),
            or_(tier.validity != {}, campaign.validity != {}),
            *_is_running(tier, now),
            *_is_running(campaign, now),
        )
    )
    if campaign_id is not None:
        rows = rows.where(tier.campaign_id == campaign_id)
    closed = []
    for row in (await session.execute(rows)).mappings():
        validities = [
            compile_validity({name: row[f"{owner}_{name}"] for name in LIMITS}) for owner in ("tier", "campaign")
        ]
        if any(validity.closed_because(now, caller.project.zone) for validity in validities):
            closed.append(row["id"])
    return closed


def _is_running(limited: type[PromotionTier] | type[Campaign], now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Active, and between its dates."""
    return (
        limited.active.is_(True),
        or_(limited.start_date.is_(None), limited.start_date <= now),
        or_(limited.expiration_date.is_(None), limited.expiration_date > now),
    )
