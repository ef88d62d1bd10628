"""What is in a collection: the catalogue looked through with its filter, or its members looked up."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.commerce.product_collections.repository import CollectionRepository
from app.commerce.product_collections.schemas import CollectedItem, SkuInCollection
from app.commerce.products.rendering import product_without_skus
from app.commerce.products.repository import ProductRepository, SkuRepository
from app.commerce.products.schemas import ProductWithoutSkus
from app.engine import cart
from app.engine.filters import Filter
from app.engine.product_collections import Entry
from app.models import Product, ProductCollection, Sku

ROUND = 1_000
"""Rows that are read at once while the catalogue is looked through."""

_PRODUCT = (
    Product.id,
    Product.source_id,
    Product.name,
    Product.price,
    Product.product_metadata.label("metadata"),
    Product.attributes,
    Product.image_url,
    Product.created_at,
    Product.updated_at,
)
_SKU = (
    Sku.id,
    Sku.source_id,
    Sku.sku,
    Sku.price,
    Sku.sku_metadata.label("metadata"),
    Sku.attributes,
    Sku.image_url,
    Sku.created_at,
    Sku.updated_at,
    Sku.currency,
)


class Found(NamedTuple):
    """A product or SKU in a collection, as far as its place in a list goes."""

    id: str
    created_at: datetime
    updated_at: datetime | None


async def contents_of(
    session: AsyncSession, collection: ProductCollection, accepts: Filter | None, moment: cart.Cart
) -> list[Found]:
    """Everything of the catalogue that is in the collection, in no order. A SKU is not named beside its product.

    With a filter the whole catalogue is read, a round at a time.
    """
    if accepts is None:
        return await _members(session, collection)
    products = await _accepted_products(session, collection.project_id, accepts, moment)
    known = {each.id for each in products}
    return [*products, *await _accepted_skus(session, collection.project_id, accepts, moment, known)]


async def load_items(session: AsyncSession, project_id: int, found: Sequence[Found]) -> list[CollectedItem]:
    """The products and SKUs as answered, in the order of `found`; two statements."""
    ids = [each.id for each in found]
    sku_rows = await session.scalars(SkuRepository(session, project_id).rows().where(Sku.id.in_(ids)))
    skus = {sku.id: sku for sku in sku_rows}
    product_ids = {*ids, *(sku.product_id for sku in skus.values())}
    product_rows = await session.scalars(
        ProductRepository(session, project_id).rows().where(Product.id.in_(product_ids))
    )
    products = {product.id: product_without_skus(product) for product in product_rows}
    return [
        products[each.id] if each.id in products else _sku_read(skus[each.id], products[skus[each.id].product_id])
        for each in found
    ]


def _sku_read(sku: Sku, product: ProductWithoutSkus) -> SkuInCollection:
    return SkuInCollection(
        id=sku.id,
        source_id=sku.source_id,
        product_id=sku.product_id,
        sku=sku.sku,
        price=sku.price,
        currency=sku.currency,
        attributes=sku.attributes or None,
        image_url=sku.image_url,
        metadata=sku.sku_metadata,
        created_at=sku.created_at,
        updated_at=sku.updated_at,
        product=product,
    )


async def _members(session: AsyncSession, collection: ProductCollection) -> list[Found]:
    members = (await CollectionRepository(session, collection.project_id).members_of([collection.id]))[collection.id]
    ids = [member.item_id for member in members]
    products = select(Product.id, Product.created_at, Product.updated_at).where(
        Product.project_id == collection.project_id, Product.id.in_(ids), Product.deleted_at.is_(None)
    )
    skus = select(Sku.id, Sku.created_at, Sku.updated_at).where(
        Sku.project_id == collection.project_id, Sku.id.in_(ids), Sku.deleted_at.is_(None)
    )
    return [Found(*row) for statement in (products, skus) for row in await session.execute(statement)]


async def _accepted_products(session: AsyncSession, project_id: int, accepts: Filter, moment: cart.Cart) -> list[Found]:
    statement = select(*_PRODUCT).where(Product.project_id == project_id, Product.deleted_at.is_(None))
    found = []
    async for row in await session.stream(statement.execution_options(yield_per=ROUND)):
        product = _product(row)
        entry = Entry(product, price=product.price, product_details=_details(row))
        if accepts.accepts(entry.value, moment):
            found.append(Found(row.id, row.created_at, row.updated_at))
    return found


async def _accepted_skus(
    session: AsyncSession, project_id: int, accepts: Filter, moment: cart.Cart, product_ids: Collection[str]
) -> list[Found]:
    """Those whose product is not accepted itself."""
    statement = (
        select(*_SKU, *(column.label(f"product_{column.key}") for column in _PRODUCT))
        .join(Product, (Product.project_id == Sku.project_id) & (Product.id == Sku.product_id))
        .where(Sku.project_id == project_id, Sku.deleted_at.is_(None), Product.deleted_at.is_(None))
    )
    found = []
    async for row in await session.stream(statement.execution_options(yield_per=ROUND)):
        if row.product_id in product_ids:
            continue
        product = _product(row, "product_")
        sku = cart.Sku(row.id, row.source_id, row.sku, row.price, row.metadata)
        price = product.price if sku.price is None else sku.price
        entry = Entry(product, sku, price, _details(row, "product_"), {**_details(row), "currency": row.currency})
        if accepts.accepts(entry.value, moment):
            found.append(Found(row.id, row.created_at, row.updated_at))
    return found


def _product(row: Any, start: str = "") -> cart.Product:
    return cart.Product(*(getattr(row, f"{start}{name}") for name in ("id", "source_id", "name", "price", "metadata")))


def _details(row: Any, start: str = "") -> Mapping[str, Any]:
    updated_at = getattr(row, f"{start}updated_at")
    return {
        "attributes": getattr(row, f"{start}attributes"),
        "image_url": getattr(row, f"{start}image_url"),
        "created_at": getattr(row, f"{start}created_at").isoformat(),
        "updated_at": updated_at.isoformat() if updated_at else None,
    }
