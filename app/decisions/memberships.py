"""Segments and loyalty tiers of the customer and collections of the lines, filled in at the cart when rules of the
request ask for some.

Nothing is read when no rule does. Otherwise it is one statement for each of the three, and one more when this process
lacks the definitions; each looks things up by key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.access.callers import ProjectView
from app.commerce.segments.history import load_known
from app.commerce.segments.membership import NOTHING_KNOWN
from app.engine.cart import Cart, Customer
from app.engine.product_collections import ALL_PRODUCTS, Collection, Details, catalogue_ids, collection_ids_of
from app.engine.redeemables import Redeemable, Unresolved, named_by
from app.engine.rules import Named
from app.engine.segments import Part, segment_ids_of
from app.incentives.configuration import Configuration, ConfigurationCache
from app.kit.db import Connection

COLLECTED = """
SELECT
    ARRAY(SELECT known FROM product_collection_members AS known
        WHERE project_id = $1 AND collection_id = ANY ($2) AND item_id = ANY ($3)) AS members,
    ARRAY(SELECT known FROM products AS known WHERE $4 AND project_id = $1 AND id = ANY ($3)) AS products,
    ARRAY(SELECT known FROM skus AS known WHERE $4 AND project_id = $1 AND id = ANY ($3)) AS skus
"""

TIERS = """
SELECT standing.tier_id
FROM vouchers AS card JOIN loyalty_standings AS standing
    ON standing.project_id = card.project_id AND standing.voucher_id = card.id
WHERE card.project_id = $1 AND card.holder_id = $2 AND card.type = 'LOYALTY_CARD' AND card.active
    AND card.deleted_at IS NULL AND standing.tier_id IS NOT NULL
"""


async def with_memberships(
    connection: Connection,
    cache: ConfigurationCache,
    project: ProjectView,
    cart: Cart,
    redeemables: Sequence[Redeemable | Unresolved],
) -> Cart:
    """The cart whose customer and lines say in which of the segments and collections they are that `redeemables` name,
    and, if rules ask, in which loyalty tiers.

    Raises Outdated.
    """
    return await with_named(connection, cache, project, cart, named_by(redeemables))


async def with_named(
    connection: Connection, cache: ConfigurationCache, project: ProjectView, cart: Cart, named: Named | None
) -> Cart:
    """The cart whose customer and lines say, beside what they say already, in which of `named` they are.

    Raises Outdated.
    """
    if named is None:
        return cart
    configuration = await cache.load_named(connection, project.id, project.version, named)
    if cart.customer is not None and (named.segment_ids or named.asks_all_segments):
        cart = replace(
            cart, customer=await _with_segments(connection, project, cart, cart.customer, named, configuration)
        )
    if named.asks_tiers and cart.customer is not None and cart.customer.id is not None:
        rows = await connection.fetch(TIERS, project.id, cart.customer.id)
        cart = replace(cart, customer=replace(cart.customer, tier_ids=frozenset(row["tier_id"] for row in rows)))
    if cart.items and named.collection_ids:
        cart = await _with_collections(connection, project, cart, named, configuration)
    return cart


async def _with_segments(
    connection: Connection,
    project: ProjectView,
    cart: Cart,
    customer: Customer,
    named: Named,
    configuration: Configuration,
) -> Customer:
    segments = [
        segment
        for segment_id, segment in configuration.segments.items()
        if segment is not None and (named.asks_all_segments or segment_id in named.segment_ids)
    ]
    static_ids = [segment.id for segment in segments if segment.filter is None]
    parts = frozenset[Part]().union(*(segment.parts for segment in segments))
    known = NOTHING_KNOWN
    if customer.id is not None and (static_ids or parts):
        known = (await load_known(connection, project.id, [customer.id], parts, static_ids))[customer.id]
    found = segment_ids_of(customer, known.history, known.segment_ids, segments, cart)
    return replace(customer, segment_ids=customer.segment_ids | found)


async def _with_collections(
    connection: Connection, project: ProjectView, cart: Cart, named: Named, configuration: Configuration
) -> Cart:
    collections = [
        collection
        for collection_id in named.collection_ids
        if (collection := configuration.collections[collection_id]) is not None
    ]
    static_ids = [collection.id for collection in collections if collection.filter is None]
    needs_details = any(collection.needs_details for collection in collections)
    if ALL_PRODUCTS in named.collection_ids:
        collections.append(Collection(ALL_PRODUCTS, None))
    members: dict[str, frozenset[str]] = {}
    details: dict[str, Details] = {}
    if static_ids or needs_details:
        row = await connection.fetchrow(COLLECTED, project.id, static_ids, catalogue_ids(cart.items), needs_details)
        for member in row["members"]:
            joined = members.get(member["item_id"], frozenset())
            members[member["item_id"]] = joined | {member["collection_id"]}
        details = {known["id"]: _details(known) for known in (*row["products"], *row["skus"])}
    return replace(
        cart,
        items=tuple(
            replace(
                item,
                collection_ids=item.collection_ids | collection_ids_of(item, collections, members, details, cart),
            )
            for item in cart.items
        ),
    )


def _details(row: Mapping[str, Any]) -> Details:
    """What only the catalogue knows, as `engine.product_collections.DETAILS` names it."""
    updated_at = row["updated_at"]
    return {
        "attributes": row["attributes"],
        "image_url": row["image_url"],
        "currency": row.get("currency"),
        "created_at": row["created_at"].isoformat(),
        "updated_at": updated_at.isoformat() if updated_at else None,
    }
