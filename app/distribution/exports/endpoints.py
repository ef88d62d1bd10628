"""Routes of exports."""

from typing import Annotated

from fastapi import Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.access.authentication import requires
from app.access.callers import Caller
from app.distribution.exports import service
from app.distribution.exports.schemas import ExportCreate, ExportList, ExportOf, ExportQuery, ExportRead
from app.kit.http import Db, Router

router = Router(prefix="/v1", tags=["exports"])
Reader = Annotated[Caller, requires("exports:read")]
Writer = Annotated[Caller, requires("exports:write")]
ExportId = Annotated[str, Path(alias="exportId")]
CampaignId = Annotated[str, Path(alias="campaignId", description="The program's id or name.")]
MemberId = Annotated[str, Path(alias="memberId", description="The card's code or id.")]


@router.post("/exports")
async def create_export(db: Db, caller: Writer, body: ExportCreate) -> ExportRead:
    """Have rows of the project written to a CSV file.

    A worker writes it; ask for the export until its status is DONE, then load the file from `result.url`, with a key
    that may read exports. Files are kept for 24 hours. Those with customers in them are deleted at once when a customer
    is erased. A file has up to a million lines; narrow it down by `filters`.
    """
    return await service.create(db, caller, body.exported_object, body.parameters)


@router.get("/exports")
async def list_exports(db: Db, caller: Reader, request: Request, query: Annotated[ExportQuery, Query()]) -> ExportList:
    """List exports, newest first."""
    return await service.search(db, caller, query, str(request.base_url))


@router.get("/exports/{exportId}", response_model=ExportRead)
async def get_export(
    db: Db,
    caller: Reader,
    request: Request,
    export_id: ExportId,
    token: Annotated[str | None, Query(max_length=200, description="From `result.url`: get the file itself.")] = None,
) -> ExportRead | Response:
    """Get an export; with the `token` of its `result.url`, the CSV file."""
    if token is None:
        return await service.get(db, caller, export_id, str(request.base_url))
    pieces = await service.download(db, caller, export_id, token)
    headers = {"Content-Disposition": f'attachment; filename="{export_id}.csv"'}
    return StreamingResponse(pieces, media_type="text/plain", headers=headers)


@router.delete("/exports/{exportId}", status_code=204)
async def delete_export(db: Db, caller: Writer, export_id: ExportId) -> None:
    """Delete an export and its file."""
    await service.delete(db, caller, export_id)


@router.post("/orders/export")
async def export_orders(db: Db, caller: Writer, body: ExportOf) -> ExportRead:
    """Export orders."""
    return await service.create(db, caller, "order", body.parameters)


@router.post("/vouchers/{code}/transactions/export")
async def export_voucher_transactions(
    db: Db, caller: Writer, code: Annotated[str, Path(description="The voucher's code or id.")], body: ExportOf
) -> ExportRead:
    """Export the transactions of a gift card or loyalty card."""
    return await service.create_of_card(db, caller, body.parameters, code)


@router.post("/campaigns/{campaignId}/transactions/export")
async def export_campaign_transactions(db: Db, caller: Writer, campaign_id: CampaignId, body: ExportOf) -> ExportRead:
    """Export the transactions of all gift cards or loyalty cards of a campaign."""
    return await service.create_of_campaign(db, caller, "voucher_transactions", body.parameters, campaign_id)


@router.post("/loyalties/{campaignId}/transactions/export")
async def export_program_transactions(db: Db, caller: Writer, campaign_id: CampaignId, body: ExportOf) -> ExportRead:
    """Export the transactions of all members of a loyalty program."""
    return await service.create_of_campaign(
        db, caller, "voucher_transactions", body.parameters, campaign_id, of_type="LOYALTY_PROGRAM"
    )


@router.post("/loyalties/{campaignId}/points-expiration/export")
async def export_points_expiration(db: Db, caller: Writer, campaign_id: CampaignId, body: ExportOf) -> ExportRead:
    """Export when points of a loyalty program expire."""
    return await service.create_of_campaign(
        db, caller, "points_expiration", body.parameters, campaign_id, of_type="LOYALTY_PROGRAM"
    )


@router.post("/loyalties/members/{memberId}/transactions/export")
async def export_member_transactions(db: Db, caller: Writer, member_id: MemberId, body: ExportOf) -> ExportRead:
    """Export the transactions of a member."""
    return await service.create_of_card(db, caller, body.parameters, member_id, of_type="LOYALTY_CARD")


@router.post("/loyalties/{campaignId}/members/{memberId}/transactions/export")
async def export_member_transactions_of_program(
    db: Db, caller: Writer, campaign_id: CampaignId, member_id: MemberId, body: ExportOf
) -> ExportRead:
    """Export the transactions of a member of this program."""
    return await service.create_of_card(
        db, caller, body.parameters, member_id, of_type="LOYALTY_CARD", campaign=campaign_id
    )
