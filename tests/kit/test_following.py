"""Followers of what happens: told of everything once, in order, whatever fails, commits late or is killed."""

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit import clock, following
from app.kit.db import Database
from app.kit.following import Follower, Happening, delay_of, deliver_next, pass_on
from app.kit.migrations import migrate
from app.kit.outbox import OutboxDelivery, OutboxEvent, announce
from app.settings import Settings
from app.worker import run_worker
from tests.factories.access import ProjectKeys, give_project
from tests.factories.databases import empty_database
from tests.factories.outbox import follow_all, settled

RESTORING = Path(__file__).parents[2] / "docs" / "restoring.md"
PROGRAM = """
import asyncio
from sqlalchemy import text
from app.kit.following import Follower
from app.settings import Settings
from app.worker import run_worker

async def note(session, happening):
    await session.execute(
        text("INSERT INTO handled (event_id, entity_id, number) VALUES (:id, :entity_id, :number)"),
        {"id": happening.id, "entity_id": happening.entity_id, "number": happening.data["number"]},
    )
    await asyncio.sleep(0.001)

asyncio.run(run_worker(Settings(pool_size=8), (Follower("noting", frozenset({"probe.*"}), note),)))
"""


class Notes:
    """A follower that remembers what it handled in transactions that committed, as far as it does not `fail`."""

    def __init__(self, *event_types: str, name: str = "notes", fails: Sequence[int] = ()) -> None:
        self.handled: list[tuple[str, str, Any]] = []
        self.fails = set(fails)
        self.follower = Follower(name, frozenset(event_types), self.handle)

    async def handle(self, session: AsyncSession, happening: Happening) -> None:
        announce(session, happening.project_id, "echo", happening.entity_id, happening.data)
        await session.flush()
        if happening.data["number"] in self.fails:
            raise ValueError("this one fails")
        self.handled.append((happening.type, happening.entity_id, happening.data["number"]))


async def tell(db: Database, project: ProjectKeys, entity_id: str, number: int, event_type: str = "probe.a") -> None:
    async with db.write() as session:
        announce(session, project.id, event_type, entity_id, {"number": number})


async def make_due(db: Database, project: ProjectKeys) -> None:
    async with db.write() as session:
        await session.execute(
            text("UPDATE outbox_deliveries SET due_at = now() WHERE project_id = :id"), {"id": project.id}
        )


async def deliveries(db: Database, project: ProjectKeys) -> list[OutboxDelivery]:
    async with db.read() as session:
        rows = select(OutboxDelivery).where(OutboxDelivery.project_id == project.id)
        return list(await session.scalars(rows.order_by(OutboxDelivery.event_id)))


async def test_a_follower_is_told_once_of_each_event_it_wants_and_of_no_other(
    db: Database, project: ProjectKeys
) -> None:
    all_notes, one_note = Notes("probe.*", "probe.a"), Notes("probe.b", name="other")
    for number, event_type in enumerate(("probe.a", "probe.b", "probing", "Probe.a")):
        await tell(db, project, f"e{number}", number, event_type)

    for _ in range(2):
        await follow_all(db, project, [all_notes.follower, one_note.follower])

    assert sorted(all_notes.handled) == [("probe.a", "e0", 0), ("probe.b", "e1", 1)]
    assert one_note.handled == [("probe.b", "e1", 1)]
    assert await deliveries(db, project) == []


async def test_an_event_that_commits_late_is_delivered_all_the_same(db: Database, project: ProjectKeys) -> None:
    notes = Notes("probe.*")

    async with db.write() as late:
        announce(late, project.id, "probe.a", "late", {"number": 1})
        await late.flush()
        await tell(db, project, "early", 2)
        await pass_on(db, project.id, [notes.follower])
    await follow_all(db, project, [notes.follower])

    assert sorted(notes.handled) == [("probe.a", "early", 2), ("probe.a", "late", 1)]


async def test_what_a_transaction_did_that_waited_for_another_is_told_after_what_the_other_did(
    db: Database, project: ProjectKeys
) -> None:
    """The one that waited began first, and one that began between them is still open."""
    notes = Notes("probe.*")

    async with db.write() as between:
        async with db.write() as waiting:
            await waiting.execute(text("SELECT pg_current_xact_id()"))
            await between.execute(text("SELECT pg_current_xact_id()"))
            await tell(db, project, "object", 1)
            announce(waiting, project.id, "probe.a", "object", {"number": 2})
        passed = await pass_on(db, project.id, [notes.follower])
    await follow_all(db, project, [notes.follower])

    assert passed == 0
    assert [number for _, _, number in notes.handled] == [1, 2]


