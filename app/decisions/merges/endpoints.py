"""The route that makes a guest and an account one customer."""

from typing import Annotated

from fastapi import Path

from app.access.authentication import requires
from app.access.callers import Caller
from app.decisions.merges import service
from app.decisions.merges.schemas import MergeIn, MergeRead
from app.kit import clock
from app.kit.http import Db, Router

router = Router(prefix="/x/v1/customers", tags=["customers"])
Writer = Annotated[Caller, requires("customers:write")]
CustomerReference = Annotated[str, Path(alias="customerId", description="The customer's id or your `source_id`.")]


@router.post("/{customerId}/merge")
async def merge_guest(db: Db, caller: Writer, reference: CustomerReference, body: MergeIn) -> MergeRead:
    """Make a guest and this customer one: when somebody who bought as a guest signs in or opens an account.

    What the guest redeemed counts for the customer from now on, so no limit begins anew; what both were counted for,
    such as one mail address, is not counted twice. Orders, codes, publications and places in segments become the
    customer's, and so does what the guest said of themselves and the customer did not. Whoever still names the guest
    means the customer. Merging again changes nothing.
    """
    return await service.merge(db, caller, reference, body.guest, clock.now())
