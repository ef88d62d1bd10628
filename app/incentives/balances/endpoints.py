"""Routes of balances and transactions."""

from typing import Annotated

from fastapi import Depends, Response

from app.access.authentication import requires
from app.access.callers import Caller
from app.incentives.balances import service
from app.incentives.balances.schemas import BalanceChange, BalanceRead, TransactionQuery, TransactionRead
from app.kit.http import Db, Router, answered
from app.kit.lists import ListBody

router = Router(prefix="/v1", tags=["balances"])
Writer = Annotated[Caller, requires("vouchers:write")]
VoucherReader = Annotated[Caller, requires("vouchers:read")]
CampaignReader = Annotated[Caller, requires("campaigns:read")]
Query = Annotated[TransactionQuery, Depends(TransactionQuery.parse)]


@router.post("/vouchers/{code}/balance", response_model=BalanceRead)
async def change_balance(db: Db, caller: Writer, code: str, body: BalanceChange) -> BalanceRead:
    """Put money onto a gift card, or take some away with a negative `amount`. The balance never falls below zero.

    A change with a `source_id` is made once for each card: sent again it is answered as the first time.
    """
    return await service.change(db, caller, code, body)


@router.get("/vouchers/{code}/transactions", response_model=ListBody[TransactionRead])
async def list_voucher_transactions(db: Db, caller: VoucherReader, code: str, query: Query) -> Response:
    """List what was added to a gift card, taken away, paid with it and given back; newest first."""
    return answered(await service.list_of_voucher(db, caller, code, query))


@router.get("/campaigns/{campaign}/transactions", response_model=ListBody[TransactionRead])
async def list_campaign_transactions(db: Db, caller: CampaignReader, campaign: str, query: Query) -> Response:
    """List the transactions of all gift cards of a campaign, newest first."""
    return answered(await service.list_of_campaign(db, caller, campaign, query))
