"""What can be done with product collections."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.access.configuration import change_configuration
from app.commerce.filters import checked_filter
from app.commerce.product_collections.contents import Found, contents_of, load_items
from app.commerce.product_collections.errors import TooManyCollections
from app.commerce.product_collections.queries import CollectionQuery, ContentsQuery
from app.commerce.product_collections.repository import CollectionRepository
from app.commerce.product_collections.schemas import (
    CollectedItem,
    CollectionCreate,
    CollectionRead,
    CollectionUpdate,
    MemberIn,
    MemberRead,
)
from app.commerce.usage import refuse_while_in_use
from app.engine.cart import Cart
from app.engine.product_collections import CATALOGUE
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import InvalidPayload, NotFound
from app.kit.filters import When
from app.kit.ids import new_id
from app.kit.lists import fetch_page
from app.models import Product, ProductCollection, ProductCollectionMember, Sku

MOST_COLLECTIONS = 100
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


async def create(db: Database, caller: Caller, body: CollectionCreate) -> CollectionRead:
    """Raises InvalidPayload for a filter that means nothing, NotFound for unknown products, TooManyCollections."""
    _check(body.type, body)
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        collections = CollectionRepository(session, caller.project_id)
        if await collections.count() >= MOST_COLLECTIONS:
            raise TooManyCollections(MOST_COLLECTIONS)
        collection = ProductCollection(
            project_id=caller.project_id,
            id=new_id("pc"),
            name=body.name,
            type=body.type,
            filter=body.filter,
            created_at=clock.now(),
            updated_at=None,
        )
        session.add(collection)
        members = await _members_of(session, collection, body.products or [])
        await collections.replace_members(collection.id, members)
        record(session, caller, "product_collection.created", "product_collection", collection.id, _sent(body))
    return collection_read(collection, members)


async def update(db: Database, caller: Caller, collection_id: str, body: CollectionUpdate) -> CollectionRead:
    """Raises NotFound, also for unknown products, and InvalidPayload."""
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        collections = CollectionRepository(session, caller.project_id)
        collection = await _get(collections, collection_id)
        _check_change(collection, body)
        if body.name is not None:
            collection.name = body.name
        if body.filter is not None:
            collection.filter = body.filter
        collection.updated_at = clock.now()
        if body.products is not None:
            members = await _members_of(session, collection, body.products)
            await collections.replace_members(collection.id, members)
        else:
            members = (await collections.members_of([collection.id]))[collection.id]
        record(session, caller, "product_collection.updated", "product_collection", collection.id, _sent(body))
    return collection_read(collection, members)


async def get(db: Database, caller: Caller, collection_id: str) -> CollectionRead:
    """Raises NotFound."""
    async with db.read() as session:
        collections = CollectionRepository(session, caller.project_id)
        collection = await _get(collections, collection_id)
        members = await collections.members_of([collection_id])
    return collection_read(collection, members[collection_id])


async def search(db: Database, caller: Caller, query: CollectionQuery) -> tuple[list[CollectionRead], int]:
    """The collections asked for, and how many there are on all pages.

    Raises InvalidQuery.
    """
    async with db.read() as session:
        collections = CollectionRepository(session, caller.project_id)
        page = await fetch_page(session, collections.rows(), query, When(clock.now(), caller.project.zone))
        members = await collections.members_of([collection.id for collection in page.rows])
    return [collection_read(collection, members[collection.id]) for collection in page.rows], page.total


async def delete(db: Database, caller: Caller, collection_id: str) -> None:
    """Raises NotFound, ResourceInUse while rules name the collection."""
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        collections = CollectionRepository(session, caller.project_id)
        collection = await _get(collections, collection_id)
        await refuse_while_in_use(session, caller.project_id, "product_collection", collection_id)
        await collections.replace_members(collection_id, [])
        await session.delete(collection)
        record(session, caller, "product_collection.deleted", "product_collection", collection_id)


async def search_contents(
    db: Database, caller: Caller, collection_id: str, query: ContentsQuery
) -> tuple[list[CollectedItem], int]:
    """The products and SKUs in the collection now, and how many there are on all pages.

    Raises NotFound.
    """
    when = When(clock.now(), caller.project.zone)
    async with db.read() as session:
        collection = await _get(CollectionRepository(session, caller.project_id), collection_id)
        accepts = checked_filter(collection.filter, CATALOGUE) if collection.filter else None
        found = await contents_of(session, collection, accepts, Cart(now=when.now, zone=when.zone))
        page = _page(found, query, when)
        return await load_items(session, caller.project_id, page), len(found)


def collection_read(collection: ProductCollection, members: Sequence[ProductCollectionMember]) -> CollectionRead:
    shown = [
        MemberRead.model_validate(
            {
                "id": member.item_id,
                "object": member.object,
                "product_id": member.product_id if member.object == "sku" else None,
            }
        )
        for member in members
    ]
    return CollectionRead.model_validate(
        {
            "id": collection.id,
            "name": collection.name,
            "type": collection.type,
            "filter": collection.filter,
            "products": shown if collection.type == "STATIC" else None,
            "created_at": collection.created_at,
            "updated_at": collection.updated_at,
        }
    )


async def _get(collections: CollectionRepository, collection_id: str) -> ProductCollection:
    """Raises NotFound."""
    collection = await collections.find(collection_id)
    if collection is None:
        raise NotFound("product_collection", collection_id)
    return collection


def _check(kind: str, body: CollectionCreate | CollectionUpdate) -> None:
    """Raises InvalidPayload for what the kind of collection cannot have."""
    if kind == "STATIC":
        if body.filter is not None:
            raise InvalidPayload("filter", "A STATIC collection has products instead of a filter.")
        return
    if body.products:
        raise InvalidPayload("products", "An AUTO_UPDATE collection has a filter instead of products.")
    checked_filter(body.filter, CATALOGUE)


def _check_change(collection: ProductCollection, body: CollectionUpdate) -> None:
    """Raises InvalidPayload."""
    if collection.type == "STATIC" or body.filter is not None or body.products is not None:
        _check(collection.type, body)


async def _members_of(
    session: AsyncSession, collection: ProductCollection, given: Sequence[MemberIn]
) -> list[ProductCollectionMember]:
    """The members of a static collection, each once, by the ids that the catalogue has for them; two statements.

    Raises NotFound for what the catalogue does not have.
    """
    project_id = collection.project_id
    names = {kind: [member.id for member in given if member.object == kind] for kind in ("product", "sku")}
    products = select(Product.id, Product.source_id, Product.id).where(
        Product.project_id == project_id,
        Product.deleted_at.is_(None),
        or_(Product.id.in_(names["product"]), Product.source_id.in_(names["product"])),
    )
    skus = select(Sku.id, Sku.source_id, Sku.product_id).where(
        Sku.project_id == project_id,
        Sku.deleted_at.is_(None),
        or_(Sku.id.in_(names["sku"]), Sku.source_id.in_(names["sku"])),
    )
    known: dict[tuple[str, str | None], tuple[str, str]] = {}
    for kind, statement in (("product", products), ("sku", skus)):
        rows: list[Any] = list(await session.execute(statement)) if names[kind] else []
        known |= {(kind, source_id): (item_id, product_id) for item_id, source_id, product_id in rows if source_id}
        known |= {(kind, item_id): (item_id, product_id) for item_id, _, product_id in rows}
    members: dict[str, ProductCollectionMember] = {}
    for member in given:
        found = known.get((member.object, member.id))
        if found is None:
            raise NotFound(member.object, member.id)
        item_id, product_id = found
        members.setdefault(
            item_id,
            ProductCollectionMember(
                project_id=project_id,
                collection_id=collection.id,
                item_id=item_id,
                object=member.object,
                product_id=product_id,
                position=len(members),
            ),
        )
    return list(members.values())


def _page(found: list[Found], query: ContentsQuery, when: When) -> list[Found]:
    if query.starting_after is not None:
        before = when.localise(query.starting_after)
        found = [each for each in found if each.created_at < before]
    by_change = query.order.removeprefix("-") == "updated_at"

    def place(each: Found) -> tuple[datetime, str]:
        return ((each.updated_at or _BEFORE_ALL) if by_change else each.created_at, each.id)

    ordered = sorted(found, key=place, reverse=query.order.startswith("-"))
    start = (query.page - 1) * query.limit
    return ordered[start : start + query.limit]


def _sent(body: CollectionCreate | CollectionUpdate) -> dict[str, object]:
    return body.model_dump(mode="json", exclude_unset=True)
