"""Routes of products and SKUs."""

from typing import Annotated

from fastapi import Depends, Path, Query

from app.access.authentication import requires
from app.access.callers import Caller
from app.commerce.products import service
from app.commerce.products.queries import ProductQuery, SkuQuery
from app.commerce.products.schemas import (
    ProductIn,
    ProductList,
    ProductRead,
    ProductUpdate,
    SkuIn,
    SkuList,
    SkuRead,
    SkuUpdate,
)
from app.kit.http import Db, Router

router = Router(prefix="/v1", tags=["products"])
ProductReader = Annotated[Caller, requires("products:read")]
ProductWriter = Annotated[Caller, requires("products:write")]
SkuReader = Annotated[Caller, requires("skus:read")]
SkuWriter = Annotated[Caller, requires("skus:write")]
ProductReference = Annotated[str, Path(alias="productId", description="The product's id or your `source_id`.")]
SkuReference = Annotated[str, Path(alias="skuId", description="The SKU's id or your `source_id`.")]
Force = Annotated[bool, Query(description="Erase instead of putting into the bin; the source id becomes free.")]


@router.get("/products")
async def list_products(
    db: Db, caller: ProductReader, query: Annotated[ProductQuery, Depends(ProductQuery.parse)]
) -> ProductList:
    """List products with their SKUs, newest first."""
    return await service.search_products(db, caller, query)


@router.post("/products")
async def upsert_product(db: Db, caller: ProductWriter, body: ProductIn) -> ProductRead:
    """Create a product, or update the one with this `id` or `source_id`."""
    return await service.upsert_product(db, caller, body)


@router.get("/products/{productId}")
async def get_product(db: Db, caller: ProductReader, reference: ProductReference) -> ProductRead:
    """Get a product with its SKUs."""
    return await service.get_product(db, caller, reference)


@router.put("/products/{productId}")
async def update_product(
    db: Db, caller: ProductWriter, reference: ProductReference, body: ProductUpdate
) -> ProductRead:
    """Change the members that are sent; a null clears one."""
    return await service.update_product(db, caller, reference, body)


@router.delete("/products/{productId}", status_code=204)
async def delete_product(db: Db, caller: ProductWriter, reference: ProductReference, force: Force = False) -> None:
    """Put a product and its SKUs into the bin."""
    await service.delete_product(db, caller, reference, force=force)


@router.get("/products/{productId}/skus")
async def list_skus(
    db: Db, caller: SkuReader, reference: ProductReference, query: Annotated[SkuQuery, Depends(SkuQuery.parse)]
) -> SkuList:
    """List the SKUs of a product, newest first."""
    page = await service.search_skus(db, caller, reference, query)
    return SkuList(skus=[SkuRead.model_validate(sku) for sku in page.rows], total=page.total)


@router.post("/products/{productId}/skus")
async def upsert_sku(db: Db, caller: SkuWriter, reference: ProductReference, body: SkuIn) -> SkuRead:
    """Create a SKU of a product, or update the one with this `id` or `source_id`."""
    return SkuRead.model_validate(await service.upsert_sku(db, caller, reference, body))


@router.get("/skus/{skuId}")
async def get_sku(db: Db, caller: SkuReader, reference: SkuReference) -> SkuRead:
    """Get a SKU."""
    return SkuRead.model_validate(await service.get_sku(db, caller, reference))


@router.put("/products/{productId}/skus/{skuId}")
async def update_sku(
    db: Db, caller: SkuWriter, product_reference: ProductReference, reference: SkuReference, body: SkuUpdate
) -> SkuRead:
    """Change the members that are sent; a null clears one."""
    return SkuRead.model_validate(await service.update_sku(db, caller, product_reference, reference, body))


@router.delete("/products/{productId}/skus/{skuId}", status_code=204)
async def delete_sku(
    db: Db, caller: SkuWriter, product_reference: ProductReference, reference: SkuReference, force: Force = False
) -> None:
    """Put a SKU into the bin."""
    await service.delete_sku(db, caller, product_reference, reference, force=force)
