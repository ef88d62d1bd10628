"""What can be done with orders."""

from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.commerce import sourced
from app.commerce.customers import profiles
from app.commerce.customers.repository import CustomerRepository
from app.commerce.orders.errors import SourceIdTaken
from app.commerce.orders.events import note_created, note_updated
from app.commerce.orders.overrides import keep_overrides
from app.commerce.orders.placement import Placement
from app.commerce.orders.queries import OrderQuery
from app.commerce.orders.rendering import order_body
from app.commerce.orders.repository import OrderRepository
from app.commerce.orders.resolution import resolve_items
from app.commerce.orders.schemas import OrderCreate, OrderUpdate
from app.commerce.sourced import Upserted
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import NotFound
from app.kit.filters import When
from app.kit.lists import fetch_page
from app.models import Order


async def upsert(db: Database, caller: Caller, body: OrderCreate) -> dict[str, Any]:
    """The order as answered, made or changed.

    Raises NotFound for an unknown `id` of the order or its customers, InvalidPayload, OrderInAnotherCurrency and
    MetadataValidationFailed.
    """
    now = clock.now()
    async with db.write() as session:
        orders = OrderRepository(session, caller.project_id)
        kept = await orders.find_mentioned(body.id, body.source_id) if caller.project.currency else None
        placement = await _placement(session, caller, body, now, kept)
        schema = caller.project.metadata_schemas.get("order")
        upserted = await sourced.upsert(orders, body.id, body.source_id, placement, now, schema)
        _note(session, caller, upserted)
    return order_body(upserted.row)


async def get(db: Database, caller: Caller, reference: str) -> dict[str, Any]:
    """Raises NotFound."""
    async with db.read() as session:
        return order_body(await OrderRepository(session, caller.project_id).get(reference))


async def search(db: Database, caller: Caller, query: OrderQuery) -> dict[str, Any]:
    """Raises InvalidQuery."""
    async with db.read() as session:
        rows = OrderRepository(session, caller.project_id).rows()
        page = await fetch_page(session, rows, query, When(clock.now(), caller.project.zone))
    return {"orders": [order_body(order) for order in page.rows], "total": page.total}


async def update(db: Database, caller: Caller, reference: str, body: OrderUpdate) -> dict[str, Any]:
    """Raises NotFound, also for an unknown `id` of its customers, SourceIdTaken, InvalidPayload,
    OrderInAnotherCurrency and MetadataValidationFailed."""
    now = clock.now()
    async with db.write() as session:
        orders = OrderRepository(session, caller.project_id)
        order = await orders.get(reference)
        placement = await _placement(session, caller, body, now, order)
        try:
            schema = caller.project.metadata_schemas.get("order")
            updated = await sourced.update(orders, order, placement, now, schema)
        except IntegrityError:  # the only constraint an update can meet is that of the source id
            raise SourceIdTaken(str(body.source_id)) from None
        _note(session, caller, updated)
    return order_body(updated.row)


async def _placement(
    session: AsyncSession, caller: Caller, body: OrderCreate | OrderUpdate, now: datetime, kept: Order | None
) -> Placement:
    """Keep the customers and the overrides of the request on the order `kept`, or on a new one, and resolve its lines.

    Customers before products before SKUs before the order: everybody who locks several locks in this order.
    """
    links = await _links(session, caller, body, now)
    home_currency = caller.project.currency
    currency = body.currency or (kept.currency if kept is not None else None) or home_currency
    items = None
    if "items" in body.model_fields_set:
        given = body.items or []
        for index, item in enumerate(given):
            caller.project.check_metadata("order_item", item.metadata, f"items[{index}].metadata")
        catalogue = await keep_overrides(session, caller, given, now, currency=currency)
        items = resolve_items(given, catalogue.for_orders_in(currency, home_currency), keep_discounts=True)
    return Placement(body, items, links, currency, home_currency)


async def _links(
    session: AsyncSession, caller: Caller, body: OrderCreate | OrderUpdate, now: datetime
) -> dict[str, str | None]:
    """The ids of the customer and the referrer, as far as the request says."""
    links: dict[str, str | None] = {}
    if body.customer is not None:
        links["customer_id"] = (await profiles.upsert(session, caller, body.customer, now)).id
    elif "customer" in body.model_fields_set:
        links["customer_id"] = None
    if body.referrer is not None:
        links["referrer_id"] = (await profiles.upsert(session, caller, body.referrer, now)).id
    elif body.referrer_id is not None:
        customers = CustomerRepository(session, caller.project_id)
        if await customers.find(body.referrer_id) is None:
            raise NotFound("customer", body.referrer_id)
        links["referrer_id"] = body.referrer_id
    elif body.model_fields_set & {"referrer", "referrer_id"}:
        links["referrer_id"] = None
    return links


def _note(session: AsyncSession, caller: Caller, upserted: Upserted[Order]) -> None:
    if upserted.change == "created":
        note_created(session, caller, upserted.row)
    elif upserted.change == "updated":
        note_updated(session, caller, upserted.row, upserted.before)
