"""Routes of loyalty programs, their members and points. A member is named by the code or the id of the card."""

from typing import Annotated

from fastapi import Body, Depends, Path, Query, Response

from app.access.authentication import requires
from app.access.callers import Caller
from app.incentives.async_actions.schemas import AsyncActionStarted
from app.incentives.balances import service as transactions
from app.incentives.balances.schemas import TransactionQuery, TransactionRead
from app.incentives.campaigns import service as campaigns
from app.incentives.campaigns.endpoints import CodesLimit, Force
from app.incentives.campaigns.errors import InvalidCampaign
from app.incentives.campaigns.listing import CampaignQuery
from app.incentives.campaigns.schemas import CampaignCreate, CampaignList, CampaignRead, CampaignUpdate
from app.incentives.loyalties import activity, balance, members, pending_service
from app.incentives.loyalties.activity import MemberActivityQuery, MemberActivityRead
from app.incentives.loyalties.members import PROGRAM
from app.incentives.loyalties.schemas import (
    MOST_TRANSFERS,
    BucketQuery,
    MemberCreate,
    MemberQuery,
    PendingBalanceRead,
    PendingPointsChange,
    PendingPointsQuery,
    PendingPointsRead,
    PointsBalanceRead,
    PointsBucketRead,
    PointsChange,
    TransferIn,
    TransferRead,
)
from app.incentives.vouchers.schemas import VoucherList, VoucherRead
from app.kit.http import Db, Router, answered
from app.kit.lists import ListBody

router = Router(prefix="/v1/loyalties", tags=["loyalties"])
Reader = Annotated[Caller, requires("loyalties:read")]
Writer = Annotated[Caller, requires("loyalties:write")]
Publisher = Annotated[Caller, requires("publications:write")]
Program = Annotated[str, Path(alias="campaignId", description="Id or name of the program.")]
Member = Annotated[str, Path(alias="memberId", description="Code or id of the member's card.")]
PendingId = Annotated[str, Path(alias="pendingPointsId")]
Transactions = Annotated[TransactionQuery, Depends(TransactionQuery.parse)]
Pending = Annotated[PendingPointsQuery, Depends(PendingPointsQuery.parse)]

MEMBER, OF_PROGRAM = "/members/{memberId}", "/{campaignId}/members/{memberId}"


@router.get("", response_model=CampaignList)
async def list_loyalty_programs(
    db: Db, caller: Reader, query: Annotated[CampaignQuery, Depends(CampaignQuery.parse)]
) -> Response:
    """List loyalty programs, newest first."""
    found, total = await campaigns.search(db, caller, query.model_copy(update={"campaign_type": PROGRAM}))
    return answered({"object": "list", "data_ref": "campaigns", "campaigns": found, "total": total})


@router.post("", response_model=CampaignRead)
async def create_loyalty_program(db: Db, caller: Writer, codes_limit: CodesLimit, body: CampaignCreate) -> Response:
    """Create a loyalty program: a campaign whose vouchers are the cards of its members.

    `voucher.loyalty_card` says how many points a card begins with and when points expire. A customer has one card of a
    program. With `auto_join` whoever earns points becomes a member by it.
    """
    if body.campaign_type not in (None, PROGRAM):
        raise InvalidCampaign(f"A loyalty program is of the type {PROGRAM}.")
    body = body.model_copy(update={"campaign_type": PROGRAM})
    return answered(await campaigns.create(db, caller, body, codes_limit=codes_limit))


@router.get(MEMBER, response_model=VoucherRead)
async def get_loyalty_member(db: Db, caller: Reader, member: Member) -> Response:
    """Get a member's card."""
    return answered(await members.get(db, caller, member))


@router.get(OF_PROGRAM, response_model=VoucherRead)
async def get_member_of_program(db: Db, caller: Reader, program: Program, member: Member) -> Response:
    """Get a member's card, if it is one of this program."""
    return answered(await members.get(db, caller, member, program))


@router.post(f"{MEMBER}/balance", response_model=PointsBalanceRead)
async def change_points(db: Db, caller: Writer, member: Member, body: PointsChange) -> Response:
    """Add points to a card, or take some away with negative `points`; those go first that expire soonest. A card never
    has less than none. A change with a `source_id` is made once for each card."""
    return answered(await balance.change(db, caller, member, body))


@router.post(f"{OF_PROGRAM}/balance", response_model=PointsBalanceRead)
async def change_points_of_program(
    db: Db, caller: Writer, program: Program, member: Member, body: PointsChange
) -> Response:
    """The same for a card of this program."""
    return answered(await balance.change(db, caller, member, body, program))


@router.get(f"{MEMBER}/transactions", response_model=ListBody[TransactionRead])
async def list_member_transactions(db: Db, caller: Reader, member: Member, query: Transactions) -> Response:
    """List what happened to a card's points, newest first."""
    return answered(await transactions.list_of_voucher(db, caller, member, query, of_type="LOYALTY_CARD"))


@router.get(f"{OF_PROGRAM}/transactions", response_model=ListBody[TransactionRead])
async def list_member_transactions_of_program(
    db: Db, caller: Reader, program: Program, member: Member, query: Transactions
) -> Response:
    """The same for a card of this program."""
    listed = await transactions.list_of_voucher(db, caller, member, query, of_type="LOYALTY_CARD", campaign=program)
    return answered(listed)


@router.get(f"{MEMBER}/pending-points", response_model=ListBody[PendingPointsRead])
async def list_pending_points(db: Db, caller: Reader, member: Member, query: Pending) -> Response:
    """List points that are earned but not on the card yet, newest first."""
    return answered(await pending_service.of_member(db, caller, member, query))


