"""Following what happened: every event reaches every follower that wants it, and is handled exactly once.

Events are announced by inserting a row (`kit.outbox`), and nobody is told: whoever announces pays for nothing else. The
worker looks for news of each project several times a second, in two stages.

1. `pass_on` moves the project's cursor over the events of transactions that have ended and writes a delivery for each
   follower that wants an event, in one transaction.
2. `deliver_next` takes a delivery, lets the follower handle it, and removes it, in one transaction. For each follower,
   what happened to one object is delivered in the order in which it happened; different objects at the same time.

Both are claimed with SKIP LOCKED, so any number of workers share them, and what a killed one has begun was not done.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeAlias

import structlog
from sqlalchemy import ColumnElement, literal_column, select, text
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit import clock
from app.kit.db import Connection, Database
from app.kit.errors import AppError
from app.kit.jobs import Work
from app.kit.metrics import record_followed, record_follower_failure
from app.kit.outbox import LAST, SETTLED, OutboxCursor

READER: Final = "followers"
MOST_EVENTS, LOOKAHEAD = 2_000, 500
"""Events that are passed on at once, and how far behind them something is looked for that belongs before them."""
MOST_ATTEMPTS = 10
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=1), timedelta(minutes=5)
ROUND_SECONDS, LONGEST_PAUSE_SECONDS, TROUBLE_SECONDS = 0.1, 0.6, 2.0
VISIT = 500
"""Deliveries of one project before others have their turn."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Happening:
    """An event as its followers see it. `id` ascends; `data` has ids to look up and no personal data."""

    project_id: int
    id: int
    type: str
    entity_id: str
    data: Mapping[str, Any]
    created_at: datetime

    @property
    def customer_id(self) -> str | None:
        """Whom it is about, wherever the event says so. They may have become one with another customer since."""
        named: str | None = (
            self.data.get("customer_id") or _member(self.data, "customer", "id") or self._of_order("customer_id")
        )
        return named

    @property
    def order_id(self) -> str | None:
        """Which order it is about."""
        named: str | None = self.data.get("order_id") or self._of_order("id")
        return named

    def _of_order(self, name: str) -> Any:
        return _member(self.data, "order", name)


@dataclass(frozen=True, slots=True)
class Follower:
    """What is done when something happens.

    `event_types` are names of events, or their beginnings with a `*` behind. `handle` runs in the transaction that also
    marks the event as done for this follower, so what it writes is written exactly once; it does not commit. When it
    raises, nothing of it stays and it is called again later. `name` is stored: it stays the same for good.

    Events of one object (`entity_id`) come in order; of different objects, in any. A follower that is new is told of
    what happens from then on, and so is one of which `is_of_use` says that the project has nothing for it to do: a shop
    without a loyalty program pays nothing for those of others.
    """

    name: str
    event_types: frozenset[str]
    handle: Callable[[AsyncSession, Happening], Awaitable[None]]
    is_of_use: Callable[[AsyncSession, int], Awaitable[bool]] | None = None


def _member(data: Mapping[str, Any], *path: str) -> Any:
    """What is at `path`, None when something on the way is not there."""
    found: Any = data
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


class Stretch(NamedTuple):
    """Events of a project that are passed on together: those after one of them, up to another, as they are read."""

    project_id: int
    after_transaction_id: int
    after_id: int
    last_transaction_id: int
    last_id: int


Digest: TypeAlias = Callable[[AsyncSession, Stretch], Awaitable[None]]
"""What takes note of all events of a stretch at once, in the transaction that passes them on. For what happens so often
that a delivery each would be too much; it must not fail, because nothing is passed on then."""

STRETCH: Final = """project_id = :project_id AND (transaction_id, id) > (:after_transaction_id, :after_id)
    AND (transaction_id, id) <= (:last_transaction_id, :last_id)"""
"""SQL: the events of a stretch, whose members are the parameters."""


class News(NamedTuple):
    """What there is to do for a project: events to pass on, deliveries that are due."""

    has_events: bool
    has_due: bool


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to a follower."""

    follower: str
    attempts: int
    happening: Happening


_LOOK: Final = f"""
SELECT
    EXISTS (
        SELECT FROM outbox_events AS event WHERE event.project_id = $1
        AND (event.transaction_id, event.id) > (coalesce(cursor.transaction_id, 0), coalesce(cursor.event_id, {LAST}))
    ),
    EXISTS (SELECT FROM outbox_deliveries WHERE project_id = $1 AND died_at IS NULL AND due_at <= now())
