"""Routes of promotion tiers and stacks."""

from typing import Annotated

from fastapi import Depends, Path, Response

from app.access.authentication import requires
from app.access.callers import Caller
from app.incentives.promotions import service, stacks
from app.incentives.promotions.listing import CampaignTierQuery, StackQuery, TierQuery
from app.incentives.promotions.schemas import (
    PromotionStackRead,
    PromotionTierRead,
    StackCreate,
    StackUpdate,
    TierCreate,
    TierList,
    TierUpdate,
)
from app.kit.http import Db, Router, answered
from app.kit.lists import ListBody

router = Router(prefix="/v1/promotions", tags=["promotions"])
Reader = Annotated[Caller, requires("promotions:read")]
Writer = Annotated[Caller, requires("promotions:write")]
TierId = Annotated[str, Path(alias="promotionTierId")]
CampaignId = Annotated[str, Path(alias="campaignId", description="Id or name of a promotion campaign.")]
StackId = Annotated[str, Path(alias="stackId")]


@router.get("/tiers", response_model=TierList)
async def list_promotion_tiers(
    db: Db, caller: Reader, query: Annotated[TierQuery, Depends(TierQuery.parse)]
) -> Response:
    """List the tiers of all promotion campaigns, newest first."""
    return answered(await service.search(db, caller, query))


@router.get("/tiers/{promotionTierId}", response_model=PromotionTierRead)
async def get_promotion_tier(db: Db, caller: Reader, tier_id: TierId) -> Response:
    """Get a promotion tier."""
    return answered(await service.get(db, caller, tier_id))


@router.put("/tiers/{promotionTierId}", response_model=PromotionTierRead)
async def update_promotion_tier(db: Db, caller: Writer, tier_id: TierId, body: TierUpdate) -> Response:
    """Change a promotion tier. What is left out stays, null clears, metadata is merged key by key."""
    return answered(await service.update(db, caller, tier_id, body))


@router.delete("/tiers/{promotionTierId}", status_code=204)
async def delete_promotion_tier(db: Db, caller: Writer, tier_id: TierId) -> None:
    """Delete a promotion tier. It leaves the stacks that have it; a stack that had nothing else is deleted, too."""
    await service.delete(db, caller, tier_id)


@router.post("/tiers/{promotionTierId}/enable", response_model=PromotionTierRead)
async def enable_promotion_tier(db: Db, caller: Writer, tier_id: TierId) -> Response:
    """Let the tier be redeemed."""
    return answered(await service.switch(db, caller, tier_id, active=True))


@router.post("/tiers/{promotionTierId}/disable", response_model=PromotionTierRead)
async def disable_promotion_tier(db: Db, caller: Writer, tier_id: TierId) -> Response:
    """Let the tier not be redeemed, from this moment on."""
    return answered(await service.switch(db, caller, tier_id, active=False))


@router.get("/stacks")
async def list_promotion_stacks(
    db: Db, caller: Reader, query: Annotated[StackQuery, Depends(StackQuery.parse)]
) -> ListBody[PromotionStackRead]:
    """List the stacks of all promotion campaigns, newest first."""
    listed, total = await stacks.search(db, caller, query)
    return ListBody(data=[PromotionStackRead.model_validate(stack) for stack in listed], total=total)


@router.get("/{campaignId}/tiers", response_model=TierList)
async def list_promotion_tiers_of_campaign(
    db: Db,
    caller: Reader,
    campaign_id: CampaignId,
    query: Annotated[CampaignTierQuery, Depends(CampaignTierQuery.parse)],
) -> Response:
    """List the tiers of a campaign, first in hierarchy first."""
    return answered(await service.search_campaign(db, caller, campaign_id, query))


@router.post("/{campaignId}/tiers", response_model=PromotionTierRead)
async def add_promotion_tier(db: Db, caller: Writer, campaign_id: CampaignId, body: TierCreate) -> Response:
    """Add a tier to a promotion campaign; without a `hierarchy` it comes after the last."""
    return answered(await service.create(db, caller, campaign_id, body))


@router.get("/{campaignId}/stacks")
async def list_promotion_stacks_of_campaign(
    db: Db, caller: Reader, campaign_id: CampaignId, query: Annotated[StackQuery, Depends(StackQuery.parse)]
) -> ListBody[PromotionStackRead]:
    """List the stacks of a campaign, newest first."""
    listed, total = await stacks.search(db, caller, query, campaign_id)
    return ListBody(data=[PromotionStackRead.model_validate(stack) for stack in listed], total=total)


@router.post("/{campaignId}/stacks", response_model=PromotionStackRead)
async def create_promotion_stack(db: Db, caller: Writer, campaign_id: CampaignId, body: StackCreate) -> Response:
    """Put up to 30 tiers of a campaign together; they are redeemed under the stack's id, in the order given."""
    return answered(await stacks.create(db, caller, campaign_id, body))


@router.get("/{campaignId}/stacks/{stackId}", response_model=PromotionStackRead)
async def get_promotion_stack(db: Db, caller: Reader, campaign_id: CampaignId, stack_id: StackId) -> Response:
    """Get a promotion stack."""
    return answered(await stacks.get(db, caller, campaign_id, stack_id))


@router.put("/{campaignId}/stacks/{stackId}", response_model=PromotionStackRead)
async def update_promotion_stack(
    db: Db, caller: Writer, campaign_id: CampaignId, stack_id: StackId, body: StackUpdate
) -> Response:
    """Change a promotion stack. What is left out stays; `tiers` replaces all of them."""
    return answered(await stacks.update(db, caller, campaign_id, stack_id, body))


@router.delete("/{campaignId}/stacks/{stackId}", status_code=204)
async def delete_promotion_stack(db: Db, caller: Writer, campaign_id: CampaignId, stack_id: StackId) -> None:
    """Delete a promotion stack; its tiers stay."""
    await stacks.delete(db, caller, campaign_id, stack_id)
