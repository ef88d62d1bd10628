"""Use cases of milestones, one transaction each."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.access.configuration import hold_configuration
from app.incentives.campaigns.service import get_campaign
from app.incentives.milestones.errors import MilestoneNotFound
from app.incentives.milestones.schemas import (
    CrossingQuery,
    Metric,
    MilestoneCreate,
    MilestoneQuery,
    MilestoneUpdate,
)
from app.incentives.rewards.errors import RewardNotFound
from app.incentives.rewards.repository import RewardRepository
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import InvalidPayload
from app.kit.filters import When
from app.kit.ids import new_id
from app.kit.lists import Page, Slice, fetch_page, fetch_slice
from app.kit.metadata import merged_metadata
from app.models import Milestone, MilestoneCrossing

PROGRAMS: dict[Metric, str] = {"points": "LOYALTY_PROGRAM", "referrals": "REFERRAL_PROGRAM"}
"""The type of campaign that a metric can be narrowed to."""


async def create(db: Database, caller: Caller, body: MilestoneCreate) -> Milestone:
    """Raises InvalidPayload, CampaignNotFound, RewardNotFound."""
    async with db.write() as session:
        await hold_configuration(session, caller.project_id)
        await _require_rewards(session, caller, body.rewards)
        milestone = Milestone(
            project_id=caller.project_id,
            id=new_id("mile"),
            name=body.name,
            metric=body.metric,
            threshold=body.threshold,
            repeats=body.repeats,
            campaign_id=await _campaign_id(session, caller, body),
            reward_ids=list(dict.fromkeys(body.rewards)),
            active=body.active,
            milestone_metadata=merged_metadata({}, body.metadata),
            created_at=clock.now(),
            updated_at=None,
            deleted_at=None,
        )
        session.add(milestone)
        changes = body.model_dump(mode="json", exclude_unset=True)
        record(session, caller, "milestone.created", "milestone", milestone.id, changes)
    return milestone


async def search(db: Database, caller: Caller, query: MilestoneQuery) -> Page[Milestone]:
    """Raises InvalidQuery."""
    rows = select(Milestone).where(Milestone.project_id == caller.project_id, Milestone.deleted_at.is_(None))
    async with db.read() as session:
        return await fetch_page(session, rows, query, When(clock.now(), caller.project.zone))


async def get(db: Database, caller: Caller, milestone_id: str) -> Milestone:
    """Raises MilestoneNotFound."""
    async with db.read() as session:
        return await get_milestone(session, caller.project_id, milestone_id)


async def update(db: Database, caller: Caller, milestone_id: str, body: MilestoneUpdate) -> Milestone:
    """Change the members that were sent. Raises MilestoneNotFound, RewardNotFound, InvalidPayload."""
    given = body.changes()
    async with db.write() as session:
        await hold_configuration(session, caller.project_id)
        milestone = await get_milestone(session, caller.project_id, milestone_id, lock=True)
        if body.rewards is not None:
            await _require_rewards(session, caller, body.rewards)
            milestone.reward_ids = list(dict.fromkeys(body.rewards))
        if body.name is not None:
            milestone.name = body.name
        if body.active is not None:
            milestone.active = body.active
        if "metadata" in given:
            kept = {} if body.metadata is None else milestone.milestone_metadata
            milestone.milestone_metadata = merged_metadata(kept, body.metadata or {})
        milestone.updated_at = clock.now()
        changes = body.model_dump(mode="json", exclude_unset=True)
        record(session, caller, "milestone.updated", "milestone", milestone.id, changes)
    return milestone


async def delete(db: Database, caller: Caller, milestone_id: str) -> None:
    """Nobody reaches it any more; who did so keeps what was given. Raises MilestoneNotFound."""
    async with db.write() as session:
        milestone = await get_milestone(session, caller.project_id, milestone_id, lock=True)
        milestone.deleted_at = clock.now()
        record(session, caller, "milestone.deleted", "milestone", milestone.id)


async def crossings(db: Database, caller: Caller, milestone_id: str, query: CrossingQuery) -> Slice[MilestoneCrossing]:
    """Who reached the milestone. Raises MilestoneNotFound, InvalidQuery."""
    async with db.read() as session:
        milestone = await get_milestone(session, caller.project_id, milestone_id)
        rows = select(MilestoneCrossing).where(
            MilestoneCrossing.project_id == caller.project_id, MilestoneCrossing.milestone_id == milestone.id
        )
        if query.customer_id is not None:
            rows = rows.where(MilestoneCrossing.customer_id == query.customer_id)
        if query.status is not None:
            rows = rows.where(MilestoneCrossing.status == query.status)
        return await fetch_slice(session, rows, query, When(clock.now(), caller.project.zone))


async def get_milestone(session: AsyncSession, project_id: int, milestone_id: str, *, lock: bool = False) -> Milestone:
    """Raises MilestoneNotFound."""
    rows = select(Milestone).where(
        Milestone.project_id == project_id, Milestone.id == milestone_id, Milestone.deleted_at.is_(None)
    )
    milestone: Milestone | None = await session.scalar(rows.with_for_update() if lock else rows)
    if milestone is None:
        raise MilestoneNotFound(milestone_id)
    return milestone


async def _require_rewards(session: AsyncSession, caller: Caller, reward_ids: Sequence[str]) -> None:
    """Only while `hold_configuration` keeps rewards from being deleted. Raises RewardNotFound, InvalidPayload."""
    known = await RewardRepository(session, caller.project_id).by_id(reward_ids)
    for index, reward_id in enumerate(reward_ids):
        if reward_id not in known:
            raise RewardNotFound(reward_id)
        if known[reward_id].type == "COIN":
            raise InvalidPayload(f"rewards[{index}]", "Paying with points is nothing to give; name another reward.")


async def _campaign_id(session: AsyncSession, caller: Caller, body: MilestoneCreate) -> str | None:
    """Raises InvalidPayload, CampaignNotFound."""
    needed = PROGRAMS.get(body.metric)
    if body.campaign is None:
        if body.metric == "points":
            raise InvalidPayload("campaign", "Say in which loyalty program points are counted.")
        return None
    if needed is None:
        raise InvalidPayload("campaign", "Orders are counted whatever campaigns there are; leave it out.")
    campaign = await get_campaign(session, caller, body.campaign)
    if campaign.campaign_type != needed:
        raise InvalidPayload("campaign", f"{campaign.name} is no campaign of the type {needed}.")
    return campaign.id
