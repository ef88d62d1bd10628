"""What can be done with customers."""

from sqlalchemy import delete, select

from app.access.callers import Caller
from app.commerce.customers import profiles
from app.commerce.customers.activities import ACTIVITIES, activity_id_of, event_id_of, group_id_of, page_of
from app.commerce.customers.activity_schemas import ActivityList, ActivityQuery, ActivityRead
from app.commerce.customers.events import note
from app.commerce.customers.queries import CustomerQuery
from app.commerce.customers.rendering import customer_read
from app.commerce.customers.repository import CustomerRepository
from app.commerce.customers.schemas import (
    CustomerIn,
    CustomerList,
    CustomerRead,
    CustomerUpdate,
    DeletedCounts,
    PermanentDeletion,
)
from app.commerce.customers.summaries import load_summaries
from app.commerce.segments.membership import is_member
from app.commerce.segments.repository import SegmentRepository
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import NotFound
from app.kit.filters import When
from app.kit.ids import new_id
from app.kit.lists import fetch_page
from app.models import Customer


async def upsert(db: Database, caller: Caller, body: CustomerIn) -> CustomerRead:
    """Raises NotFound for an unknown `id`."""
    async with db.write() as session:
        customer = await profiles.upsert(session, caller, body, clock.now())
        summaries = await load_summaries(session, caller.project_id, [customer.id])
    return customer_read(customer, summaries[customer.id])


async def get(db: Database, caller: Caller, reference: str) -> CustomerRead:
    """Raises NotFound."""
    async with db.read() as session:
        customer = await CustomerRepository(session, caller.project_id).get(reference)
        summaries = await load_summaries(session, caller.project_id, [customer.id])
    return customer_read(customer, summaries[customer.id])


async def search(db: Database, caller: Caller, query: CustomerQuery) -> CustomerList:
    """Raises InvalidQuery."""
    when = When(clock.now(), caller.project.zone)
    rows = select(Customer).where(Customer.project_id == caller.project_id, Customer.merged_into.is_(None))
    if query.segment_id is not None:
        narrowed = rows.where(*query.where(when))
        rows = rows.where(await is_member(db, caller.project_id, query.segment_id, narrowed, when))
    async with db.read() as session:
        page = await fetch_page(session, rows, query, when)
        summaries = await load_summaries(session, caller.project_id, [customer.id for customer in page.rows])
    return CustomerList(
        customers=[customer_read(customer, summaries[customer.id]) for customer in page.rows],
        total=page.total,
        has_more=page.has_more,
    )


async def update(db: Database, caller: Caller, reference: str, body: CustomerUpdate) -> CustomerRead:
    """Raises NotFound."""
    async with db.write() as session:
        customer = await CustomerRepository(session, caller.project_id).get(reference)
        customer = await profiles.update(session, caller, customer, body, clock.now())
        summaries = await load_summaries(session, caller.project_id, [customer.id])
    return customer_read(customer, summaries[customer.id])


async def erase(db: Database, caller: Caller, reference: str) -> PermanentDeletion:
    """Delete the customer's row for good, and those that were merged into it. Everything else knows only the id, and
    keeps it. Of one that was merged itself only the name is forgotten: the customer it became stays.

    Raises NotFound.
    """
    async with db.write() as session:
        rows = CustomerRepository(session, caller.project_id)
        itself = await rows.find_itself(reference)
        customer = itself and await rows.lock_itself(itself)
        if customer is None:
            raise NotFound("customer", reference)
        await session.execute(
            delete(Customer).where(Customer.project_id == caller.project_id, Customer.merged_into == customer.id)
        )
        await session.delete(customer)
        await session.flush()
        segments_count = await SegmentRepository(session, caller.project_id).forget_customer(customer.id)
        note(session, caller, "customer.deleted", customer.id)
    return PermanentDeletion(
        id=new_id("pd"),
        created_at=clock.now(),
        related_object_id=customer.id,
        data_json=DeletedCounts(segments=segments_count),
    )


async def activity(db: Database, caller: Caller, reference: str, query: ActivityQuery) -> ActivityList:
    """Raises NotFound, InvalidQuery."""
    after = event_id_of(query.starting_after_id)
    when = When(clock.now(), caller.project.zone)
    async with db.read() as session:
        customer = await CustomerRepository(session, caller.project_id).get(reference)
        rows = await page_of(
            session,
            caller.project_id,
            customer.id,
            is_newest_first=query.order == "-created_at",
            after=after,
            at_most=query.limit + 1,
            event_types=_event_types(query),
            campaign_id=query.campaign_id,
            campaign_type=query.campaign_type,
            start_date=query.start_date and when.localise(query.start_date),
            end_date=query.end_date and when.localise(query.end_date),
        )
    has_more = len(rows) > query.limit
    shown = [
        ActivityRead(
            id=activity_id_of(row.event_id),
            type=ACTIVITIES[row.type].type,
            data=row.data,
            created_at=row.created_at,
            group_id=group_id_of(row.transaction_id),
            category=ACTIVITIES[row.type].category,
        )
        for row in rows[: query.limit]
    ]
    return ActivityList(data=shown, has_more=has_more, more_starting_after=shown[-1].id if has_more else None)


def _event_types(query: ActivityQuery) -> list[str] | None:
    """The events that the query asks for; None for all."""
    if query.type is None and query.category is None:
        return None
    return [
        event_type
        for event_type, known in ACTIVITIES.items()
        if query.type in (None, known.type) and query.category in (None, known.category)
    ]