FROM (SELECT 1) AS one LEFT JOIN outbox_cursors AS cursor ON cursor.project_id = $1 AND cursor.reader = $2
"""

# Of two transactions that change one object, the one that waited for the other may have begun first: its event has the
# smaller transaction but the larger id. It is passed on together with the other's, or after it (`held_from`).
_PASS_ON = text("""
WITH seen AS MATERIALIZED (
    SELECT transaction_id, id, type, entity_id, transaction_id < :settled
        AND row_number() OVER (ORDER BY transaction_id, id) <= :at_most AS is_ready
    FROM outbox_events
    WHERE project_id = :project_id AND (transaction_id, id) > (:transaction_id, :event_id)
    ORDER BY transaction_id, id LIMIT :at_most + :lookahead
), held AS (
    SELECT min(event.transaction_id) AS held_from
    FROM seen AS event JOIN seen AS earlier ON earlier.entity_id = event.entity_id AND earlier.id < event.id
    WHERE event.is_ready AND NOT earlier.is_ready AND earlier.transaction_id > event.transaction_id
), passed AS MATERIALIZED (
    SELECT seen.* FROM seen, held
    WHERE is_ready AND (held_from IS NULL OR transaction_id < held_from)
), delivery AS (
    INSERT INTO outbox_deliveries (project_id, follower, entity_id, event_id, transaction_id, due_at)
    SELECT DISTINCT :project_id, follower.name, passed.entity_id, passed.id, passed.transaction_id, now()
    FROM passed JOIN unnest(CAST(:names AS text[]), CAST(:types AS text[]), CAST(:beginnings AS text[]))
        AS follower (name, type, beginning)
        ON passed.type = follower.type OR starts_with(passed.type, follower.beginning)
), last AS (
    SELECT transaction_id, id FROM passed ORDER BY transaction_id DESC, id DESC LIMIT 1
)
UPDATE outbox_cursors SET transaction_id = last.transaction_id, event_id = last.id FROM last
WHERE project_id = :project_id AND reader = :reader
RETURNING (SELECT count(*) FROM passed) AS passed_count, last.transaction_id, last.id
""")

_CLAIM = text("""
SELECT delivery.follower, delivery.attempts, event.id, event.type, event.entity_id, event.data, event.created_at
FROM outbox_deliveries AS delivery JOIN outbox_events AS event ON event.project_id = delivery.project_id
    AND event.transaction_id = delivery.transaction_id AND event.id = delivery.event_id
WHERE delivery.project_id = :project_id AND delivery.follower = ANY(:names)
    AND delivery.died_at IS NULL AND delivery.due_at <= now()
    AND NOT EXISTS (
        SELECT FROM outbox_deliveries AS earlier
        WHERE earlier.project_id = delivery.project_id AND earlier.follower = delivery.follower
            AND earlier.entity_id = delivery.entity_id AND earlier.event_id < delivery.event_id
            AND earlier.died_at IS NULL
    )
ORDER BY delivery.due_at, delivery.event_id LIMIT 1
FOR UPDATE OF delivery SKIP LOCKED
""").columns(data=JSONB)

_OF_DELIVERY: Final = "project_id = :project_id AND follower = :follower AND entity_id = :entity_id"

_DONE = text(f"DELETE FROM outbox_deliveries WHERE {_OF_DELIVERY} AND event_id = :event_id")

# Whoever tried it at the same time, or has done it, has counted that already.
_FAILED = text(f"""
UPDATE outbox_deliveries SET attempts = attempts + 1, last_error = :error,
    due_at = now() + make_interval(secs => :delay_seconds),
    died_at = CASE WHEN attempts + 1 >= :most_attempts THEN now() END