@router.get(f"{OF_PROGRAM}/pending-points", response_model=ListBody[PendingPointsRead])
async def list_pending_points_of_member(
    db: Db, caller: Reader, program: Program, member: Member, query: Pending
) -> Response:
    """The same for a card of this program."""
    return answered(await pending_service.of_member(db, caller, member, query, program))


@router.post(f"{MEMBER}/pending-points/{{pendingPointsId}}/activate", response_model=PointsBalanceRead)
async def activate_pending_points(db: Db, caller: Writer, member: Member, pending_id: PendingId) -> Response:
    """Put pending points on the card before their day. They begin to expire now."""
    return answered(await pending_service.activate(db, caller, member, pending_id))


@router.post(f"{MEMBER}/pending-points/{{pendingPointsId}}/balance", response_model=PendingBalanceRead)
async def adjust_pending_points(
    db: Db, caller: Writer, member: Member, pending_id: PendingId, body: PendingPointsChange
) -> Response:
    """Let more points be pending, or fewer with negative `points`; at least one is left."""
    return answered(await pending_service.adjust(db, caller, member, pending_id, body))


@router.post(f"{MEMBER}/pending-points/{{pendingPointsId}}/cancel", status_code=204)
async def cancel_pending_points(db: Db, caller: Writer, member: Member, pending_id: PendingId) -> None:
    """Give pending points up: they never come to the card."""
    await pending_service.cancel(db, caller, member, pending_id)


@router.get(f"{MEMBER}/activity", response_model=ListBody[MemberActivityRead])
async def list_member_activity(
    db: Db, caller: Reader, member: Member, query: Annotated[MemberActivityQuery, Query()]
) -> Response:
    """List what happened to a member in the program, newest first. It is shown within seconds."""
    return answered(await activity.activity(db, caller, member, query))


@router.get(f"{OF_PROGRAM}/activity", response_model=ListBody[MemberActivityRead])
async def list_member_activity_of_program(
    db: Db, caller: Reader, program: Program, member: Member, query: Annotated[MemberActivityQuery, Query()]
) -> Response:
    """The same for a card of this program."""
    return answered(await activity.activity(db, caller, member, query, program))


@router.get(f"{OF_PROGRAM}/points-expiration", response_model=ListBody[PointsBucketRead])
async def list_points_expiration(
    db: Db,
    caller: Reader,
    program: Program,
    member: Member,
    query: Annotated[BucketQuery, Depends(BucketQuery.parse)],
) -> Response:
    """List a card's points by their last day, the soonest first and those that never expire last."""
    return answered(await members.list_buckets(db, caller, member, query, program))


@router.post(f"{OF_PROGRAM}/transfers", response_model=TransferRead)
async def transfer_points(
    db: Db,
    caller: Writer,
    program: Program,
    member: Member,
    body: Annotated[list[TransferIn], Body(min_length=1, max_length=MOST_TRANSFERS)],
) -> Response:
    """Move points from other cards, of this program or another, to this one: all of them or none.

    Points that expire soonest are moved first. They expire as this card's program says, counted from now. Each
    `source_id` names one transfer of the card that gives, which is made only once.
    """
    return answered(await balance.transfer(db, caller, program, member, body))


@router.get("/{campaignId}/members", response_model=VoucherList)
async def list_loyalty_members(
    db: Db, caller: Reader, program: Program, query: Annotated[MemberQuery, Depends(MemberQuery.parse)]
) -> Response:
    """List the cards of a program that somebody holds, newest first."""
    found, total = await members.search(db, caller, program, query)
    return answered({"object": "list", "data_ref": "vouchers", "vouchers": found, "total": total})


@router.post("/{campaignId}/members", response_model=VoucherRead)
async def add_loyalty_member(db: Db, caller: Publisher, program: Program, body: MemberCreate) -> Response:
    """Make a customer a member: publish a card of the program to them. A customer has one card of a program."""
    return answered(await members.add(db, caller, program, body))


@router.get("/{campaignId}/transactions", response_model=ListBody[TransactionRead])
async def list_program_transactions(db: Db, caller: Reader, program: Program, query: Transactions) -> Response:
    """List what happened to the points of all cards of a program, newest first."""
    return answered(await transactions.list_of_campaign(db, caller, program, query, of_type=PROGRAM))


@router.get("/{campaignId}/pending-points", response_model=ListBody[PendingPointsRead])
async def list_program_pending_points(db: Db, caller: Reader, program: Program, query: Pending) -> Response:
    """List the pending points of all cards of a program, newest first."""
    return answered(await pending_service.of_program(db, caller, program, query))


@router.get("/{campaignId}", response_model=CampaignRead)
async def get_loyalty_program(db: Db, caller: Reader, program: Program) -> Response:
    """Get a loyalty program by its id or name."""
    return answered(await campaigns.get(db, caller, program, of_type=PROGRAM))


@router.put("/{campaignId}", response_model=CampaignRead)
async def update_loyalty_program(db: Db, caller: Writer, program: Program, body: CampaignUpdate) -> Response:
    """Change a program. What is left out stays, null clears, metadata is merged key by key. New expiration rules
    are for points earned from now on."""
    return answered(await campaigns.update(db, caller, program, body, of_type=PROGRAM))


@router.delete("/{campaignId}")
async def delete_loyalty_program(db: Db, caller: Writer, program: Program, force: Force = False) -> AsyncActionStarted:
    """Delete a program at once and its cards in the background. Its name and codes stay taken, unless forced."""
    action = await campaigns.delete(db, caller, program, force=force, of_type=PROGRAM)
    return AsyncActionStarted(async_action_id=action.id)
