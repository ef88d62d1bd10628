"""Routes of orders."""

from typing import Annotated, Any

from fastapi import Depends, Path

from app.access.authentication import requires
from app.access.callers import Caller
from app.commerce.orders import service
from app.commerce.orders.queries import OrderQuery
from app.commerce.orders.schemas import OrderCreate, OrderList, OrderRead, OrderUpdate
from app.kit.http import Db, Router

router = Router(prefix="/v1/orders", tags=["orders"])
Reader = Annotated[Caller, requires("orders:read")]
Writer = Annotated[Caller, requires("orders:write")]
OrderReference = Annotated[str, Path(alias="orderId", description="The order's id or your `source_id`.")]


@router.get("", response_model=OrderList)
async def list_orders(
    db: Db, caller: Reader, query: Annotated[OrderQuery, Depends(OrderQuery.parse)]
) -> dict[str, Any]:
    """List orders, newest first."""
    return await service.search(db, caller, query)


@router.post("", response_model=OrderRead)
async def upsert_order(db: Db, caller: Writer, body: OrderCreate) -> dict[str, Any]:
    """Create an order, or update the one with this `id` or `source_id`. The customer is kept with it."""
    return await service.upsert(db, caller, body)


@router.get("/{orderId}", response_model=OrderRead)
async def get_order(db: Db, caller: Reader, reference: OrderReference) -> dict[str, Any]:
    """Get an order with its lines and what was redeemed on it."""
    return await service.get(db, caller, reference)


@router.put("/{orderId}", response_model=OrderRead)
async def update_order(db: Db, caller: Writer, reference: OrderReference, body: OrderUpdate) -> dict[str, Any]:
    """Change the members that are sent. Any status may follow any other."""
    return await service.update(db, caller, reference, body)
