"""Routes of milestones."""

from typing import Annotated

from fastapi import Depends, Path

from app.access.authentication import requires
from app.access.callers import Caller
from app.incentives.milestones import service
from app.incentives.milestones.rendering import crossing_read
from app.incentives.milestones.schemas import (
    CrossingQuery,
    CrossingRead,
    MilestoneCreate,
    MilestoneQuery,
    MilestoneRead,
    MilestoneUpdate,
)
from app.kit.http import Db, Router
from app.kit.lists import ListBody

router = Router(prefix="/x/v1/milestones", tags=["milestones"])
Reader = Annotated[Caller, requires("rewards:read")]
Writer = Annotated[Caller, requires("rewards:write")]
MilestoneId = Annotated[str, Path(alias="milestoneId")]


@router.post("")
async def create_milestone(db: Db, caller: Writer, body: MilestoneCreate) -> MilestoneRead:
    """Have customers given a reward when they reach a threshold: of money spent, orders, points earned or referrals.

    Everything counts that the customer ever did; those who are beyond the threshold already reach it with the next
    thing that counts. With one reward it is given by itself. With several `milestone.choice.due` is announced, and the
    choice is made at `/x/v1/milestones/{milestoneId}/crossings/{crossingId}/choice`. What is reached is reached: once
    for each customer, or with `repeats` once for each multiple, even if orders come back later.
    """
    return MilestoneRead.of(await service.create(db, caller, body))


@router.get("")
async def list_milestones(
    db: Db, caller: Reader, query: Annotated[MilestoneQuery, Depends(MilestoneQuery.parse)]
) -> ListBody[MilestoneRead]:
    """List milestones, newest first."""
    page = await service.search(db, caller, query)
    return ListBody(data=[MilestoneRead.of(row) for row in page.rows], total=page.total)


@router.get("/{milestoneId}")
async def get_milestone(db: Db, caller: Reader, milestone_id: MilestoneId) -> MilestoneRead:
    """Get a milestone."""
    return MilestoneRead.of(await service.get(db, caller, milestone_id))


@router.put("/{milestoneId}")
async def update_milestone(db: Db, caller: Writer, milestone_id: MilestoneId, body: MilestoneUpdate) -> MilestoneRead:
    """Change name, rewards, metadata, or switch it on and off. What is left out stays."""
    return MilestoneRead.of(await service.update(db, caller, milestone_id, body))


@router.delete("/{milestoneId}", status_code=204)
async def delete_milestone(db: Db, caller: Writer, milestone_id: MilestoneId) -> None:
    """Delete a milestone. Customers keep what they have for it."""
    await service.delete(db, caller, milestone_id)


@router.get("/{milestoneId}/crossings")
async def list_milestone_crossings(
    db: Db,
    caller: Reader,
    milestone_id: MilestoneId,
    query: Annotated[CrossingQuery, Depends(CrossingQuery.parse)],
) -> ListBody[CrossingRead]:
    """List who reached a milestone, newest first, and what they have for it."""
    found = await service.crossings(db, caller, milestone_id, query)
    return ListBody(
        data=[crossing_read(row) for row in found.rows],
        has_more=found.has_more,
        more_starting_after=found.more_starting_after,
    )
