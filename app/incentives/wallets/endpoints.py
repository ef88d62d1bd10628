"""Routes of what customers hold."""

from typing import Annotated

from fastapi import Depends, Path, Response

from app.access.authentication import requires
from app.access.callers import Caller
from app.incentives.wallets import service
from app.incentives.wallets.queries import WalletQuery
from app.incentives.wallets.schemas import CustomerRedeemable
from app.kit.http import Db, Router, answered
from app.kit.lists import ListBody

router = Router(prefix="/v1/customers", tags=["customers"])
Reader = Annotated[Caller, requires("customers:read")]
CustomerReference = Annotated[str, Path(alias="customerId", description="The customer's id or your `source_id`.")]


@router.get("/{customerId}/redeemables", response_model=ListBody[CustomerRedeemable])
async def list_customer_redeemables(
    db: Db,
    caller: Reader,
    reference: CustomerReference,
    query: Annotated[WalletQuery, Depends(WalletQuery.parse)],
) -> Response:
    """List what was published to a customer, newest first, and whether each can still be used."""
    return answered(await service.search(db, caller, reference, query))
