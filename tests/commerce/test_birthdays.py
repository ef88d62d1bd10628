"""Birthdays: announced on the day where the project is, once a year."""

import asyncio
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from app.commerce.customers.birthdays import ANNOUNCED, announce_due, born_on
from app.kit.db import Database
from app.models import OutboxEvent
from tests.factories.access import ProjectKeys, give_project
from tests.factories.commerce import give_customer


async def look(db: Database, project: ProjectKeys, now: datetime) -> int:
    async with db.write() as session:
        return await announce_due(session, project.id, now, at_most=100)


async def announced(db: Database, project: ProjectKeys) -> list[tuple[str, int]]:
    """Customer and year of each birthday that was announced."""
    async with db.read() as session:
        events = await session.scalars(
            select(OutboxEvent)
            .where(OutboxEvent.project_id == project.id, OutboxEvent.type == ANNOUNCED)
            .order_by(OutboxEvent.id)
        )
        return [(each.entity_id, each.data["year"]) for each in events]


async def test_a_birthday_is_announced_once_each_year_on_the_day(db: Database, project: ProjectKeys) -> None:
    ada = await give_customer(db, project, source_id="ada", birthdate="1990-11-22")
    await give_customer(db, project, source_id="grace", birthdate="1990-11-23")
    await give_customer(db, project, source_id="none")

    for now in (datetime(2026, 11, 22, 9, tzinfo=UTC), datetime(2026, 11, 22, 10, tzinfo=UTC)):
        await look(db, project, now)
    await look(db, project, datetime(2026, 11, 21, 10, tzinfo=UTC))
    await look(db, project, datetime(2027, 11, 22, 0, tzinfo=UTC))

    assert await announced(db, project) == [(ada.id, 2026), (ada.id, 2027)]


async def test_the_day_begins_where_the_project_is(db: Database) -> None:
    tokyo = await give_project(db, timezone="Asia/Tokyo")
    ada = await give_customer(db, tokyo, source_id="ada", birthdate="1990-11-22")

    too_early = await look(db, tokyo, datetime(2026, 11, 21, 14, 59, tzinfo=UTC))
    on_the_day = await look(db, tokyo, datetime(2026, 11, 21, 15, 0, tzinfo=UTC))
    too_late = await look(db, tokyo, datetime(2027, 11, 22, 15, 0, tzinfo=UTC))

    assert (too_early, on_the_day, too_late) == (0, 1, 0)
    assert await announced(db, tokyo) == [(ada.id, 2026)]


async def test_many_workers_announce_a_birthday_once(db: Database, project: ProjectKeys) -> None:
    for number in range(5):
        await give_customer(db, project, source_id=f"c{number}", birthdate="2000-01-01")

    await asyncio.gather(*(look(db, project, datetime(2027, 1, 1, 12, tzinfo=UTC)) for _ in range(8)))

    assert len(await announced(db, project)) == 5


@pytest.mark.parametrize(
    ("today", "days"),
    [
        (date(2027, 2, 28), (28, 29)),
        (date(2028, 2, 28), (28, 28)),
        (date(2028, 2, 29), (29, 29)),
        (date(2027, 3, 1), (1, 1)),
    ],
)
def test_who_was_born_on_a_leap_day_has_the_birthday_on_the_last_of_february(
    today: date, days: tuple[int, int]
) -> None:
    assert born_on(today) == days


async def test_nobody_has_a_birthday_before_being_born(db: Database, project: ProjectKeys) -> None:
    await give_customer(db, project, source_id="later", birthdate="2030-01-01")

    assert await look(db, project, datetime(2027, 1, 1, 12, tzinfo=UTC)) == 0
