"""Routes of product collections."""

from typing import Annotated

from fastapi import Depends, Path

from app.access.authentication import requires
from app.access.callers import Caller
from app.commerce.product_collections import service
from app.commerce.product_collections.queries import CollectionQuery, ContentsQuery
from app.commerce.product_collections.schemas import CollectedItems, CollectionCreate, CollectionRead, CollectionUpdate
from app.kit.http import Db, Router
from app.kit.lists import ListBody

router = Router(prefix="/v1/product-collections", tags=["product collections"])
Reader = Annotated[Caller, requires("product_collections:read")]
Writer = Annotated[Caller, requires("product_collections:write")]
CollectionId = Annotated[str, Path(alias="productCollectionId")]


@router.get("")
async def list_product_collections(
    db: Db, caller: Reader, query: Annotated[CollectionQuery, Depends(CollectionQuery.parse)]
) -> ListBody[CollectionRead]:
    """List product collections, newest first."""
    collections, total = await service.search(db, caller, query)
    return ListBody(data=collections, total=total)


@router.post("")
async def create_product_collection(db: Db, caller: Writer, body: CollectionCreate) -> CollectionRead:
    """Create a collection: of the products and SKUs you name, or of all that a filter accepts.

    Rules and their targets name it by its id. Whether a line of an order is in it is worked out when it is asked.
    """
    return await service.create(db, caller, body)


@router.get("/{productCollectionId}")
async def get_product_collection(db: Db, caller: Reader, collection_id: CollectionId) -> CollectionRead:
    """Get a collection."""
    return await service.get(db, caller, collection_id)


@router.put("/{productCollectionId}")
async def update_product_collection(
    db: Db, caller: Writer, collection_id: CollectionId, body: CollectionUpdate
) -> CollectionRead:
    """Change the members that are sent."""
    return await service.update(db, caller, collection_id, body)


@router.delete("/{productCollectionId}", status_code=204)
async def delete_product_collection(db: Db, caller: Writer, collection_id: CollectionId) -> None:
    """Delete a collection that no validation rule names."""
    await service.delete(db, caller, collection_id)


@router.get("/{productCollectionId}/products")
async def list_products_in_collection(
    db: Db,
    caller: Reader,
    collection_id: CollectionId,
    query: Annotated[ContentsQuery, Depends(ContentsQuery.parse)],
) -> CollectedItems:
    """List the products and SKUs in a collection, newest first. SKUs are not listed beside their product."""
    items, total = await service.search_contents(db, caller, collection_id, query)
    return CollectedItems(data=items, total=total)
