"""Routes of the holders of referral codes."""

from typing import Annotated, Any

from fastapi import Depends, Path, Response

from app.access.authentication import requires
from app.access.callers import Caller
from app.incentives.referrals import holders
from app.incentives.referrals.holder_queries import HolderQuery
from app.incentives.referrals.holder_schemas import HolderRead, HoldersAdd, HoldersAdded
from app.kit.http import Db, Router, answered
from app.kit.lists import ListBody

router = Router(prefix="/v1/referrals", tags=["referrals"])
Reader = Annotated[Caller, requires("referrals:read")]
Writer = Annotated[Caller, requires("referrals:write")]
Query = Annotated[HolderQuery, Depends(HolderQuery.parse)]
CampaignId = Annotated[str, Path(alias="campaignId", description="Id or name of the program.")]
MemberId = Annotated[str, Path(alias="memberId", description="A referral code or its id.")]
HolderId = Annotated[str, Path(alias="holderId")]


@router.post("/members/{memberId}/holders", response_model=HoldersAdded)
async def add_referral_holders(db: Db, caller: Writer, member: MemberId, body: HoldersAdd) -> Response:
    """Name customers as referees of a referral code. They are rewarded once they do what the program asks for, and
    count for nobody until then: the first who invited them is their referrer, unless they use another code."""
    return _added(await holders.add(db, caller, member, body))


@router.get("/members/{memberId}/holders", response_model=ListBody[HolderRead])
async def list_referral_holders(db: Db, caller: Reader, member: MemberId, query: Query) -> Response:
    """List the referrer and the referees of a referral code."""
    return answered(await holders.search(db, caller, member, query))


@router.delete("/members/{memberId}/holders/{holderId}", status_code=204)
async def remove_referral_holder(db: Db, caller: Writer, member: MemberId, holder_id: HolderId) -> None:
    """Take a referee off a code, unless rewards were given for them. Others may refer them again."""
    await holders.remove(db, caller, member, holder_id)


@router.post("/{campaignId}/members/{memberId}/holders", response_model=HoldersAdded)
async def add_referral_holders_in_campaign(
    db: Db, caller: Writer, campaign: CampaignId, member: MemberId, body: HoldersAdd
) -> Response:
    """The same for a code of this program."""
    return _added(await holders.add(db, caller, member, body, campaign))


@router.get("/{campaignId}/members/{memberId}/holders", response_model=ListBody[HolderRead])
async def list_referral_holders_in_campaign(
    db: Db, caller: Reader, campaign: CampaignId, member: MemberId, query: Query
) -> Response:
    """The same for a code of this program."""
    return answered(await holders.search(db, caller, member, query, campaign))


@router.delete("/{campaignId}/members/{memberId}/holders/{holderId}", status_code=204)
async def remove_referral_holder_in_campaign(
    db: Db, caller: Writer, campaign: CampaignId, member: MemberId, holder_id: HolderId
) -> None:
    """The same for a code of this program."""
    await holders.remove(db, caller, member, holder_id, campaign)


def _added(added: list[dict[str, Any]]) -> Response:
    return answered({"holders": added})
