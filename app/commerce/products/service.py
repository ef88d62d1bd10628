"""What can be done with the catalogue."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.commerce import sourced
from app.commerce.products.errors import SkuOfAnotherProduct
from app.commerce.products.queries import ProductQuery, SkuQuery
from app.commerce.products.rendering import product_read
from app.commerce.products.repository import ProductRepository, SkuRepository
from app.commerce.products.schemas import (
    ProductIn,
    ProductList,
    ProductRead,
    ProductUpdate,
    SkuIn,
    SkuUpdate,
)
from app.commerce.sourced import Given, Upserted
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import NotFound
from app.kit.filters import When
from app.kit.lists import Page, fetch_page
from app.models import Product, Sku

_PRODUCT_EMPTY: Mapping[str, Callable[[], Any]] = {"attributes": list}
_SKU_EMPTY: Mapping[str, Callable[[], Any]] = {"attributes": dict}


async def upsert_product(db: Database, caller: Caller, body: ProductIn) -> ProductRead:
    """Raises NotFound for an unknown `id`, DuplicateFound when a product in the bin keeps the source id."""
    now = clock.now()
    async with db.write() as session:
        products = ProductRepository(session, caller.project_id)
        schema = caller.project.metadata_schemas.get("product")
        upserted = await sourced.upsert(products, body.id, body.source_id, lambda _: product_given(body), now, schema)
        _record(session, caller, "product", upserted, body)
        return await _with_skus(session, caller, upserted.row)


async def get_product(db: Database, caller: Caller, reference: str) -> ProductRead:
    """Raises NotFound."""
    async with db.read() as session:
        product = await ProductRepository(session, caller.project_id).get(reference)
        return await _with_skus(session, caller, product)


async def search_products(db: Database, caller: Caller, query: ProductQuery) -> ProductList:
    """Raises InvalidQuery."""
    async with db.read() as session:
        rows = ProductRepository(session, caller.project_id).rows()
        page = await fetch_page(session, rows, query, When(clock.now(), caller.project.zone))
        skus = await SkuRepository(session, caller.project_id).of_products([product.id for product in page.rows])
    return ProductList(products=[product_read(product, *skus[product.id]) for product in page.rows], total=page.total)


async def update_product(db: Database, caller: Caller, reference: str, body: ProductUpdate) -> ProductRead:
    """Raises NotFound."""
    async with db.write() as session:
        products = ProductRepository(session, caller.project_id)
        product = await products.get(reference)
        schema = caller.project.metadata_schemas.get("product")
        updated = await sourced.update(products, product, lambda _: product_given(body), clock.now(), schema)
        _record(session, caller, "product", updated, body)
        return await _with_skus(session, caller, updated.row)


async def delete_product(db: Database, caller: Caller, reference: str, *, force: bool) -> None:
    """Put the product and its SKUs into the bin, where they keep their source ids; with `force` erase them, even from
    the bin.

    Raises NotFound.
    """
    now = clock.now()
    async with db.write() as session:
        product = await ProductRepository(session, caller.project_id).get_locked(reference, even_binned=force)
        skus = SkuRepository(session, caller.project_id)
        if force:
            await session.delete(product)
            await session.flush()
            await skus.erase_of_product(product.id)
        else:
            product.deleted_at = now
            await session.flush()
            await skus.bin_of_product(product.id, now)
        record(session, caller, "product.deleted", "product", product.id, {"force": force})


async def upsert_sku(db: Database, caller: Caller, product_reference: str, body: SkuIn) -> Sku:
    """A SKU of the product, made or changed.

    Raises NotFound for an unknown product or `id`, SkuOfAnotherProduct, DuplicateFound when a SKU in the bin keeps the
    source id.
    """
    now = clock.now()
    async with db.write() as session:
        # Locked, so that the product is not deleted while it gets a new SKU.
        product = await ProductRepository(session, caller.project_id).get_locked(product_reference)
        skus = SkuRepository(session, caller.project_id)
        upserted = await sourced.upsert(skus, body.id, body.source_id, lambda row: _new_sku(body, row, product), now)
        if upserted.row.product_id != product.id:
            raise SkuOfAnotherProduct(upserted.row.id, upserted.row.product_id)
        _record(session, caller, "sku", upserted, body)
        return upserted.row


async def get_sku(db: Database, caller: Caller, reference: str) -> Sku:
    """Raises NotFound."""
    async with db.read() as session:
        return await SkuRepository(session, caller.project_id).get(reference)


async def search_skus(db: Database, caller: Caller, product_reference: str, query: SkuQuery) -> Page[Sku]:
    """Raises NotFound for an unknown product, InvalidQuery."""
    async with db.read() as session:
        product = await ProductRepository(session, caller.project_id).get(product_reference)
        rows = SkuRepository(session, caller.project_id).rows().where(Sku.product_id == product.id)
        return await fetch_page(session, rows, query, When(clock.now(), caller.project.zone))


async def update_sku(db: Database, caller: Caller, product_reference: str, reference: str, body: SkuUpdate) -> Sku:
    """Raises NotFound, also for a SKU of another product."""
    async with db.write() as session:
        sku = await _sku_of_product(session, caller, product_reference, reference)
        skus = SkuRepository(session, caller.project_id)
        updated = await sourced.update(skus, sku, lambda _: sku_given(body), clock.now())
        _record(session, caller, "sku", updated, body)
        return updated.row


async def delete_sku(db: Database, caller: Caller, product_reference: str, reference: str, *, force: bool) -> None:
    """Put the SKU into the bin, where it keeps its source id; with `force` erase it, even from the bin.

    Raises NotFound, also for a SKU of another product.
    """
    async with db.write() as session:
        sku = await _sku_of_product(session, caller, product_reference, reference, even_binned=force)
        if force:
            await session.delete(sku)
        else:
            sku.deleted_at = clock.now()
        record(session, caller, "sku.deleted", "sku", sku.id, {"force": force})


def product_given(request: ProductIn | ProductUpdate) -> Given:
    """The columns a request sets."""
    names = ("name", "price", "attributes", "image_url")
    return _given(request, names, "product_metadata", _PRODUCT_EMPTY)


def sku_given(request: SkuIn | SkuUpdate) -> Given:
    """The columns a request sets."""
    names = ("sku", "price", "currency", "attributes", "image_url")
    return _given(request, names, "sku_metadata", _SKU_EMPTY)


async def _with_skus(session: AsyncSession, caller: Caller, product: Product) -> ProductRead:
    skus, total = (await SkuRepository(session, caller.project_id).of_products([product.id]))[product.id]
    return product_read(product, skus, total)


async def _sku_of_product(
    session: AsyncSession, caller: Caller, product_reference: str, reference: str, *, even_binned: bool = False
) -> Sku:
    product = await ProductRepository(session, caller.project_id).get(product_reference, even_binned=even_binned)
    sku = await SkuRepository(session, caller.project_id).get_locked(reference, even_binned=even_binned)
    if sku.product_id != product.id:
        raise NotFound("sku", reference)
    return sku


def _new_sku(body: SkuIn, row: Sku | None, product: Product) -> Given:
    """A SKU stays with the product it was made for."""
    given = sku_given(body)
    if row is None:
        return Given({**given.values, "product_id": product.id}, given.metadata)
    return given if row.product_id == product.id else Given({})


def _given(
    request: ProductIn | ProductUpdate | SkuIn | SkuUpdate,
    names: tuple[str, ...],
    metadata_name: str,
    empty: Mapping[str, Callable[[], Any]],
) -> Given:
    values = {name: getattr(request, name) for name in names if name in request.model_fields_set}
    for name, make in empty.items():
        if name in values and values[name] is None:
            values[name] = make()
    if "metadata" in request.model_fields_set and request.metadata is None:
        values[metadata_name] = {}
    return Given(values, request.metadata)


def _record(
    session: AsyncSession,
    caller: Caller,
    resource_type: str,
    upserted: Upserted[Any],
    body: ProductIn | ProductUpdate | SkuIn | SkuUpdate,
) -> None:
    if upserted.change != "unchanged":
        changes = body.model_dump(mode="json", exclude_unset=True)
        record(session, caller, f"{resource_type}.{upserted.change}", resource_type, upserted.row.id, changes)
