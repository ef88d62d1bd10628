"""Use cases of pending points, one transaction each."""

from typing import Any

from app.access.audit import record
from app.access.callers import Caller
from app.incentives.loyalties import pending
from app.incentives.loyalties.events import balance_of
from app.incentives.loyalties.members import get_card, get_program
from app.incentives.loyalties.pending import PENDING, PendingPointsRepository
from app.incentives.loyalties.rendering import pending_read
from app.incentives.loyalties.schemas import PendingPointsChange, PendingPointsQuery
from app.kit import clock
from app.kit.db import Database
from app.kit.filters import When
from app.kit.lists import fetch_slice
from app.models import PendingPoints


async def of_member(
    db: Database, caller: Caller, member: str, query: PendingPointsQuery, program: str | None = None
) -> dict[str, Any]:
    """What is pending for a card. Raises CampaignNotFound, MemberNotFound."""
    async with db.read() as session:
        card, _ = await get_card(session, caller, member, program)
        rows = PendingPointsRepository(session, caller.project_id).rows().where(PENDING)
        found = await fetch_slice(session, rows.where(PendingPoints.voucher_id == card.id), query, _when(caller))
    return _listed(caller, found.rows, found.more_starting_after)


async def of_program(db: Database, caller: Caller, program: str, query: PendingPointsQuery) -> dict[str, Any]:
    """What is pending for all cards of a program. Raises CampaignNotFound."""
    async with db.read() as session:
        campaign = await get_program(session, caller, program)
        rows = PendingPointsRepository(session, caller.project_id).rows().where(PENDING)
        found = await fetch_slice(session, rows.where(PendingPoints.campaign_id == campaign.id), query, _when(caller))
    return _listed(caller, found.rows, found.more_starting_after)


async def activate(db: Database, caller: Caller, member: str, pending_id: str) -> dict[str, Any]:
    """Put them on the card now; a PointsBalanceRead in JSON values.

    Raises MemberNotFound, PendingPointsNotFound, InvalidPendingPointsState, CardNotPublished, TooManyPoints.
    """
    async with db.write() as session:
        card, campaign = await get_card(session, caller, member)
        done, holdings = await pending.activate(session, caller.project, card, campaign, pending_id, actor=caller.actor)
        record(session, caller, "pending_points.activated", "voucher", card.id, {"points": done.points})
    return balance_of(card.id, done.points, holdings, "adjustment")


async def adjust(
    db: Database, caller: Caller, member: str, pending_id: str, body: PendingPointsChange
) -> dict[str, Any]:
    """Let more or fewer be pending; a PendingBalanceRead in JSON values.

    Raises MemberNotFound, PendingPointsNotFound, InvalidPendingPointsState, InvalidPendingPointsChange.
    """
    async with db.write() as session:
        card, campaign = await get_card(session, caller, member)
        changed = await pending.adjust(session, card, campaign, pending_id, body.points)
        record(session, caller, "pending_points.updated", "voucher", card.id, {"points": body.points})
    return {
        "points": body.points,
        "total": changed.points,
        "object": "balance",
        "operation_type": "MANUAL",
        "related_object": {"type": "voucher", "id": card.id},
    }


async def cancel(db: Database, caller: Caller, member: str, pending_id: str) -> None:
    """Give them up. Raises MemberNotFound, PendingPointsNotFound, InvalidPendingPointsState."""
    async with db.write() as session:
        card, campaign = await get_card(session, caller, member)
        gone = await pending.cancel(session, card, campaign, pending_id)
        record(session, caller, "pending_points.canceled", "voucher", card.id, {"points": gone.points})


def _when(caller: Caller) -> When:
    return When(clock.now(), caller.project.zone)


def _listed(caller: Caller, rows: list[PendingPoints], cursor: str | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "object": "list",
        "data_ref": "data",
        "data": [pending_read(row, caller.project.zone) for row in rows],
        "has_more": cursor is not None,
    }
    return body if cursor is None else {**body, "more_starting_after": cursor}
