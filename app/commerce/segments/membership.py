"""Who is in a segment, and in which segments somebody is: asked of the engine, whenever somebody wants to know."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, Text, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from app.commerce.filters import checked_filter
from app.commerce.segments.history import Known, load_known
from app.commerce.segments.repository import SegmentRepository
from app.engine import cart
from app.engine.segments import CUSTOMER, NO_HISTORY, Part, segment_ids_of
from app.engine.segments import Segment as CompiledSegment
from app.kit.db import Database
from app.kit.filters import When
from app.models import Customer, Segment, SegmentMember

ROUND = 1_000
"""Customers that are looked at together."""
NOTHING_KNOWN = Known(frozenset(), NO_HISTORY)


def compiled(segment: Segment) -> CompiledSegment:
    """A saved segment as the engine asks it; what could be saved means something."""
    return CompiledSegment(segment.id, checked_filter(segment.filter, CUSTOMER) if segment.filter else None)


def engine_customer(row: Customer) -> cart.Customer:
    """A kept customer as the engine sees them."""
    return cart.Customer(
        id=row.id,
        source_id=row.source_id,
        name=row.name,
        description=row.description,
        email=row.email,
        phone=row.phone,
        birthdate=row.birthdate,
        address=cart.Address(**row.address) if row.address else None,
        metadata=row.customer_metadata,
        created_at=row.created_at,
    )


async def segments_with(
    db: Database, project_id: int, customer: cart.Customer, segments: Sequence[Segment], when: When
) -> list[Segment]:
    """Those of `segments` that the customer is in."""
    asked = [compiled(segment) for segment in segments]
    known = NOTHING_KNOWN
    if customer.id is not None:
        parts = frozenset[Part]().union(*(segment.parts for segment in asked))
        async with db.connection() as connection:
            known = (await load_known(connection, project_id, [customer.id], parts))[customer.id]
    moment = cart.Cart(now=when.now, zone=when.zone)
    found = segment_ids_of(customer, known.history, known.segment_ids, asked, moment)
    return [segment for segment in segments if segment.id in found]


async def is_member(
    db: Database, project_id: int, segment_id: str, customers: Select[Customer], when: When
) -> ColumnElement[bool]:
    """A condition on the ids of `customers`: that they are in the segment. Nobody is in a segment that is not there.

    With a filter all of `customers` are read and asked, a round at a time; that is what such a list costs.
    """
    async with db.read() as session:
        segment = await SegmentRepository(session, project_id).find(segment_id)
    if segment is None or segment.filter is None:
        members = select(SegmentMember.customer_id).where(
            SegmentMember.project_id == project_id, SegmentMember.segment_id == segment_id
        )
        return Customer.id.in_(members)
    asked = compiled(segment)
    moment = cart.Cart(now=when.now, zone=when.zone)
    found: list[str] = []
    last_id = ""
    while True:
        async with db.read() as session:
            following = customers.where(Customer.id > last_id).order_by(Customer.id).limit(ROUND)
            rows = [engine_customer(row) for row in await session.scalars(following)]
        ids = [customer.id for customer in rows if customer.id is not None]
        known: dict[str, Known] = {}
        if asked.parts and ids:
            async with db.connection() as connection:
                known = await load_known(connection, project_id, ids, asked.parts, ())
        for customer, row_id in zip(rows, ids, strict=True):
            history = known.get(row_id, NOTHING_KNOWN).history
            if segment_ids_of(customer, history, frozenset(), [asked], moment):
                found.append(row_id)
        if len(ids) < ROUND:
            return Customer.id == func.any(literal(found, ARRAY(Text())))
        last_id = ids[-1]
