"""Routes of choosing what to have for a milestone."""

from typing import Annotated

from fastapi import Path

from app.access.authentication import requires
from app.access.callers import Caller
from app.decisions.milestones import service
from app.decisions.milestones.schemas import ChoiceIn
from app.incentives.milestones.rendering import crossing_read
from app.incentives.milestones.schemas import CrossingRead
from app.kit.http import Db, Router

router = Router(prefix="/x/v1/milestones", tags=["milestones"])
Redeemer = Annotated[Caller, requires("redemptions:write")]
MilestoneId = Annotated[str, Path(alias="milestoneId")]
CrossingId = Annotated[str, Path(alias="crossingId")]


@router.post("/{milestoneId}/crossings/{crossingId}/choice")
async def choose_milestone_reward(
    db: Db, caller: Redeemer, milestone_id: MilestoneId, crossing_id: CrossingId, body: ChoiceIn
) -> CrossingRead:
    """Give a customer who reached the milestone the reward of their choice, once. Also tries again what failed."""
    return crossing_read(await service.choose(db, caller, milestone_id, crossing_id, body.reward))
