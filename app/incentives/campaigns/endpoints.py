"""Routes of campaigns."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from app.access.authentication import requires
from app.access.callers import Caller
from app.incentives.async_actions.schemas import AsyncActionStarted
from app.incentives.campaigns import additions, service
from app.incentives.campaigns.listing import CampaignQuery
from app.incentives.campaigns.schemas import CampaignCreate, CampaignList, CampaignRead, CampaignUpdate, VouchersAdd
from app.incentives.vouchers.schemas import VoucherRead
from app.kit.http import Db, Router, answered

router = Router(prefix="/v1/campaigns", tags=["campaigns"])
Reader = Annotated[Caller, requires("campaigns:read")]
Writer = Annotated[Caller, requires("campaigns:write")]


async def codes_limit_of(request: Request) -> int:
    """How many codes a campaign may have on this server."""
    limit: int = request.app.state.settings.codes_per_campaign
    return limit


CodesLimit = Annotated[int, Depends(codes_limit_of)]
Force = Annotated[
    bool, Query(description="Delete for good, so that names and codes are free again. What was redeemed stays stored.")
]


@router.post("", response_model=CampaignRead)
async def create_campaign(db: Db, caller: Writer, codes_limit: CodesLimit, body: CampaignCreate) -> Response:
    """Create a campaign. More than one code is generated in the background: `vouchers_generation_status` says when it
    is done, `GET /v1/async-actions` how far it is. Shapes whose codes are easy to guess are answered with `warnings`.
    """
    return answered(await service.create(db, caller, body, codes_limit=codes_limit))


@router.get("", response_model=CampaignList)
async def list_campaigns(
    db: Db, caller: Reader, query: Annotated[CampaignQuery, Depends(CampaignQuery.parse)]
) -> Response:
    """List campaigns, newest first."""
    campaigns, total = await service.search(db, caller, query)
    return answered({"object": "list", "data_ref": "campaigns", "campaigns": campaigns, "total": total})


@router.get("/{campaign}", response_model=CampaignRead)
async def get_campaign(db: Db, caller: Reader, campaign: str) -> Response:
    """Get a campaign by its id or name."""
    return answered(await service.get(db, caller, campaign))


@router.put("/{campaign}", response_model=CampaignRead)
async def update_campaign(db: Db, caller: Writer, campaign: str, body: CampaignUpdate) -> Response:
    """Change a campaign. What is left out stays, null clears, metadata is merged key by key. Vouchers that were
    published or redeemed keep the discount they had."""
    return answered(await service.update(db, caller, campaign, body))


@router.delete("/{campaign}", status_code=202)
async def delete_campaign(db: Db, caller: Writer, campaign: str, force: Force = False) -> AsyncActionStarted:
    """Delete a campaign at once and its vouchers in the background. Its name and codes stay taken, unless forced."""
    action = await service.delete(db, caller, campaign, force=force)
    return AsyncActionStarted(async_action_id=action.id)


@router.post("/{campaign}/enable", response_model=CampaignRead)
async def enable_campaign(db: Db, caller: Writer, campaign: str) -> Response:
    """Let the campaign's codes be redeemed."""
    return answered(await service.switch(db, caller, campaign, active=True))


@router.post("/{campaign}/disable", response_model=CampaignRead)
async def disable_campaign(db: Db, caller: Writer, campaign: str) -> Response:
    """Let none of the campaign's codes be redeemed, from this moment on."""
    return answered(await service.switch(db, caller, campaign, active=False))


@router.post("/{campaign}/vouchers", response_model=VoucherRead, responses={202: {"model": AsyncActionStarted}})
async def add_vouchers(
    db: Db,
    caller: Writer,
    codes_limit: CodesLimit,
    campaign: str,
    body: VouchersAdd,
    vouchers_count: Annotated[int, Query(ge=1, description="More than one are generated in the background.")] = 1,
) -> Response:
    """Add vouchers with generated codes: one is answered at once, more are left to an async action (202)."""
    added = await additions.add(db, caller, campaign, body, vouchers_count, codes_limit=codes_limit)
    if isinstance(added, AsyncActionStarted):
        return answered(added.model_dump(mode="json"), 202)
    return answered(added)


@router.post("/{campaign}/vouchers/{code}", response_model=VoucherRead)
async def add_voucher(
    db: Db, caller: Writer, codes_limit: CodesLimit, campaign: str, code: str, body: VouchersAdd
) -> Response:
    """Add a voucher with a code of your choice."""
    return answered(await additions.add(db, caller, campaign, body, 1, code, codes_limit=codes_limit))
