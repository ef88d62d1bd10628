"""Who enters and leaves the auto-update segments: noticed by the worker soon after, and announced once each.

Everything that can change a membership is announced itself, so the worker follows the outbox. Whom it names is looked
at anew and compared with where they stood; what differs is kept and announced in one transaction, under a lock of the
project, so that of any number of workers each sees what the one before has kept. Looking twice changes nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Select, delete, func, insert, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from app.commerce.segments.history import Known, load_known
from app.commerce.segments.membership import NOTHING_KNOWN, ROUND, compiled, engine_customer
from app.commerce.segments.repository import SegmentRepository
from app.engine import cart
from app.engine.segments import Part, segment_ids_of
from app.kit import clock
from app.kit.db import JoinedDatabase
from app.kit.jobs import JobKind, Work, enqueue
from app.kit.outbox import LAST, SETTLED, OutboxCursor, announce
from app.models import Customer, Project, Segment, SegmentStanding

ENTERED, LEFT = "customer.segment.entered", "customer.segment.left"
WATCH: Final = "SEGMENT.WATCH"
READER: Final = "segments"
"""Whose cursor in the outbox it is."""
_WATCH_LOCK = 4
"""First half of the advisory lock pair; the second is the project."""

_CONCERNED = text(f"""
SELECT transaction_id, id, CASE
    WHEN type LIKE 'customer.segment.%' THEN NULL
    WHEN type LIKE 'customer.%' THEN data #>> '{{customer,id}}'
    ELSE coalesce(data ->> 'customer_id', data #>> '{{order,customer_id}}')
END AS customer_id
FROM outbox_events
WHERE project_id = :project_id AND (transaction_id, id) > (:transaction_id, :event_id) AND transaction_id < {SETTLED}
ORDER BY transaction_id, id LIMIT :at_most
""")
_HERE = text(f"SELECT {SETTLED}")


async def begin_to_watch(session: AsyncSession, project_id: int, segment_id: str) -> None:
    """Have it noted who is in the new segment, which is no news, and announce who enters and leaves from then on."""
    await enqueue(session, WATCH, {"project_id": project_id}, key=f"{WATCH} {segment_id}")


async def note_members(work: Work, payload: Mapping[str, Any]) -> None:
    """Look at every customer of the project; then its new segments are watched."""
    await look_at_all(work, payload["project_id"])


WATCHING = JobKind(WATCH, note_members)


async def follow(work: Work, project_id: int) -> None:
    """Look at every customer who is named by what was announced since the last time, in transactions that have ended.

    Of any number of workers one follows a project. Events of customers who are being changed are followed again.
    """
    followed = ROUND
    while followed == ROUND:
        work.leave_if_stopping()
        async with work.db.write() as session:
            cursor = await session.get(OutboxCursor, (project_id, READER), with_for_update=True)
            if cursor is None or not await SegmentRepository(session, project_id).watched():
                return
            await _lock(session, project_id)
            after = {"transaction_id": cursor.transaction_id, "event_id": cursor.event_id}
            found = await session.execute(_CONCERNED, {"project_id": project_id, **after, "at_most": ROUND})
            events = found.all()
            followed = len(events)
            if not await _look_at(session, project_id, {event.customer_id for event in events} - {None}):
                return
            if events:
                cursor.transaction_id, cursor.event_id = events[-1].transaction_id, events[-1].id


async def look_at_all(work: Work, project_id: int) -> None:
    """Look at every customer, a round at a time, where the project has such segments: time passes, too, and filters may
    ask about it. Segments that were not watched yet are so afterwards."""
    async with work.db.write() as session:
        segments = await SegmentRepository(session, project_id).watched()
        if not segments:
            return
        new_ids = [segment.id for segment in segments if segment.watched_since is None]
        here = {"transaction_id": await session.scalar(_HERE) - 1, "event_id": LAST}
        cursor = upsert(OutboxCursor).values(project_id=project_id, reader=READER, **here)
        await session.execute(cursor.on_conflict_do_nothing())
    last_id = ""
    while True:
        work.leave_if_stopping()
        async with work.db.write() as session:
            await _lock(session, project_id)
            people = select(Customer.id).where(Customer.project_id == project_id, Customer.merged_into.is_(None))
            following = people.where(Customer.id > last_id)
            ids = (await session.scalars(following.order_by(Customer.id).limit(ROUND))).all()
            await _look_at(session, project_id, ids)
        if len(ids) < ROUND:
            break
        last_id = ids[-1]
    async with work.db.write() as session:
        await _lock(session, project_id)
        for segment in await SegmentRepository(session, project_id).watched():
            if segment.id in new_ids and segment.watched_since is None:
                segment.watched_since = clock.now()


async def _lock(session: AsyncSession, project_id: int) -> None:
    """One look at a project at a time: everything read from here on is as the one before has left it."""
    await session.execute(select(func.pg_advisory_xact_lock(_WATCH_LOCK, project_id)))


async def _look_at(session: AsyncSession, project_id: int, customer_ids: Collection[str]) -> bool:
    """Compare where these customers stand with where they stood; keep and announce the difference. False when some of
    them were left out because they are being changed.

    The project is locked (`_lock`). Who is gone has been forgotten with everything else about them.
    """
    if not customer_ids:
        return True
    segments = {segment.id: segment for segment in await SegmentRepository(session, project_id).watched()}
    zone = ZoneInfo(await session.scalar(select(Project.timezone).where(Project.id == project_id)) or "UTC")
    standing = await _standing_now(session, project_id, customer_ids, list(segments.values()), clock.now(), zone)
    rows = await session.execute(
        select(SegmentStanding.customer_id, SegmentStanding.segment_id).where(
            SegmentStanding.project_id == project_id, SegmentStanding.customer_id.in_(standing)
        )
    )
    stood = {(customer_id, segment_id) for customer_id, segment_id in rows}
    stands = {(customer_id, segment_id) for customer_id, ids in standing.items() for segment_id in ids}
    entered, left = sorted(stands - stood), sorted(stood - stands)
    if entered:
        members = [
            {"project_id": project_id, "customer_id": customer_id, "segment_id": segment_id}
            for customer_id, segment_id in entered
        ]
        await session.execute(insert(SegmentStanding), members)
    if left:
        pairs = tuple_(SegmentStanding.customer_id, SegmentStanding.segment_id)
        await session.execute(delete(SegmentStanding).where(SegmentStanding.project_id == project_id, pairs.in_(left)))
    for event, changes in ((ENTERED, entered), (LEFT, left)):
        for customer_id, segment_id in changes:
            segment = segments.get(segment_id)
            if segment is not None and segment.watched_since is not None:
                data = {
                    "customer": {"id": customer_id, "object": "customer"},
                    "segment": {"id": segment_id, "name": segment.name, "object": "segment"},
                }
                announce(session, project_id, event, customer_id, data)
    existing = await session.scalar(_existing(project_id, customer_ids).with_only_columns(func.count()))
    return existing == len(standing)


def _existing(project_id: int, customer_ids: Collection[str]) -> Select[Customer]:
    people = select(Customer).where(Customer.project_id == project_id, Customer.merged_into.is_(None))
    return people.where(Customer.id.in_(customer_ids))


async def _standing_now(
    session: AsyncSession,
    project_id: int,
    customer_ids: Collection[str],
    segments: Sequence[Segment],
    now: datetime,
    zone: ZoneInfo,
) -> dict[str, frozenset[str]]:
    """Of these customers, as far as they exist, which of `segments` each is in."""
    rows = await session.scalars(
        _existing(project_id, customer_ids)
        .order_by(Customer.id)
        # Nobody is erased while it is written down where they stand. Who is being changed right now is not waited for.
        .with_for_update(read=True, key_share=True, skip_locked=True)
    )
    customers = {row.id: engine_customer(row) for row in rows}
    asked, moment = [compiled(segment) for segment in segments], cart.Cart(now=now, zone=zone)
    parts = frozenset[Part]().union(*(segment.parts for segment in asked))
    known: dict[str, Known] = {}
    if parts and customers:
        async with JoinedDatabase(session).connection() as connection:
            known = await load_known(connection, project_id, list(customers), parts, ())
    return {
        customer_id: segment_ids_of(customer, known.get(customer_id, NOTHING_KNOWN).history, frozenset(), asked, moment)
        for customer_id, customer in customers.items()
    }
