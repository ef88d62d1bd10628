"""The worker: everything that is done after a request was answered, or without one."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import asyncpg
import structlog
from sqlalchemy import select, text

from app.access.client_side.allowances import delete_ended
from app.commerce.customers import activities, birthdays
from app.commerce.segments import watching
from app.decisions import loyalty_day
from app.decisions.earning import followers as earning
from app.decisions.milestones import reaching
from app.decisions.referrals.following import REFERRAL_FOLLOWERS
from app.decisions.referrals.settling import settle_due
from app.decisions.reward_redemptions import automatic as automatic_rewards
from app.distribution.exports import writing as exports
from app.incentives.async_actions import service as async_actions
from app.incentives.campaigns.deletion import DELETION
from app.incentives.campaigns.generation import GENERATION
from app.incentives.loyalty_tiers import recalculation as loyalty_tiers
from app.kit import clock
from app.kit.db import Connection, Database
from app.kit.following import Digest, Follower, Following
from app.kit.idempotency import delete_expired
from app.kit.jobs import JobKind, Recurring, Work, run_jobs
from app.ledger.holds import clear_expired
from app.models import Project
from app.settings import Settings

JOBS: tuple[JobKind, ...] = (
    GENERATION,
    DELETION,
    watching.WATCHING,
    exports.WRITING,
    loyalty_tiers.LOOKING,
    automatic_rewards.REDEEMING,
)
"""Every kind of job."""

FOLLOWERS: tuple[Follower, ...] = (
    loyalty_tiers.CARDS,
    automatic_rewards.CARDS,
    earning.FOLLOWER,
    *REFERRAL_FOLLOWERS,
    exports.FORGETTING,
    reaching.REACHING,
)
"""Everything that is done because something happened."""

DIGESTS: tuple[Digest, ...] = (activities.take_note,)
"""Everything that takes note of what happened, many events at once."""

MANAGEMENT = 0
"""The project under which the answers to management keys are kept."""
ROUND, MOST_ROUNDS = 1_000, 100
LOST_AFTER = timedelta(minutes=5)
DAYS_OF_JOB_LOG = 7
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 15.0
MOST_LANES = 8

log = structlog.get_logger(__name__)


async def forget_answers(work: Work) -> None:
    """Delete the answers kept for idempotency keys that have expired."""
    for project_id in [MANAGEMENT, *await _project_ids(work)]:
        for _ in range(MOST_ROUNDS):
            async with work.db.write() as session:
                if await delete_expired(session, project_id, clock.now(), at_most=ROUND) < ROUND:
                    break


async def revive_actions(work: Work) -> None:
    """Enqueue async actions and exports again whose job got lost."""
    for project_id in await _project_ids(work):
        async with work.db.write() as session:
            await async_actions.revive(session, project_id, clock.now() - LOST_AFTER)
            await exports.revive(session, project_id, clock.now() - LOST_AFTER)


async def clear_holds(work: Work) -> None:
    """Clear away what sessions held that have expired."""
    for project_id in await _project_ids(work):
        for _ in range(MOST_ROUNDS):
            async with work.db.write() as session:
                if not await clear_expired(session, project_id, at_most=ROUND):
                    break


async def follow_segments(work: Work) -> None:
    """Announce who entered and left auto-update segments because of what happened."""
    for project_id in await _project_ids(work):
        await watching.follow(work, project_id)


async def refresh_segments(work: Work) -> None:
    """Announce who entered and left auto-update segments because time has passed."""
    for project_id in await _project_ids(work):
        await watching.look_at_all(work, project_id)


async def pass_loyalty_day(work: Work) -> None:
    """Do for loyalty programs what is due: activate and expire points, and what depends on it."""
    for project_id in await _project_ids(work):
        await loyalty_day.pass_day(work, project_id)


async def announce_birthdays(work: Work) -> None:
    """Announce whose birthday it is where the project is."""
    for project_id in await _project_ids(work):
        for _ in range(MOST_ROUNDS):
            async with work.db.write() as session:
                if await birthdays.announce_due(session, project_id, clock.now(), at_most=ROUND) < ROUND:
                    break


async def settle_referrals(work: Work) -> None:
    """Give the rewards of referrals whose cooling-off is over."""
    for project_id in await _project_ids(work):
        await settle_due(work, project_id)


async def forget_exports(work: Work) -> None:
    """Delete the files that have expired."""
    for project_id in await _project_ids(work):
        async with work.db.write() as session:
            await exports.forget_expired(session, project_id, clock.now())


async def forget_allowances(work: Work) -> None:
    """Delete what clients have used of limits whose time has ended."""
    for project_id in await _project_ids(work):
        for _ in range(MOST_ROUNDS):
            async with work.db.write() as session:
                if await delete_ended(session, project_id, clock.now(), at_most=ROUND) < ROUND:
                    break


async def _project_ids(work: Work) -> Sequence[int]:
    """The projects are few and no statement spans them: what is done for all is done one by one."""
    async with work.db.read() as session:
        return (await session.scalars(select(Project.id))).all()


async def _projects(connection: Connection) -> Sequence[int]:
    return [row["id"] for row in await connection.fetch("SELECT id FROM projects")]


async def forget_jobs(work: Work) -> None:
    """Delete the log of jobs done long ago."""
    async with work.db.write() as session:
        await session.execute(
            text("DELETE FROM pgqueuer_log WHERE aggregated AND created < now() - make_interval(days => :days)"),
            {"days": DAYS_OF_JOB_LOG},
        )


RECURRING: tuple[Recurring, ...] = (
    Recurring("forget_answers", "*/10 * * * *", forget_answers),
    Recurring("follow_segments", "* * * * *", follow_segments),
    Recurring("refresh_segments", "41 2 * * *", refresh_segments),
    Recurring("pass_loyalty_day", "* * * * *", pass_loyalty_day),
    Recurring("announce_birthdays", "*/10 * * * *", announce_birthdays),
    Recurring("clear_holds", "* * * * *", clear_holds),
    Recurring("settle_referrals", "* * * * *", settle_referrals),
    Recurring("forget_allowances", "*/5 * * * *", forget_allowances),
    Recurring("forget_exports", "23 * * * *", forget_exports),
    Recurring("revive_actions", "*/5 * * * *", revive_actions),
    Recurring("forget_jobs", "17 3 * * *", forget_jobs),
)
"""Everything that is done by the clock."""


async def run_worker(settings: Settings, followers: Sequence[Follower] = FOLLOWERS) -> None:
    """Do jobs and follow what happens until this task is cancelled; then what is running gets `shutdown_seconds` to
    reach a place where another worker can go on.

    Any number of workers may run. When the database cannot be reached the worker waits for it to come back.
    """
    assert settings.database_url is not None, "the launcher sets the URL of the embedded database"
    clock.shift(settings.clock_offset_seconds)
    db = Database(
        settings.database_url,
        pool_size=settings.pool_size,
        statement_seconds=settings.statement_seconds,
        lock_seconds=settings.lock_seconds,
        pool_seconds=settings.pool_seconds,
        application_name="guerdon worker",
    )
    work = Work(db)
    running = asyncio.create_task(_run_everything(work, settings, followers))
    try:
        await asyncio.shield(running)
    finally:
        work.stopping.set()
        await asyncio.wait({running}, timeout=settings.shutdown_seconds)
        running.cancel()
        await asyncio.wait({running})
        await db.close()


async def _run_everything(work: Work, settings: Settings, followers: Sequence[Follower]) -> None:
    following = Following(work, followers, DIGESTS, _projects, lanes=max(1, min(settings.pool_size // 2, MOST_LANES)))
    async with asyncio.TaskGroup() as group:
        group.create_task(_keep_running(work, settings))
        group.create_task(following.run())


async def _keep_running(work: Work, settings: Settings) -> None:
    silence = timedelta(seconds=settings.job_silence_seconds)
    run = partial(run_jobs, work, str(settings.database_url), JOBS, RECURRING, silence=silence)
    pause_seconds = FIRST_PAUSE_SECONDS
    while not work.stopping.is_set():
        began_at = asyncio.get_running_loop().time()
        try:
            await run()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if asyncio.get_running_loop().time() - began_at > LONGEST_PAUSE_SECONDS:
                pause_seconds = FIRST_PAUSE_SECONDS
            log.warning("the worker lost the database and tries again", seconds=pause_seconds, error=str(error))
            await _pause(work, pause_seconds)
            pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)


async def _pause(work: Work, seconds: float) -> None:
    try:
        await asyncio.wait_for(work.stopping.wait(), seconds)
    except TimeoutError:
        return
