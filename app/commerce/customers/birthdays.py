"""Birthdays, announced on the day, once a year for each customer.

The day is that of the project's zone. Who was born on a 29 February has the birthday on the 28th in other years: still
in the month of birth, and not after it.
"""

from calendar import isleap
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Project

ANNOUNCED = "customer.birthday"

# Only who is marked in this statement is announced by it, however many workers look.
_ANNOUNCE = text("""
WITH born AS MATERIALIZED (
    SELECT customer.id FROM customers AS customer
    WHERE customer.project_id = :project_id AND customer.birthdate IS NOT NULL AND customer.merged_into IS NULL
        AND date_part('month', customer.birthdate) = :month
        AND date_part('day', customer.birthdate) BETWEEN :first_day AND :last_day
        AND customer.birthdate <= :today
        AND NOT EXISTS (
            SELECT FROM customer_birthdays AS known
            WHERE known.project_id = :project_id AND known.customer_id = customer.id AND known.year >= :year
        )
    ORDER BY customer.id LIMIT :at_most
), marked AS (
    INSERT INTO customer_birthdays AS known (project_id, customer_id, year)
    SELECT :project_id, id, :year FROM born
    ON CONFLICT (project_id, customer_id) DO UPDATE SET year = excluded.year WHERE known.year < excluded.year
    RETURNING customer_id
), announced AS (
    INSERT INTO outbox_events (project_id, type, entity_id, data, created_at)
    SELECT :project_id, :type, customer_id, jsonb_build_object(
        'customer', jsonb_build_object('id', customer_id, 'object', 'customer'), 'year', CAST(:year AS integer)
    ), :now
    FROM marked
)
SELECT count(*) FROM born
""")


async def announce_due(session: AsyncSession, project_id: int, now: datetime, *, at_most: int) -> int:
    """Announce `customer.birthday` for customers whose birthday it is and of whom it was not announced this year; how
    many those were."""
    zone = await session.scalar(select(Project.timezone).where(Project.id == project_id))
    today = now.astimezone(ZoneInfo(zone or "UTC")).date()
    first_day, last_day = born_on(today)
    announced = await session.scalar(
        _ANNOUNCE,
        {
            "project_id": project_id,
            "month": today.month,
            "first_day": first_day,
            "last_day": last_day,
            "today": today,
            "year": today.year,
            "type": ANNOUNCED,
            "now": now,
            "at_most": at_most,
        },
    )
    return announced or 0


def born_on(today: date) -> tuple[int, int]:
    """The first and last day of this month on which somebody was born whose birthday is `today`."""
    is_for_leap_day, day = (today.month, today.day) == (2, 28) and not isleap(today.year), today.day
    return (day, day + 1) if is_for_leap_day else (day, day)
