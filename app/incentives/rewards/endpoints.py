"""Routes of rewards and of what loyalty programs offer."""

from typing import Annotated

from fastapi import Body, Depends, Path, Response

from app.access.authentication import requires
from app.access.callers import Caller
from app.incentives.rewards import assignments, member_rewards, service
from app.incentives.rewards.schemas import (
    MOST_ASSIGNED_AT_ONCE,
    AssignmentOfReward,
    AssignmentPatch,
    AssignmentToCampaign,
    LoyaltyRewardList,
    MemberRewardQuery,
    RewardAssignmentList,
    RewardAssignmentQuery,
    RewardAssignmentRead,
    RewardCreate,
    RewardList,
    RewardQuery,
    RewardRead,
    RewardUpdate,
)
from app.kit.http import Db, Router, answered

router = Router(prefix="/v1", tags=["rewards"])
Reader = Annotated[Caller, requires("rewards:read")]
Writer = Annotated[Caller, requires("rewards:write")]
RewardId = Annotated[str, Path(alias="rewardId")]
AssignmentId = Annotated[str, Path(alias="assignmentId")]
CampaignId = Annotated[str, Path(alias="campaignId", description="Id or name of a loyalty program.")]
AssignmentPage = Annotated[RewardAssignmentQuery, Depends(RewardAssignmentQuery.parse)]
Offers = Annotated[list[AssignmentOfReward], Body(min_length=1, max_length=MOST_ASSIGNED_AT_ONCE)]

REWARD = "/rewards/{rewardId}"
ASSIGNMENT = "/rewards/{rewardId}/assignments/{assignmentId}"
OFFER = "/loyalties/{campaignId}/rewards/{assignmentId}"


@router.get("/rewards", response_model=RewardList)
async def list_rewards(db: Db, caller: Reader, query: Annotated[RewardQuery, Depends(RewardQuery.parse)]) -> Response:
    """List rewards, newest first."""
    return answered(await service.search(db, caller, query))


@router.post("/rewards", response_model=RewardRead)
async def create_reward(db: Db, caller: Writer, body: RewardCreate) -> Response:
    """Create a reward: a code of a campaign, a thing, or money off an order.

    A campaign's reward gives a coupon, or `balance` credits on a gift card, or `balance` points on a loyalty card. A
    thing can have a `stock`; when it is used up, nobody gets one more. With a coin members pay orders with points:
    `points_ratio` points are worth `exchange_ratio`, in whole units of the project's currency. Members can have a
    reward once a loyalty program offers it.
    """
    return answered(await service.create(db, caller, body))


@router.get(REWARD, response_model=RewardRead)
async def get_reward(db: Db, caller: Reader, reward_id: RewardId) -> Response:
    """Get a reward."""
    return answered(await service.get(db, caller, reward_id))


@router.put(REWARD, response_model=RewardRead)
async def update_reward(db: Db, caller: Writer, reward_id: RewardId, body: RewardUpdate) -> Response:
    """Change a reward. What is left out stays; a `stock` of null has no end, and one below what members have is
    refused."""
    return answered(await service.update(db, caller, reward_id, body))


@router.delete(REWARD, status_code=204)
async def delete_reward(db: Db, caller: Writer, reward_id: RewardId) -> None:
    """Delete a reward that no loyalty program offers any more."""
    await service.delete(db, caller, reward_id)


@router.get("/rewards/{rewardId}/assignments", response_model=RewardAssignmentList)
async def list_reward_assignments(db: Db, caller: Reader, reward_id: RewardId, query: AssignmentPage) -> Response:
    """List where a reward is offered, newest first."""
    return answered(await assignments.search_reward(db, caller, reward_id, query))


@router.post("/rewards/{rewardId}/assignments", response_model=RewardAssignmentRead)
async def create_reward_assignment(db: Db, caller: Writer, reward_id: RewardId, body: AssignmentToCampaign) -> Response:
    """Offer a reward in a loyalty program, for so many points; with `auto_redeem` members have it without asking.

    Paying with points has no price; it can depend on validation rules.
    """
    return answered(await assignments.create(db, caller, reward_id, body))


@router.get(ASSIGNMENT, response_model=RewardAssignmentRead)
async def get_reward_assignment(db: Db, caller: Reader, reward_id: RewardId, assignment_id: AssignmentId) -> Response:
    """Get the terms on which a program offers a reward."""
    return answered(await assignments.get_of_reward(db, caller, reward_id, assignment_id))