WHERE {_OF_DELIVERY} AND event_id = :event_id AND attempts = :attempts AND died_at IS NULL
""")

# What waits behind it need not be looked at before.
_WAIT = text(f"""
UPDATE outbox_deliveries SET due_at = now() + make_interval(secs => :delay_seconds)
WHERE {_OF_DELIVERY} AND event_id > :event_id AND died_at IS NULL
""")


async def look(connection: Connection, project_id: int) -> News:
    """What there is to do for the project: one statement of two look-ups in indexes."""
    return News(*await connection.fetchrow(_LOOK, project_id, READER))


async def pass_on(db: Database, project_id: int, followers: Iterable[Follower], digests: Sequence[Digest] = ()) -> int:
    """Write deliveries for the next events of transactions that have ended, have `digests` take note of them, and
    return how many events those were.

    Passes nothing on while another worker does.
    """
    async with db.write() as session:
        found = await _locked_cursor(session, project_id)
        if found is None:
            return 0
        # Who is asked after the horizon was fixed knows of everything that was there before the events within it.
        cursor, settled = found
        of_use = [each for each in followers if each.is_of_use is None or await each.is_of_use(session, project_id)]
        wanted = [(each.name, event_type) for each in of_use for event_type in sorted(each.event_types)]
        passing = await session.execute(
            _PASS_ON,
            {
                "settled": settled,
                "project_id": project_id,
                "reader": READER,
                "transaction_id": cursor.transaction_id,
                "event_id": cursor.event_id,
                "at_most": MOST_EVENTS,
                "lookahead": LOOKAHEAD,
                "names": [name for name, _ in wanted],
                "types": [None if event_type.endswith("*") else event_type for _, event_type in wanted],
                "beginnings": [event_type[:-1] if event_type.endswith("*") else None for _, event_type in wanted],
            },
        )
        passed = passing.first()
        if passed is None:
            return 0
        stretch = Stretch(project_id, cursor.transaction_id, cursor.event_id, passed.transaction_id, passed.id)
        for digest in digests:
            await digest(session, stretch)
        passed_count: int = passed.passed_count
        return passed_count


async def deliver_next(db: Database, project_id: int, followers: Sequence[Follower]) -> bool:
    """Let a follower handle the event that has been due for longest; False when none is, or others are at it.

    When the follower fails, the event is due again later, each time after a longer while, until it is a dead letter.
    Raises what the database raises when it cannot be reached.
    """
    by_name = {follower.name: follower for follower in followers}
    delivery = None
    try:
        async with db.write() as session:
            delivery = await _claimed(session, project_id, list(by_name))
            if delivery is None:
                return False
            await by_name[delivery.follower].handle(session, delivery.happening)
            await session.execute(_DONE, _named(delivery))
        seconds = (clock.now() - delivery.happening.created_at).total_seconds()
        record_followed(delivery.follower, max(seconds, 0.0))
    except Exception as error:  # whatever one follower fails with must not stop the others
        if delivery is None or (isinstance(error, DBAPIError) and error.connection_invalidated):
            raise
        await _note_failure(db, delivery, error)
    return True


async def _locked_cursor(session: AsyncSession, project_id: int) -> tuple[OutboxCursor, int] | None:
    """The project's cursor, locked, and `SETTLED`; None when another worker has it."""
    mine = OutboxCursor.project_id == project_id, OutboxCursor.reader == READER
    first = {"project_id": project_id, "reader": READER, "transaction_id": 0, "event_id": LAST}
    await session.execute(insert(OutboxCursor).values(first).on_conflict_do_nothing())
    settled: ColumnElement[int] = literal_column(SETTLED)
    locked = select(OutboxCursor, settled).where(*mine)
    row = (await session.execute(locked.with_for_update(of=OutboxCursor, skip_locked=True))).first()
    return row and (row[0], row[1])


async def _claimed(session: AsyncSession, project_id: int, names: list[str]) -> Delivery | None:
    row = (await session.execute(_CLAIM, {"project_id": project_id, "names": names})).first()
    if row is None:
        return None
    happening = Happening(project_id, row.id, row.type, row.entity_id, row.data, row.created_at)
    return Delivery(row.follower, row.attempts, happening)


async def _note_failure(db: Database, delivery: Delivery, error: Exception) -> None:
    attempts, happening = delivery.attempts + 1, delivery.happening
    is_dead = attempts >= MOST_ATTEMPTS
    record_follower_failure(delivery.follower, is_dead=is_dead)
    log.warning(
        "a follower failed",
        follower=delivery.follower,
        event_id=happening.id,
        event_type=happening.type,
        attempts=attempts,
        is_dead=is_dead,
        exc_info=error,
    )
    named = _named(delivery) | {"delay_seconds": delay_of(attempts, random.random()).total_seconds()}
    noted = {"attempts": delivery.attempts, "most_attempts": MOST_ATTEMPTS, "error": told(error)}
    async with db.write() as session:
        await session.execute(_FAILED, named | noted)
        if not is_dead:
            await session.execute(_WAIT, named)