async def test_what_a_follower_fails_with_leaves_nothing_and_holds_up_its_object_alone(
    db: Database, project: ProjectKeys
) -> None:
    notes = Notes("probe.*", fails=[1])
    for entity_id, number in (("a", 1), ("a", 2), ("b", 3)):
        await tell(db, project, entity_id, number)

    await follow_all(db, project, [notes.follower])
    at_first, (failed, waiting) = list(notes.handled), await deliveries(db, project)
    notes.fails.clear()
    await make_due(db, project)
    await follow_all(db, project, [notes.follower])

    assert at_first == [("probe.a", "b", 3)]
    assert (failed.attempts, failed.last_error, waiting.attempts) == (1, "ValueError", 0)
    assert failed.due_at > clock.now()
    assert notes.handled[1:] == [("probe.a", "a", 1), ("probe.a", "a", 2)]
    async with db.read() as session:
        echoes = await session.scalars(
            select(OutboxEvent.data).where(OutboxEvent.project_id == project.id, OutboxEvent.type == "echo")
        )
        assert sorted(echo["number"] for echo in echoes) == [1, 2, 3]


async def test_what_keeps_failing_becomes_a_dead_letter_and_lets_what_came_later_pass(
    db: Database, project: ProjectKeys
) -> None:
    notes = Notes("probe.*", fails=[1])
    await tell(db, project, "a", 1)
    await tell(db, project, "a", 2)
    await settled(db)
    await pass_on(db, project.id, [notes.follower])

    for _ in range(following.MOST_ATTEMPTS):
        await make_due(db, project)
        await deliver_next(db, project.id, [notes.follower])
    await make_due(db, project)
    await follow_all(db, project, [notes.follower])

    (dead,) = await deliveries(db, project)
    assert (dead.attempts, dead.died_at is not None) == (following.MOST_ATTEMPTS, True)
    assert notes.handled == [("probe.a", "a", 2)]


async def test_a_follower_hears_nothing_of_a_project_that_has_no_use_for_it(db: Database, project: ProjectKeys) -> None:
    other = await give_project(db)
    notes = Notes("probe.*")

    async def is_of_use(session: AsyncSession, project_id: int) -> bool:
        return project_id == other.id

    follower = replace(notes.follower, is_of_use=is_of_use)
    for each in (project, other):
        await tell(db, each, "a", each.id)
        await settled(db)
        await follow_all(db, each, [follower])

    assert [number for _, _, number in notes.handled] == [other.id]


async def test_a_follower_of_another_version_keeps_its_deliveries(db: Database, project: ProjectKeys) -> None:
    newer, older = Notes("probe.*", name="newer"), Notes("probe.*", name="older")
    await tell(db, project, "a", 1)
    await settled(db)
    await pass_on(db, project.id, [newer.follower, older.follower])

    await follow_all(db, project, [older.follower])
    (left,) = await deliveries(db, project)
    await follow_all(db, project, [newer.follower])

    assert left.follower == "newer"
    assert len(older.handled) == len(newer.handled) == 1


async def test_many_workers_hand_each_event_to_a_follower_once(db: Database, project: ProjectKeys) -> None:
    notes = Notes("probe.*")
    for number in range(60):
        await tell(db, project, f"e{number % 7}", number)
    await settled(db)

    async def work() -> None:
        await pass_on(db, project.id, [notes.follower])
        while await deliver_next(db, project.id, [notes.follower]):
            pass

    await asyncio.gather(*(work() for _ in range(8)))
    await follow_all(db, project, [notes.follower])

    assert sorted(number for _, _, number in notes.handled) == list(range(60))
    for entity in range(7):
        numbers = [number for _, entity_id, number in notes.handled if entity_id == f"e{entity}"]
        assert numbers == sorted(numbers)


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_the_time_between_attempts_doubles_up_to_a_bound_and_differs_by_chance(chance: float) -> None:
    delays = [delay_of(attempts, chance).total_seconds() for attempts in range(1, 13)]

    assert delays[:3] == [0.5 + chance / 2, 1 + chance, 2 + 2 * chance]
    assert max(delays) == 300 * (0.5 + chance / 2)


