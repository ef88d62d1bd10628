"""Routes of redeeming rewards. A member is named by the code or the id of the card."""

from typing import Annotated

from fastapi import Path, Request, Response

from app.access.authentication import requires
from app.access.callers import Caller
from app.decisions.answers import RedemptionRead
from app.decisions.attempts import decide
from app.decisions.endpoints import configuration_of
from app.decisions.reward_redemptions import service
from app.decisions.reward_redemptions.schemas import RewardRedemptionIn
from app.kit import clock
from app.kit.http import Router, answered, database_of

router = Router(prefix="/v1/loyalties", tags=["rewards"])
Redeemer = Annotated[Caller, requires("redemptions:write")]
Program = Annotated[str, Path(alias="campaignId", description="Id or name of the program.")]
Member = Annotated[str, Path(alias="memberId", description="Code or id of the member's card.")]


@router.post("/members/{memberId}/redemption", response_model=RedemptionRead)
async def redeem_reward(request: Request, caller: Redeemer, member: Member, body: RewardRedemptionIn) -> Response:
    """Redeem points of a member for a reward of the loyalty program.

    All of it happens or nothing: the points are taken, those first that expire soonest, and the member has a code of
    the reward's campaign, credits or points, or a unit of the stock. With a reward to pay with points the `order` is
    paid, with as many points as it takes or as `reward.points` says. Send an `Idempotency-Key` to retry safely. To take
    it back, roll the redemption back.
    """
    return await _redeem(request, caller, member, body, None)


@router.post("/{campaignId}/members/{memberId}/redemption", response_model=RedemptionRead)
async def redeem_reward_of_program(
    request: Request, caller: Redeemer, program: Program, member: Member, body: RewardRedemptionIn
) -> Response:
    """The same, for a member of this program."""
    return await _redeem(request, caller, member, body, program)


async def _redeem(
    request: Request, caller: Caller, member: str, body: RewardRedemptionIn, program: str | None
) -> Response:
    db, now, cache = await database_of(request), clock.now(), configuration_of(request)

    async def attempt(caller: Caller) -> dict[str, object]:
        return await service.redeem(db, cache, caller, member, body, program=program, now=now)

    return answered(await decide(request, caller, "redemptions:write", attempt))
