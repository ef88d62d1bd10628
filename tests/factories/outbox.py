"""Having followers handle what has happened, without a worker."""

import asyncio
from collections.abc import Sequence

from sqlalchemy import text

from app.kit.db import Database
from app.kit.following import Follower, deliver_next, look, pass_on
from app.worker import DIGESTS, FOLLOWERS
from tests.factories.access import ProjectKeys


async def settled(db: Database, *, seconds: float = 60) -> None:
    """Return when all that was committed until now can be followed: when no transaction is open that was open now.

    Transactions of other databases of the server count, too.
    """
    async with db.read() as session:
        until = await session.scalar(text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"))
    async with asyncio.timeout(seconds):
        while True:
            async with db.read() as session:
                oldest = await session.scalar(text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"))
            if oldest >= until:
                return
            await asyncio.sleep(0.01)


DUE = """
SELECT EXISTS (
    SELECT FROM outbox_deliveries
    WHERE project_id = $1 AND follower = ANY ($2) AND died_at IS NULL AND due_at <= now()
)
"""


async def follow_all(db: Database, project: ProjectKeys, followers: Sequence[Follower] = FOLLOWERS) -> None:
    """Have `followers` handle everything that was announced, and what they announce themselves, as far as it is due."""
    while True:
        await settled(db)
        passed = await pass_on(db, project.id, followers, DIGESTS)
        delivered = 0
        while await deliver_next(db, project.id, followers):
            delivered += 1
        async with db.connection() as connection:
            has_events, _ = await look(connection, project.id)
            is_waiting = await connection.fetchval(DUE, project.id, [follower.name for follower in followers])
        if not passed and not delivered and not has_events and not is_waiting:
            return
        if is_waiting:  # for a worker that is just handling it
            await asyncio.sleep(0.01)
