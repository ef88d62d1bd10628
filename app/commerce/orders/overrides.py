"""`override`: what an order says about its products and SKUs goes into the catalogue, in bulk."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, Integer, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.commerce.orders.repository import load_catalogue
from app.commerce.orders.resolution import Catalogue, catalogue_names
from app.commerce.orders.schemas import OrderItemIn
from app.kit.errors import InvalidPayload
from app.kit.ids import new_id


def _upsert(statement: str) -> TextClause:
    return text(statement).bindparams(
        bindparam("project_id", type_=Integer),
        bindparam("given", type_=JSONB),
        bindparam("now", type_=DateTime(timezone=True)),
    )


# Rows in the order of their source ids, so that two orders that name the same things wait for each other at most.
# What lies in the bin stays as it is.
_PRODUCTS = _upsert("""
INSERT INTO products AS kept (project_id, id, source_id, name, price, attributes, metadata, created_at)
SELECT :project_id, id, source_id, name, price, '[]', metadata, :now
FROM jsonb_to_recordset(:given) AS given (id text, source_id text, name text, price bigint, metadata jsonb)
ORDER BY source_id
ON CONFLICT (project_id, source_id) DO UPDATE SET
    name = coalesce(excluded.name, kept.name),
    price = coalesce(excluded.price, kept.price),
    metadata = kept.metadata || excluded.metadata,
    updated_at = :now
WHERE kept.deleted_at IS NULL AND (kept.name, kept.price, kept.metadata) IS DISTINCT FROM
    (coalesce(excluded.name, kept.name), coalesce(excluded.price, kept.price), kept.metadata || excluded.metadata)
RETURNING id, updated_at IS NULL AS is_new
""")
_SKUS = _upsert("""
INSERT INTO skus AS kept (project_id, id, product_id, source_id, sku, price, currency, attributes, metadata, created_at)
SELECT :project_id, id, product_id, source_id, sku, price, currency, '{}', metadata, :now
FROM jsonb_to_recordset(:given)
    AS given (id text, product_id text, source_id text, sku text, price bigint, currency text, metadata jsonb)
ORDER BY source_id
ON CONFLICT (project_id, source_id) DO UPDATE SET
    sku = coalesce(excluded.sku, kept.sku),
    price = coalesce(excluded.price, kept.price),
    currency = coalesce(excluded.currency, kept.currency),
    metadata = kept.metadata || excluded.metadata,
    updated_at = :now
WHERE kept.deleted_at IS NULL AND (kept.sku, kept.price, kept.currency, kept.metadata) IS DISTINCT FROM
    (coalesce(excluded.sku, kept.sku), coalesce(excluded.price, kept.price), coalesce(excluded.currency, kept.currency),
    kept.metadata || excluded.metadata)
RETURNING id, updated_at IS NULL AS is_new
""")


def overrides(item: OrderItemIn) -> bool:
    """Whether the line wants to be kept in the catalogue."""
    return any(said is not None and said.override for said in (item.product, item.sku))


async def keep_overrides(
    session: AsyncSession,
    caller: Caller,
    items: Sequence[OrderItemIn],
    now: datetime,
    *,
    path: str = "items",
    currency: str | None = None,
) -> Catalogue:
    """The catalogue the lines need, after what they say with `override` was written into it.

    A SKU keeps its price with the `currency` of the order; prices of products are in the project's currency, and those
    of an order in another one are not kept.

    Raises InvalidPayload for an override without a source id, or of a new SKU without a product.
    """
    names = catalogue_names(items)
    catalogue = await load_catalogue(session, caller.project_id, names)
    home_currency = caller.project.currency
    is_foreign = home_currency is not None and currency != home_currency
    products = _products(items, catalogue, path, with_prices=not is_foreign)
    if products:
        await _write(session, caller, _PRODUCTS, "product", products, now)
        catalogue = await load_catalogue(session, caller.project_id, names)
    skus = _skus(items, catalogue, path, None if home_currency is None else currency)
    if skus:
        await _write(session, caller, _SKUS, "sku", skus, now)
    return await load_catalogue(session, caller.project_id, names) if skus else catalogue


def _products(
    items: Sequence[OrderItemIn], catalogue: Catalogue, path: str, *, with_prices: bool
) -> list[dict[str, Any]]:
    """One row per source id; the last line that mentions it wins."""
    rows = {}
    for index, item in enumerate(items):
        said = item.product
        if said is None or not said.override:
            continue
        known = catalogue.products.get(said.id) or catalogue.products.get(item.product_id)
        source_id = (known and known.source_id) or said.source_id
        if source_id is None and item.related_object != "sku":
            source_id = item.source_id
        if source_id is None:
            raise InvalidPayload(f"{path}[{index}].product.source_id", "A product to keep needs a source_id.")
        rows[source_id] = {
            "id": new_id("prod"),
            "source_id": source_id,
            "name": said.name,
            "price": said.price if with_prices else None,
            "metadata": _without_nulls(said.metadata),
        }
    return list(rows.values())


def _skus(items: Sequence[OrderItemIn], catalogue: Catalogue, path: str, currency: str | None) -> list[dict[str, Any]]:
    """One row per source id; the last line that mentions it wins."""
    rows = {}
    for index, item in enumerate(items):
        said = item.sku
        if said is None or not said.override:
            continue
        known = catalogue.skus.get(said.id) or catalogue.skus.get(item.sku_id)
        source_id = (known and known.sku.source_id) or said.source_id
        if source_id is None and item.related_object == "sku":
            source_id = item.source_id
        if source_id is None:
            raise InvalidPayload(f"{path}[{index}].sku.source_id", "A SKU to keep needs a source_id.")
        known = known or catalogue.skus.get(source_id)
        product_id = known.product_id if known else _product_id(item, catalogue)
        if product_id is None:
            raise InvalidPayload(f"{path}[{index}].product_id", "A new SKU needs a product of the catalogue.")
        rows[source_id] = {
            "id": new_id("sku"),
            "product_id": product_id,
            "source_id": source_id,
            "sku": said.sku,
            "price": said.price,
            "currency": None if said.price is None else currency,
            "metadata": _without_nulls(said.metadata),
        }
    return list(rows.values())


def _product_id(item: OrderItemIn, catalogue: Catalogue) -> str | None:
    names = [item.product_id, item.source_id if item.related_object != "sku" else None]
    if item.product is not None:
        names += [item.product.id, item.product.source_id]
    return next((found.id for name in names if (found := catalogue.products.get(name))), None)


def _without_nulls(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (metadata or {}).items() if value is not None}


async def _write(
    session: AsyncSession,
    caller: Caller,
    statement: TextClause,
    resource_type: str,
    rows: list[dict[str, Any]],
    now: datetime,
) -> None:
    written = await session.execute(statement, {"project_id": caller.project_id, "given": rows, "now": now})
    for row in written:
        action = f"{resource_type}.{'created' if row.is_new else 'updated'}"
        record(session, caller, action, resource_type, row.id, {"override": True})