@pytest.fixture
async def own_database_url(postgres_url: str) -> AsyncIterator[str]:
    async with empty_database(postgres_url) as url:
        await migrate(url)
        yield url


@pytest.fixture
async def own_db(own_database_url: str) -> AsyncIterator[Database]:
    database = Database(own_database_url, pool_size=8)
    async with database.write() as session:
        await session.execute(
            text("CREATE TABLE handled (event_id bigint, entity_id text, number int, place bigserial)")
        )
    yield database
    await database.close()


async def test_workers_killed_in_the_middle_leave_no_event_unhandled_and_none_handled_twice(
    own_db: Database, own_database_url: str
) -> None:
    projects = [await give_project(own_db) for _ in range(2)]
    async with own_db.write() as session:
        for number in range(1_000):
            announce(session, projects[number % 2].id, "probe.a", f"e{number % 50}", {"number": number})

    killed_at = []
    for share in (150, 400, 650):
        workers = [await start_worker(own_database_url) for _ in range(2)]
        killed_at.append(await until_handled(own_db, share))
        for worker in workers:
            worker.send_signal(signal.SIGKILL)
            await worker.wait()
    last = await start_worker(own_database_url)
    await until_handled(own_db, 1_000)
    await asyncio.sleep(0.5)
    last.kill()
    await last.wait()

    async with own_db.read() as session:
        handled = (await session.execute(text("SELECT entity_id, number FROM handled ORDER BY place"))).all()
    assert all(count < 1_000 for count in killed_at)
    assert sorted(number for _, number in handled) == list(range(1_000))


async def start_worker(url: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM), env={**os.environ, "GUERDON_DATABASE_URL": url}
    )


async def until_handled(db: Database, count: int) -> int:
    """How many were handled once it was at least `count`."""
    async with asyncio.timeout(60):
        while True:
            async with db.read() as session:
                handled = await session.scalar(text("SELECT count(*) FROM handled")) or 0
            if handled >= count:
                return handled
            await asyncio.sleep(0.01)


async def test_after_a_dump_was_restored_as_documented_what_was_left_is_handled_and_nothing_twice(
    own_db: Database,
) -> None:
    """The dump is from a server whose transactions had much higher numbers."""
    project, notes = await give_project(own_db), Notes("probe.*", fails=[2])
    for number in (1, 2):
        await tell(own_db, project, f"e{number}", number)
    await follow_all(own_db, project, [notes.follower])
    await tell(own_db, project, "e3", 3)
    async with own_db.write() as session:
        for table in ("outbox_events", "outbox_deliveries", "outbox_cursors", "customer_activities"):
            await session.execute(text(f"UPDATE {table} SET transaction_id = transaction_id + 10^12"))

    (commands,) = re.findall(r"```sql\nBEGIN;\n(.*?)COMMIT;\n```", RESTORING.read_text(), re.DOTALL)
    async with own_db.write() as session:
        for command in commands.split(";\n")[:-1]:
            await session.execute(text(command))
    notes.fails.clear()
    await make_due(own_db, project)
    await tell(own_db, project, "e4", 4)
    await follow_all(own_db, project, [notes.follower])

    assert sorted(number for _, _, number in notes.handled) == [1, 2, 3, 4]


async def test_a_running_worker_handles_an_event_within_a_second_of_its_commit(
    own_db: Database, own_database_url: str
) -> None:
    project = await give_project(own_db)
    handled: dict[int, float] = {}
    all_handled = asyncio.Event()

    async def note(session: AsyncSession, happening: Happening) -> None:
        handled[happening.data["number"]] = time.monotonic()
        if len(handled) == 5:
            all_handled.set()

    follower = Follower("noting", frozenset({"probe.a"}), note)
    worker = asyncio.create_task(run_worker(Settings(database_url=own_database_url, pool_size=4), [follower]))
    committed: dict[int, float] = {}
    for number in range(5):
        await asyncio.sleep(0.8)
        await tell(own_db, project, "a", number)
        committed[number] = time.monotonic()
    await asyncio.wait_for(all_handled.wait(), 10)
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)

    assert sorted(handled[number] - committed[number] for number in range(5))[2] < 1