def delay_of(attempts: int, chance: float) -> timedelta:
    """How long to wait after so many attempts: twice as long each time, and between half and all of that by `chance`
    (0 to 1), so that what failed together is not tried again together."""
    return min(FIRST_DELAY * (1 << (attempts - 1)), LONGEST_DELAY) * (0.5 + chance / 2)


def told(error: Exception) -> str:
    """What is kept of an error: nothing that a database quotes, because that can be personal data."""
    if isinstance(error, DBAPIError):
        return type(error.orig).__name__
    return f"{type(error).__name__}: {error}"[:1000] if isinstance(error, AppError) else type(error).__name__


def _named(delivery: Delivery) -> dict[str, Any]:
    return {
        "project_id": delivery.happening.project_id,
        "follower": delivery.follower,
        "entity_id": delivery.happening.entity_id,
        "event_id": delivery.happening.id,
    }


@dataclass(slots=True)
class _Turn:
    """When a project is looked at next. One in which nothing happens is looked at less and less often."""

    due_at: float = 0.0
    pause_seconds: float = ROUND_SECONDS


@dataclass(slots=True)
class Following:
    """The part of a worker that follows: `lanes` transactions at once, for all projects together.

    `project_ids` tells which projects there are.
    """

    work: Work
    followers: Sequence[Follower]
    digests: Sequence[Digest]
    project_ids: Callable[[Connection], Awaitable[Sequence[int]]]
    lanes: int
    _looked_for_projects_at: float = 0.0
    _turns: dict[int, _Turn] = field(default_factory=dict)
    _visits: dict[int, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self) -> None:
        """Follow until the worker stops. While the database cannot be reached, wait for it to come back."""
        gate = asyncio.Semaphore(self.lanes)
        try:
            while not self.work.stopping.is_set():
                pause_seconds = ROUND_SECONDS
                try:
                    await self._round(gate)
                except Exception as error:  # whatever it is, the worker goes on when it is over
                    log.warning("cannot follow what happens, and tries again", exc_info=error)
                    pause_seconds = TROUBLE_SECONDS
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.work.stopping.wait(), pause_seconds)
            await asyncio.gather(*self._visits.values())
        finally:
            for visit in self._visits.values():
                visit.cancel()

    async def _round(self, gate: asyncio.Semaphore) -> None:
        now = asyncio.get_running_loop().time()
        async with self.work.db.connection() as connection:
            if now >= self._looked_for_projects_at + LONGEST_PAUSE_SECONDS:
                known = await self.project_ids(connection)
                self._turns = {project_id: self._turns.get(project_id) or _Turn() for project_id in known}
                self._looked_for_projects_at = now
            due = [each for each, turn in self._turns.items() if turn.due_at <= now and each not in self._visits]
            for project_id in due:
                if any(await look(connection, project_id)):
                    self._turns[project_id] = _Turn()
                    self._visits[project_id] = asyncio.create_task(self._visit(project_id, gate))
                else:
                    self._rest(project_id, now)

    def _rest(self, project_id: int, now: float) -> None:
        turn = self._turns[project_id]
        turn.due_at = now + turn.pause_seconds
        turn.pause_seconds = min(turn.pause_seconds * 1.5, LONGEST_PAUSE_SECONDS)

    async def _visit(self, project_id: int, gate: asyncio.Semaphore) -> None:
        """Pass on what there is and deliver what is due, in all lanes that are free."""
        try:
            async with gate:
                await pass_on(self.work.db, project_id, self.followers, self.digests)
            async with asyncio.TaskGroup() as group:
                for _ in range(self.lanes):
                    group.create_task(self._deliver(project_id, gate))
        except Exception as error:  # what goes wrong with one project must not stop the others
            log.warning("cannot deliver what happened, and tries again", exc_info=error)
            self._turns[project_id] = _Turn(due_at=asyncio.get_running_loop().time() + TROUBLE_SECONDS)
        finally:
            del self._visits[project_id]

    async def _deliver(self, project_id: int, gate: asyncio.Semaphore) -> None:
        for _ in range(VISIT // self.lanes):
            async with gate:
                if self.work.stopping.is_set() or not await deliver_next(self.work.db, project_id, self.followers):
                    return
