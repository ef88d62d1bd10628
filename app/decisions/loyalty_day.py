"""What is done for loyalty programs because time has passed, step by step in a fixed order.

Days begin and end at the project's midnight; the worker looks every minute, so that each thing is done within a minute
of its moment and nothing has to be told when a day of which project begins.
"""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import structlog

from app.access.project_views import load_project
from app.incentives.loyalties import due
from app.incentives.loyalties.due import LapsedLot
from app.incentives.loyalty_tiers.recalculation import move_due
from app.kit import clock
from app.kit.jobs import Work

ROUND, MOST_ROUNDS = 200, 500

Step: TypeAlias = Callable[[Work, int], Awaitable[None]]
"""Does one thing for one project, for a bounded time; what is left it finds a minute later."""

log = structlog.get_logger(__name__)


async def activate_points(work: Work, project_id: int) -> None:
    """Put points on their cards that were pending long enough."""
    for _ in range(MOST_ROUNDS):
        work.leave_if_stopping()
        async with work.db.write() as session:
            project = await load_project(session, project_id)
            if await due.activate_due(session, project, clock.now(), at_most=ROUND) < ROUND:
                return


async def expire_points(work: Work, project_id: int) -> None:
    """Enter points as expired whose last day is over."""
    last: LapsedLot | None = None
    for _ in range(MOST_ROUNDS):
        work.leave_if_stopping()
        async with work.db.write() as session:
            if not await due.lock_expiry(session, project_id):
                return
            now = clock.now()
            lots = await due.lapsed_lots(session, project_id, now, last, at_most=ROUND)
            await due.expire(session, project_id, lots, now)
        if len(lots) < ROUND:
            return
        last = lots[-1]


STEPS: tuple[Step, ...] = (activate_points, move_due, expire_points)
"""In the order of the contract: pending points become active, rewards are redeemed by themselves, tiers end that do so
by date, and points expire. Tiers that depend on the balance follow every movement of points, expiry too."""


async def pass_day(work: Work, project_id: int) -> None:
    """Take every step for the project. A step that fails is logged and tried again a minute later: the others, and
    other projects, do not wait for it."""
    for step in STEPS:
        try:
            await step(work, project_id)
        except Exception as error:
            work.leave_if_stopping()
            log.exception("a step of the loyalty day failed", step=step.__name__, exc_info=error)
