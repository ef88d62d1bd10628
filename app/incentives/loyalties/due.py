"""What time does to points: those that wait become good, those that were good long enough expire.

Steps of the worker, a bounded number of rows at a time. Any number of workers may take them: pending points are
passed over that another one is just activating, and points of a project are expired by one at a time.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import WORKER, ProjectView
from app.engine.points_expiration import PointsExpirationRules
from app.engine.postings import Posting
from app.incentives.loyalties import events
from app.incentives.loyalties.errors import PointsExceeded
from app.incentives.loyalties.pending import PENDING
from app.incentives.loyalties.points import PROGRAM_RULES, Expiry, addition, move
from app.incentives.loyalties.rendering import pending_read
from app.incentives.publications.repository import PoolRepository
from app.kit.ids import new_id
from app.ledger.movements import Cause, Movement, points_account
from app.models import Campaign, PendingPoints, Voucher

_EXPIRY_LOCK = 7
"""First half of the advisory lock pair; the second is the project."""

Cards = dict[str, tuple[Voucher, Campaign | None]]

# What sessions hold is left to them: beside the lot, that much has to remain of what has not expired, or of the lot.
LAPSED = text(
    """
SELECT lot.id, lot.owner_id, lot.expires_at, least(
    lot.left_points,
    account.balance - account.held + lot.left_points
    - expired_points(lot.project_id, lot.owner_id, lot.measure, lot.subject, lot.period, :now)
) AS points
FROM lots AS lot JOIN accounts AS account USING (project_id, owner_id, measure, subject, period)
WHERE lot.project_id = :project_id AND lot.has_points AND lot.expires_at <= :now
    AND (lot.expires_at, lot.id) > (:after, :after_id) AND lot.measure = 'points'
ORDER BY lot.expires_at, lot.id LIMIT :at_most
"""
)


class LapsedLot(NamedTuple):
    """A lot that has expired, and how much of it can be entered as expired now."""

    id: str
    owner_id: str
    expires_at: datetime
    points: int


async def activate_due(session: AsyncSession, project: ProjectView, now: datetime, *, at_most: int) -> int:
    """Put points on their cards that are due at `now`; how many were looked at. Those of deleted cards are canceled."""
    due = (
        select(PendingPoints.id)
        .where(PendingPoints.project_id == project.id, PENDING, PendingPoints.activates_at <= now)
        .order_by(PendingPoints.activates_at)
        .limit(at_most)
        .with_for_update(skip_locked=True)
    )
    settled = (
        update(PendingPoints)
        .where(PendingPoints.project_id == project.id, PendingPoints.id.in_(select(due.cte("due").c.id)))
        .values(status="ACTIVATED", updated_at=now)
        .returning(PendingPoints)
        .execution_options(synchronize_session=False)
    )
    rows = (await session.scalars(settled)).all()
    cards = await _cards(session, project.id, (row.voucher_id for row in rows))
    moved: list[tuple[Voucher, Campaign | None, Movement]] = []
    for row in rows:
        card, campaign = cards.get(row.voucher_id, (None, None))
        if card is None or campaign is None or card.holder_id is None or card.deleted_at or campaign.deleted_at:
            row.status = "CANCELED"
            continue
        events.pending_changed(session, card, campaign, row, "activated")
        rules: Expiry = PROGRAM_RULES
        if row.expiration_rules:
            rules = PointsExpirationRules.model_validate(row.expiration_rules)
        details = {**row.details, "pending_points": pending_read(row, project.zone)}
        cause = Cause("pending_points", row.id)
        movement = addition(project, card, campaign, row.points, cause, expires_at=rules, actor=WORKER, details=details)
        moved.append((card, campaign, movement))
    if moved:
        await move(session, moved)
    return len(rows)


async def lapsed_lots(
    session: AsyncSession, project_id: int, now: datetime, after: LapsedLot | None, *, at_most: int
) -> Sequence[LapsedLot]:
    """Lots that have expired and are not empty, those first that expired first, following `after`."""
    values = {
        "project_id": project_id,
        "now": now,
        "at_most": at_most,
        "after": after.expires_at if after else datetime.min.replace(tzinfo=now.tzinfo),
        "after_id": after.id if after else "",
    }
    return [LapsedLot(*row) for row in await session.execute(LAPSED, values)]


async def lock_expiry(session: AsyncSession, project_id: int) -> bool:
    """Whether this transaction may expire points of the project: one may at a time."""
    locked: bool = await session.scalar(
        text("SELECT pg_try_advisory_xact_lock(:lock, :project_id)"), {"lock": _EXPIRY_LOCK, "project_id": project_id}
    )
    return locked


async def expire(session: AsyncSession, project_id: int, lots: Sequence[LapsedLot], now: datetime) -> None:
    """Enter what is left in these lots as expired; one is left for the next time of which a session holds more since
    it was looked at."""
    expiring = [lot for lot in lots if lot.points > 0]
    cards = await _cards(session, project_id, (lot.owner_id for lot in expiring))
    moved = [(*cards[lot.owner_id], _expiry_of(lot, cards[lot.owner_id][0], now)) for lot in expiring]
    if not moved:
        return
    try:
        async with session.begin_nested():
            await move(session, moved)
    except PointsExceeded:
        for one in moved:
            try:
                async with session.begin_nested():
                    await move(session, [one])
            except PointsExceeded:
                continue


def _expiry_of(lot: LapsedLot, card: Voucher, now: datetime) -> Movement:
    entry_id = new_id("vtx")
    return Movement(
        Posting(points_account(card.id), -lot.points, 0),
        "expired",
        Cause("expiry", entry_id),  # a lot can expire again, after points came back to it
        effective_at=now,
        actor=WORKER,
        campaign_id=card.campaign_id,
        id=entry_id,
        lot_id=lot.id,
        details={"bucket": {"id": lot.id, "expires_at": lot.expires_at.isoformat()}},
    )


async def _cards(session: AsyncSession, project_id: int, card_ids: Iterable[str]) -> Cards:
    """These cards with their programs, deleted ones included; no statement for none."""
    ids = set(card_ids)
    return await PoolRepository(session, project_id).with_campaigns(ids) if ids else {}
