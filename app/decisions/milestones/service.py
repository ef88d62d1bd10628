"""Choosing what to have for a milestone."""

from sqlalchemy import select

from app.access.audit import record
from app.access.callers import Caller
from app.access.configuration import hold_configuration
from app.decisions.milestones.reaching import give
from app.decisions.reward_redemptions.errors import RewardNotOffered
from app.incentives.milestones.errors import CrossingNotFound, CrossingSettled
from app.incentives.milestones.service import get_milestone
from app.kit.db import Database
from app.models import MilestoneCrossing


async def choose(
    db: Database, caller: Caller, milestone_id: str, crossing_id: str, reward_id: str
) -> MilestoneCrossing:
    """Give the customer the reward that was chosen. Of two choices at once the second is refused.

    Raises MilestoneNotFound, CrossingNotFound, CrossingSettled, RewardNotOffered, CampaignNotFound, Unpublishable,
    OutOfStock, NotFound (product, SKU).
    """
    async with db.write() as session:
        await hold_configuration(session, caller.project_id)
        milestone = await get_milestone(session, caller.project_id, milestone_id)
        crossing = await session.scalar(
            select(MilestoneCrossing)
            .where(
                MilestoneCrossing.project_id == caller.project_id,
                MilestoneCrossing.milestone_id == milestone.id,
                MilestoneCrossing.id == crossing_id,
            )
            .with_for_update()
        )
        if crossing is None:
            raise CrossingNotFound(crossing_id)
        if crossing.status == "GIVEN":
            raise CrossingSettled(crossing_id)
        if reward_id not in milestone.reward_ids:
            raise RewardNotOffered(reward_id)
        await give(session, caller, milestone, crossing, reward_id)
        record(session, caller, "milestone.chosen", "milestone_crossing", crossing.id, {"reward_id": reward_id})
    return crossing
