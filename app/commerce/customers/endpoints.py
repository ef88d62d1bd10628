"""Routes of customers."""

from typing import Annotated

from fastapi import Depends, Path, Query

from app.access.authentication import requires
from app.access.callers import Caller
from app.commerce.customers import service
from app.commerce.customers.activity_schemas import ActivityList, ActivityQuery
from app.commerce.customers.queries import CustomerQuery
from app.commerce.customers.schemas import CustomerIn, CustomerList, CustomerRead, CustomerUpdate, PermanentDeletion
from app.kit.http import Db, Router

router = Router(prefix="/v1/customers", tags=["customers"])
Reader = Annotated[Caller, requires("customers:read")]
Writer = Annotated[Caller, requires("customers:write")]
CustomerReference = Annotated[str, Path(alias="customerId", description="The customer's id or your `source_id`.")]


@router.get("")
async def list_customers(
    db: Db, caller: Reader, query: Annotated[CustomerQuery, Depends(CustomerQuery.parse)]
) -> CustomerList:
    """List customers with what they redeemed and ordered so far, newest first."""
    return await service.search(db, caller, query)


@router.post("")
async def upsert_customer(db: Db, caller: Writer, body: CustomerIn) -> CustomerRead:
    """Create a customer, or update the one with this `id` or `source_id`."""
    return await service.upsert(db, caller, body)


@router.get("/{customerId}")
async def get_customer(db: Db, caller: Reader, reference: CustomerReference) -> CustomerRead:
    """Get a customer with what they redeemed and ordered so far."""
    return await service.get(db, caller, reference)


@router.put("/{customerId}")
async def update_customer(db: Db, caller: Writer, reference: CustomerReference, body: CustomerUpdate) -> CustomerRead:
    """Change the members that are sent; a null clears one."""
    return await service.update(db, caller, reference, body)


@router.delete("/{customerId}", status_code=204)
async def delete_customer(db: Db, caller: Writer, reference: CustomerReference) -> None:
    """Erase a customer. Redemptions and orders stay, without the person."""
    await service.erase(db, caller, reference)


@router.post("/{customerId}/permanent-deletion")
async def delete_customer_permanently(db: Db, caller: Writer, reference: CustomerReference) -> PermanentDeletion:
    """Erase a customer and get a proof of it."""
    return await service.erase(db, caller, reference)


@router.get("/{customerId}/activity")
async def list_customer_activity(
    db: Db, caller: Reader, reference: CustomerReference, query: Annotated[ActivityQuery, Query()]
) -> ActivityList:
    """List what the customer did and what came of it, newest first.

    Events come in within a second of their commit. Activities of guests who became this customer are among them.
    """
    return await service.activity(db, caller, reference, query)
