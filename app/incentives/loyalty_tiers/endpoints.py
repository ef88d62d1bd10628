"""Routes of loyalty tiers."""

from typing import Annotated

from fastapi import Body, Depends, Path, Response

from app.access.authentication import requires
from app.access.callers import Caller
from app.incentives.earning_rules.schemas import EarningRuleList
from app.incentives.loyalty_tiers import offers, service
from app.incentives.loyalty_tiers.schemas import (
    LoyaltyTierCreate,
    LoyaltyTierQuery,
    LoyaltyTierRead,
    LoyaltyTierUpdate,
    TierEarningRuleQuery,
    TierRewardQuery,
    TierRewardRead,
)
from app.kit.http import Db, Router, answered
from app.kit.lists import ListBody

router = Router(prefix="/v1/loyalties", tags=["loyalty tiers"])
extension = Router(prefix="/x/v1/loyalties", tags=["loyalty tiers"])
Reader = Annotated[Caller, requires("loyalties:read")]
Writer = Annotated[Caller, requires("loyalties:write")]
CampaignId = Annotated[str, Path(alias="campaignId", description="Id or name of a loyalty program.")]
TierId = Annotated[str, Path(alias="loyaltyTierId")]
MemberId = Annotated[str, Path(alias="memberId", description="Code or id of a loyalty card.")]


@router.get("/{campaignId}/tiers", response_model=ListBody[LoyaltyTierRead])
async def list_loyalty_tiers(
    db: Db, caller: Reader, campaign_id: CampaignId, query: Annotated[LoyaltyTierQuery, Depends(LoyaltyTierQuery.parse)]
) -> Response:
    """List the tiers of a program, lowest first."""
    return answered(await service.search(db, caller, campaign_id, query))


@router.post("/{campaignId}/tiers", response_model=list[LoyaltyTierRead])
async def create_loyalty_tiers(
    db: Db,
    caller: Writer,
    campaign_id: CampaignId,
    body: Annotated[list[LoyaltyTierCreate], Body(min_length=1, max_length=service.MOST_TIERS)],
) -> Response:
    """Add tiers to a program, up to 100 in all. Their ranges of points may touch, but not overlap.

    Members are put into the new tiers in the background. Who is in a tier with an expiration date stays there until
    then, unless a higher one is reached.
    """
    return answered(await service.create(db, caller, campaign_id, body))


@router.get("/{campaignId}/tiers/{loyaltyTierId}", response_model=LoyaltyTierRead)
async def get_loyalty_tier(db: Db, caller: Reader, campaign_id: CampaignId, tier_id: TierId) -> Response:
    """Get a tier of a program."""
    return answered(await service.get(db, caller, campaign_id, tier_id))


@router.get("/{campaignId}/tiers/{loyaltyTierId}/earning-rules", response_model=EarningRuleList)
async def list_loyalty_tier_earning_rules(
    db: Db,
    caller: Reader,
    campaign_id: CampaignId,
    tier_id: TierId,
    query: Annotated[TierEarningRuleQuery, Depends(TierEarningRuleQuery.parse)],
) -> Response:
    """List what members of the tier earn points by, newest first.

    Rules are shown as they are for everybody; `earning_rules` of the tier say what it makes of their points.
    """
    return answered(await offers.earning_rules(db, caller, campaign_id, tier_id, query))


@router.get("/{campaignId}/tiers/{loyaltyTierId}/rewards", response_model=ListBody[TierRewardRead])
async def list_loyalty_tier_rewards(
    db: Db,
    caller: Reader,
    campaign_id: CampaignId,
    tier_id: TierId,
    query: Annotated[TierRewardQuery, Depends(TierRewardQuery.parse)],
) -> Response:
    """List what members of the tier can have for points, newest first; `points` of an assignment is what they pay."""
    return answered(await offers.rewards(db, caller, campaign_id, tier_id, query))


@router.get("/members/{memberId}/tiers", response_model=ListBody[LoyaltyTierRead])
async def list_member_loyalty_tiers(db: Db, caller: Reader, member_id: MemberId) -> Response:
    """List the tier that a member is in and, if there is one, the higher tier that begins for them later.

    `expiration` says from when and until when. Tiers follow the points of a card within a few seconds.
    """
    return answered(await service.of_member(db, caller, member_id))


@extension.put("/{campaignId}/tiers/{loyaltyTierId}", response_model=LoyaltyTierRead)
async def update_loyalty_tier(
    db: Db, caller: Writer, campaign_id: CampaignId, tier_id: TierId, body: LoyaltyTierUpdate
) -> Response:
    """Change a tier. What is left out stays; `points`, `earning_rules` and `rewards` replace what was there.

    Metadata is merged key by key. With new `points` it is worked out anew in the background who is in which tier.
    """
    return answered(await service.update(db, caller, campaign_id, tier_id, body))


@extension.delete("/{campaignId}/tiers/{loyaltyTierId}", status_code=204)
async def delete_loyalty_tier(db: Db, caller: Writer, campaign_id: CampaignId, tier_id: TierId) -> None:
    """Delete a tier. Its members get into the tier that their points are for, or into none, in the background."""
    await service.delete(db, caller, campaign_id, tier_id)
