"""Points that are earned and held back for a while: steps that run inside one transaction.

Their state changes by one guarded UPDATE each: of two who do something to the same points at once, one comes too late.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import literal_column, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import ProjectView
from app.engine.points_expiration import PointsExpirationRules
from app.incentives.loyalties import events
from app.incentives.loyalties.errors import InvalidPendingPointsChange, InvalidPendingPointsState, PendingPointsNotFound
from app.incentives.loyalties.points import PROGRAM_RULES, Expiry, add_points
from app.incentives.loyalties.rendering import pending_read
from app.kit import clock
from app.kit.ids import new_id
from app.kit.repository import Repository
from app.ledger.movements import Cause, CauseType, Holdings
from app.models import Campaign, PendingPoints, Voucher

PENDING = PendingPoints.status == literal_column("'PENDING'")
"""A literal: with a parameter a prepared statement would not see that the partial indexes are meant."""


class PendingPointsRepository(Repository[PendingPoints]):
    model: ClassVar = PendingPoints

    async def settle(self, pending_id: str, status: str, now: datetime) -> PendingPoints | None:
        """The row, pending until now and `status` from now on; None when it is not pending."""
        return await self._change(pending_id, {"status": status, "updated_at": now})

    async def adjust(self, pending_id: str, points: int, now: datetime) -> PendingPoints | None:
        """The row with so many points more, or less; None when it is not pending, or none would be left."""
        changed = PendingPoints.points + points
        return await self._change(pending_id, {"points": changed, "updated_at": now}, changed > 0)

    async def _change(self, pending_id: str, values: Mapping[str, Any], *conditions: Any) -> PendingPoints | None:
        changed = (
            update(PendingPoints)
            .where(PendingPoints.project_id == self.project_id, PendingPoints.id == pending_id, PENDING, *conditions)
            .values(values)
            .returning(PendingPoints)
            .execution_options(populate_existing=True, synchronize_session=False)
        )
        row: PendingPoints | None = await self.session.scalar(changed)
        return row

    async def of_causes(
        self, card_id: str, cause_type: CauseType, cause_ids: Collection[str]
    ) -> Sequence[PendingPoints]:
        """What these causes have earned for the card and is still pending."""
        rows = self.rows().where(
            PendingPoints.voucher_id == card_id,
            PendingPoints.cause_type == cause_type,
            PendingPoints.cause_id.in_(cause_ids),
            PENDING,
        )
        return (await self.session.scalars(rows.order_by(PendingPoints.id))).all()


async def hold_back(
    session: AsyncSession,
    card: Voucher,
    campaign: Campaign,
    points: int,
    cause: Cause,
    *,
    activates_at: datetime,
    expiration_rules: PointsExpirationRules | None = None,
    order_id: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> PendingPoints | None:
    """Keep `points` for the card until `activates_at`; None when the cause has earned them before.

    They begin to expire when they are activated: by `expiration_rules`, else by those the program has then.
    """
    assert card.holder_id is not None, "points are earned by the holder of a card"
    added = (
        insert(PendingPoints)
        .values(
            project_id=card.project_id,
            id=new_id("lopp"),
            voucher_id=card.id,
            campaign_id=campaign.id,
            customer_id=card.holder_id,
            order_id=order_id,
            points=points,
            status="PENDING",
            activates_at=activates_at,
            cause_type=cause.type,
            cause_id=cause.id,
            expiration_rules=None if expiration_rules is None else expiration_rules.model_dump(exclude_none=True),
            details=dict(details or {}),
            created_at=clock.now(),
            updated_at=None,
        )
        .on_conflict_do_nothing(constraint="pending_points_cause_key")
        .returning(PendingPoints)
    )
    pending: PendingPoints | None = await session.scalar(added)
    if pending is not None:
        events.pending_changed(session, card, campaign, pending, "added")
    return pending


async def activate(
    session: AsyncSession,
    project: ProjectView,
    card: Voucher,
    campaign: Campaign,
    pending_id: str,
    *,
    actor: str | None = None,
) -> tuple[PendingPoints, Holdings]:
    """Put pending points on their card: they are earned now.

    Raises PendingPointsNotFound, InvalidPendingPointsState, CardNotPublished, TooManyPoints.
    """
    pending = await _settled(session, card, pending_id, "ACTIVATED")
    rules: Expiry = PROGRAM_RULES
    if pending.expiration_rules:
        rules = PointsExpirationRules.model_validate(pending.expiration_rules)
    events.pending_changed(session, card, campaign, pending, "activated")
    details = {**pending.details, "pending_points": pending_read(pending, project.zone)}
    cause = Cause("pending_points", pending.id)
    holdings = await add_points(
        session, project, card, campaign, pending.points, cause, expires_at=rules, actor=actor, details=details
    )
    return pending, holdings


async def cancel(session: AsyncSession, card: Voucher, campaign: Campaign, pending_id: str) -> PendingPoints:
    """Give pending points up. Raises PendingPointsNotFound, InvalidPendingPointsState."""
    pending = await _settled(session, card, pending_id, "CANCELED")
    events.pending_changed(session, card, campaign, pending, "canceled")
    return pending


async def adjust(
    session: AsyncSession, card: Voucher, campaign: Campaign, pending_id: str, points: int
) -> PendingPoints:
    """Let there be so many pending points more, or less. At least one is left.

    Raises PendingPointsNotFound, InvalidPendingPointsState, InvalidPendingPointsChange.
    """
    if points == 0:
        raise InvalidPendingPointsChange("points must not be zero.")
    rows = PendingPointsRepository(session, card.project_id)
    pending = await _of_card(rows, card, pending_id)
    changed = await rows.adjust(pending_id, points, clock.now())
    if changed is None:
        await session.refresh(pending)
        if pending.status != "PENDING":
            raise InvalidPendingPointsState(pending_id, pending.status)
        raise InvalidPendingPointsChange(f"Only {pending.points} points are pending; cancel them to have none left.")
    events.pending_changed(session, card, campaign, changed, "updated")
    return changed


async def _settled(session: AsyncSession, card: Voucher, pending_id: str, status: str) -> PendingPoints:
    rows = PendingPointsRepository(session, card.project_id)
    pending = await _of_card(rows, card, pending_id)
    settled = await rows.settle(pending_id, status, clock.now())
    if settled is None:
        await session.refresh(pending)
        raise InvalidPendingPointsState(pending_id, pending.status)
    return settled


async def _of_card(rows: PendingPointsRepository, card: Voucher, pending_id: str) -> PendingPoints:
    pending = await rows.find(pending_id)
    if pending is None or pending.voucher_id != card.id:
        raise PendingPointsNotFound(pending_id)
    return pending