@router.put(ASSIGNMENT, response_model=RewardAssignmentRead)
async def update_reward_assignment(
    db: Db, caller: Writer, reward_id: RewardId, assignment_id: AssignmentId, body: AssignmentPatch
) -> Response:
    """Change the terms on which a program offers a reward, from the next redemption on."""
    return answered(await assignments.update_of_reward(db, caller, reward_id, assignment_id, body))


@router.delete(ASSIGNMENT, status_code=204)
async def delete_reward_assignment(db: Db, caller: Writer, reward_id: RewardId, assignment_id: AssignmentId) -> None:
    """Let a program not offer the reward any more. What members have stays theirs."""
    await assignments.delete_of_reward(db, caller, reward_id, assignment_id)


@router.get("/loyalties/{campaignId}/reward-assignments", response_model=RewardAssignmentList)
async def list_reward_assignments_of_program(
    db: Db, caller: Reader, campaign_id: CampaignId, query: AssignmentPage
) -> Response:
    """List what a loyalty program offers, newest first."""
    return answered(await assignments.search_campaign(db, caller, campaign_id, query))


@router.get("/loyalties/{campaignId}/reward-assignments/{assignmentId}", response_model=RewardAssignmentRead)
async def get_reward_assignment_of_program(
    db: Db, caller: Reader, campaign_id: CampaignId, assignment_id: AssignmentId
) -> Response:
    """Get one offer of a loyalty program."""
    return answered(await assignments.get_of_campaign(db, caller, campaign_id, assignment_id))


@router.get("/loyalties/{campaignId}/reward-assignments/{assignmentId}/reward", response_model=RewardRead)
async def get_reward_of_assignment(
    db: Db, caller: Reader, campaign_id: CampaignId, assignment_id: AssignmentId
) -> Response:
    """Get the reward that a loyalty program offers."""
    return answered(await assignments.get_offered_reward(db, caller, campaign_id, assignment_id))


@router.get("/loyalties/{campaignId}/rewards", response_model=RewardAssignmentList)
async def list_program_rewards(db: Db, caller: Reader, campaign_id: CampaignId, query: AssignmentPage) -> Response:
    """List what a loyalty program offers, newest first."""
    return answered(await assignments.search_campaign(db, caller, campaign_id, query))


@router.post("/loyalties/{campaignId}/rewards", response_model=RewardAssignmentRead)
async def create_program_rewards(db: Db, caller: Writer, campaign_id: CampaignId, body: Offers) -> Response:
    """Offer rewards in a loyalty program, all of them or none. Answers the first; the others are in the list."""
    return answered((await assignments.create_many(db, caller, campaign_id, body))[0])


@router.get(OFFER, response_model=RewardAssignmentRead)
async def get_program_reward(db: Db, caller: Reader, campaign_id: CampaignId, assignment_id: AssignmentId) -> Response:
    """Get one offer of a loyalty program."""
    return answered(await assignments.get_of_campaign(db, caller, campaign_id, assignment_id))


@router.put(OFFER, response_model=RewardAssignmentRead)
async def update_program_reward(
    db: Db, caller: Writer, campaign_id: CampaignId, assignment_id: AssignmentId, body: AssignmentPatch
) -> Response:
    """Change the terms on which a loyalty program offers a reward, from the next redemption on."""
    return answered(await assignments.update_of_campaign(db, caller, campaign_id, assignment_id, body))


@router.delete(OFFER, status_code=204)
async def delete_program_reward(db: Db, caller: Writer, campaign_id: CampaignId, assignment_id: AssignmentId) -> None:
    """Let a loyalty program not offer the reward any more. What members have stays theirs."""
    await assignments.delete_of_campaign(db, caller, campaign_id, assignment_id)


@router.get("/loyalties/members/{memberId}/rewards", response_model=LoyaltyRewardList)
async def list_member_rewards(
    db: Db,
    caller: Reader,
    member: Annotated[str, Path(alias="memberId", description="Code or id of the member's card.")],
    query: Annotated[MemberRewardQuery, Depends(MemberRewardQuery.parse)],
) -> Response:
    """List the rewards that a member can choose from, newest offers first, at the prices of the member's tier."""
    return answered(await member_rewards.search(db, caller, member, query))
