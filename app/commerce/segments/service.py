"""What can be done with segments."""

from app.access.audit import record
from app.access.callers import Caller
from app.access.configuration import change_configuration
from app.commerce.customers.repository import CustomerRepository
from app.commerce.filters import checked_filter
from app.commerce.segments.errors import TooManySegments
from app.commerce.segments.membership import engine_customer, segments_with
from app.commerce.segments.queries import SegmentQuery
from app.commerce.segments.repository import SegmentRepository
from app.commerce.segments.schemas import SegmentCreate
from app.commerce.segments.watching import begin_to_watch
from app.commerce.usage import refuse_while_in_use
from app.engine import cart
from app.engine.segments import CUSTOMER
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import InvalidPayload, NotFound
from app.kit.filters import When
from app.kit.ids import new_id
from app.kit.lists import Page, fetch_page
from app.models import Segment

MOST_FILTERED = 100


async def create(db: Database, caller: Caller, body: SegmentCreate) -> Segment:
    """Raises InvalidPayload for a filter that means nothing, NotFound for unknown customers, TooManySegments."""
    _check(body)
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        segments = SegmentRepository(session, caller.project_id)
        if body.type != "static" and await segments.count_filtered() >= MOST_FILTERED:
            raise TooManySegments(MOST_FILTERED)
        segment = Segment(
            project_id=caller.project_id,
            id=new_id("seg"),
            name=body.name,
            type=body.type,
            filter=body.filter,
            created_at=clock.now(),
            updated_at=None,
        )
        session.add(segment)
        await session.flush()
        named = set(body.customers or ())
        known = await segments.customer_ids(named)
        unknown = next((reference for reference in sorted(named) if reference not in known), None)
        if unknown is not None:
            raise NotFound("customer", unknown)
        await segments.add_members(segment.id, {known[reference] for reference in named})
        changes = body.model_dump(mode="json", exclude_unset=True, exclude={"customers"})
        if segment.type == "auto-update":
            await begin_to_watch(session, caller.project_id, segment.id)
        record(session, caller, "segment.created", "segment", segment.id, changes)
    return segment


async def get(db: Database, caller: Caller, segment_id: str) -> Segment:
    """Raises NotFound."""
    async with db.read() as session:
        return await _get(SegmentRepository(session, caller.project_id), segment_id)


async def search(db: Database, caller: Caller, query: SegmentQuery) -> Page[Segment]:
    """Raises InvalidQuery."""
    async with db.read() as session:
        rows = SegmentRepository(session, caller.project_id).rows()
        return await fetch_page(session, rows, query, When(clock.now(), caller.project.zone))


async def delete(db: Database, caller: Caller, segment_id: str) -> None:
    """Raises NotFound, ResourceInUse while rules name the segment."""
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        segments = SegmentRepository(session, caller.project_id)
        segment = await _get(segments, segment_id)
        await refuse_while_in_use(session, caller.project_id, "segment", segment_id)
        await segments.remove_members(segment_id)
        await session.delete(segment)
        record(session, caller, "segment.deleted", "segment", segment_id)


async def find_of_customer(db: Database, caller: Caller, reference: str) -> list[Segment]:
    """The segments a customer is in now, oldest first. Somebody unknown is asked about as if they were new."""
    async with db.read() as session:
        row = await CustomerRepository(session, caller.project_id).find_by_reference(reference)
        customer = engine_customer(row) if row is not None else cart.Customer(source_id=reference)
        segments = await SegmentRepository(session, caller.project_id).that_may_have(customer.id)
    return await segments_with(db, caller.project_id, customer, segments, When(clock.now(), caller.project.zone))


async def _get(segments: SegmentRepository, segment_id: str) -> Segment:
    """Raises NotFound."""
    segment = await segments.find(segment_id)
    if segment is None:
        raise NotFound("segment", segment_id)
    return segment


def _check(body: SegmentCreate) -> None:
    """Raises InvalidPayload for what the type of the segment cannot have."""
    if body.type == "static":
        if body.filter is not None:
            raise InvalidPayload("filter", "A static segment has customers instead of a filter.")
        return
    if body.customers:
        raise InvalidPayload("customers", f"A segment of type {body.type} has a filter instead of customers.")
    checked_filter(body.filter, CUSTOMER)
