"""Routes of referrals and of what is owed for them; all of it ours."""

from typing import Annotated

from fastapi import Depends, Path, Query
from fastapi.responses import StreamingResponse

from app.access.authentication import requires
from app.access.callers import Caller
from app.incentives.referrals import claims, figures, payables
from app.incentives.referrals.claims import ReferralQuery
from app.incentives.referrals.figures import Leaderboard, ReferralTotals
from app.incentives.referrals.payables import PayableList, PayableQuery, PayableRead, PayoutIn
from app.incentives.referrals.referral_schemas import ClaimIn, ReferralRead
from app.kit.http import Db, Router
from app.kit.lists import MAX_LIMIT, ListBody

router = Router(prefix="/x/v1/referrals", tags=["referrals"])
Reader = Annotated[Caller, requires("referrals:read")]
Writer = Annotated[Caller, requires("referrals:write")]
Tracker = Annotated[Caller, requires("events:write")]
PayoutReader = Annotated[Caller, requires("payouts:read")]
Payer = Annotated[Caller, requires("payouts:write")]
ReferralId = Annotated[str, Path(alias="referralId")]
CampaignName = Annotated[str | None, Query(max_length=500, description="Id or name of a program; all when left out.")]


@router.post("/claims")
async def claim_referral(db: Db, caller: Tracker, body: ClaimIn) -> ReferralRead:
    """Note that a customer came by a referral code, before they buy anything: such as when they sign up.

    In one program a person is referred once. Who claims the same again gets the same referral; somebody who was
    referred by another code, has the same mail address as somebody who was, or is the referrer, is refused.
    """
    return await claims.claim(db, caller, body)


@router.get("")
async def list_referrals(
    db: Db, caller: Reader, query: Annotated[ReferralQuery, Depends(ReferralQuery.parse)]
) -> ListBody[ReferralRead]:
    """List referrals, newest first."""
    return await claims.search(db, caller, query)


@router.get("/totals")
async def get_referral_totals(db: Db, caller: Reader, campaign: CampaignName = None) -> ReferralTotals:
    """How many referrals are in which state."""
    return await figures.totals(db, caller, campaign)


@router.get("/leaderboard")
async def get_referral_leaderboard(
    db: Db,
    caller: Reader,
    campaign: Annotated[str, Query(min_length=1, max_length=500, description="Id or name of the program.")],
    month: Annotated[str | None, Query(description="Only this month, such as 2026-11.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 10,
) -> Leaderboard:
    """The referrers with the most referees who qualified."""
    return await figures.leaderboard(db, caller, campaign, month, limit)


@router.get("/payables")
async def list_referral_payables(
    db: Db, caller: PayoutReader, query: Annotated[PayableQuery, Depends(PayableQuery.parse)]
) -> PayableList:
    """List the customers to whom cash is owed for referrals, a line for each currency. Every movement is in
    `/x/v1/ledger/accounts/{customer id}/statement`."""
    return await payables.search(db, caller, query)


@router.get("/payables/export", response_class=StreamingResponse, responses={200: {"content": {"text/csv": {}}}})
async def export_referral_payables(db: Db, caller: PayoutReader) -> StreamingResponse:
    """All that is owed, as CSV."""
    return StreamingResponse(payables.export(db, caller), media_type="text/csv; charset=utf-8")


@router.post("/payouts")
async def create_referral_payout(db: Db, caller: Payer, body: PayoutIn) -> PayableRead:
    """Note that you have paid a customer: it is owed no more. With a `source_id` a payment is noted once."""
    return await payables.pay_out(db, caller, body)


@router.get("/{referralId}")
async def get_referral(db: Db, caller: Reader, referral_id: ReferralId) -> ReferralRead:
    """Get a referral: its state, why it was rejected, what was given."""
    return await claims.get(db, caller, referral_id)


@router.post("/{referralId}/reject")
async def reject_referral(db: Db, caller: Writer, referral_id: ReferralId) -> ReferralRead:
    """Reject a referral before it is rewarded, such as when it looks like fraud."""
    return await claims.withdraw(db, caller, referral_id)
