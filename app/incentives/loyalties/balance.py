"""Changing the points of cards by hand: adding, taking away, moving from card to card. One transaction each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.engine.points_expiration import end_of_day
from app.incentives.balances.errors import InvalidAdjustment
from app.incentives.balances.repository import EntryRepository
from app.incentives.loyalties.errors import DuplicateSourceId, InvalidExpirationDate
from app.incentives.loyalties.events import balance_of
from app.incentives.loyalties.members import get_card
from app.incentives.loyalties.points import PROGRAM_RULES, Expiry, addition, move, removal, require_holder
from app.incentives.loyalties.rendering import transfer_read
from app.incentives.loyalties.schemas import PointsChange, TransferIn
from app.incentives.vouchers.service import read_all
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import InvalidPayload
from app.kit.ids import new_id
from app.ledger.movements import Cause, Movement, points_account
from app.models import Campaign, Entry, Voucher

ADJUSTMENT: Final = "adjustment"
TRANSFER: Final = "transfer"


async def change(
    db: Database, caller: Caller, member: str, body: PointsChange, program: str | None = None
) -> dict[str, Any]:
    """Add points to a card, or take some away; a PointsBalanceRead in JSON values. A change with a source id is made
    once for a card: whoever repeats it is answered as the first time.

    Raises CampaignNotFound, MemberNotFound, InvalidAdjustment, InvalidExpirationDate, CardNotPublished, PointsExceeded,
    TooManyPoints, DuplicateSourceId.
    """
    if body.points == 0:
        raise InvalidAdjustment("points must not be zero.")
    expires_at = _expiry_asked(caller, body, clock.now())
    async with db.write() as session:
        card, campaign = await get_card(session, caller, member, program)
        require_holder(card)
        repeated = await _repeated(session, caller, card, body)
        if repeated is not None:
            return repeated
        movement = _adjustment(caller, card, campaign, body, expires_at)
        try:
            async with session.begin_nested():
                (holdings,) = await move(session, [(card, campaign, movement)])
        except IntegrityError:  # the same change, made by another request since we looked
            repeated = await _repeated(session, caller, card, body)
            if repeated is None:
                raise
            return repeated
        changes = {"points": body.points, "transaction_id": movement.id, "reason": body.reason}
        record(session, caller, "voucher.balance.changed", "voucher", card.id, changes)
    return balance_of(card.id, body.points, holdings, ADJUSTMENT)


async def transfer(
    db: Database, caller: Caller, program: str, member: str, sources: Sequence[TransferIn]
) -> dict[str, Any]:
    """Move points from other cards to this one, all or none; this card, a TransferRead in JSON values. They expire as
    the program of this card says, counted from now. What was moved under the same source ids before is not moved again.

    Raises CampaignNotFound, MemberNotFound, InvalidPayload, CardNotPublished, PointsExceeded, TooManyPoints,
    DuplicateSourceId.
    """
    async with db.write() as session:
        target, campaign = await get_card(session, caller, member, program)
        require_holder(target)
        moved: list[tuple[Voucher, Campaign | None, Movement]] = []
        seen: set[tuple[str, str]] = set()
        for place, asked in enumerate(sources):
            source, of = await get_card(session, caller, asked.code)
            require_holder(source)
            if source.id == target.id:
                raise InvalidPayload(f"[{place}].code", "Points cannot be moved from a card to itself.")
            if (source.id, asked.source_id) in seen:
                raise InvalidPayload(f"[{place}].source_id", "This is named twice for the same card.")
            seen.add((source.id, asked.source_id))
            if not await _was_moved(session, caller, source, target, asked):
                moved += legs(
                    caller,
                    (source, of),
                    (target, campaign),
                    asked.points,
                    Cause(TRANSFER, asked.source_id),
                    reason=asked.reason,
                    source_id=asked.source_id,
                )
        if moved:
            await _move_once(session, moved)
            changes = {"from": [asked.model_dump(exclude_none=True) for asked in sources]}
            record(session, caller, "voucher.points.transferred", "voucher", target.id, changes)
        return transfer_read((await read_all(session, caller, [(target, campaign)]))[0])


def legs(
    caller: Caller,
    source: tuple[Voucher, Campaign],
    target: tuple[Voucher, Campaign],
    points: int,
    cause: Cause,
    *,
    expires_at: Expiry = PROGRAM_RULES,
    from_lot: str | None = None,
    **members: Any,
) -> list[tuple[Voucher, Campaign | None, Movement]]:
    """The two movements that move points from one card to another, for `points.move`; each names the other one. They
    expire on the other card at `expires_at`, and come from the lot `from_lot`, if one is named."""
    ids = {source[0].id: new_id("vtx"), target[0].id: new_id("vtx")}
    transaction_id = new_id("ltx")

    def named(other: Voucher) -> dict[str, Any]:
        vouchers = {"source_voucher": _in_short(*source), "destination_voucher": _in_short(*target)}
        return {"related_transaction_id": ids[other.id], **vouchers}

    common = {"actor": caller.actor, "transaction_id": transaction_id, **members}
    gives = removal(*source, points, cause, id=ids[source[0].id], details=named(target[0]), lot_id=from_lot, **common)
    # Points of several cards may come under one name: it is each card's own.
    received = Cause(cause.type, f"{source[0].id}:{cause.id}")
    gets = addition(
        caller.project,
        *target,
        points,
        received,
        expires_at=expires_at,
        id=ids[target[0].id],
        details=named(source[0]),
        **common,
    )
    return [(*source, gives), (*target, gets)]


async def _move_once(session: AsyncSession, moved: Sequence[tuple[Voucher, Campaign | None, Movement]]) -> None:
    """Raises DuplicateSourceId when another request makes one of the transfers at the same moment."""
    try:
        async with session.begin_nested():
            await move(session, moved)
    except IntegrityError as taken:
        raise DuplicateSourceId(", ".join(str(movement.source_id) for _, _, movement in moved[::2])) from taken


def _in_short(card: Voucher, campaign: Campaign) -> Mapping[str, Any]:
    return {
        "id": card.id,
        "code": card.code,
        "type": card.type,
        "campaign": campaign.name,
        "campaign_id": campaign.id,
        "object": "voucher",
    }


def _adjustment(caller: Caller, card: Voucher, campaign: Campaign, body: PointsChange, expires_at: Expiry) -> Movement:
    entry_id = new_id("vtx")
    cause = Cause(ADJUSTMENT, body.source_id or entry_id)
    members: dict[str, Any] = {
        "id": entry_id,
        "actor": caller.actor,
        "source_id": body.source_id,
        "reason": body.reason,
    }
    if body.points < 0:
        return removal(card, campaign, -body.points, cause, **members)
    return addition(caller.project, card, campaign, body.points, cause, expires_at=expires_at, **members)


def _expiry_asked(caller: Caller, body: PointsChange, now: datetime) -> Expiry:
    """Raises InvalidExpirationDate."""
    kind = body.expiration_type or ("PROGRAM_RULES" if body.expiration_date is None else "CUSTOM_DATE")
    if kind == "NON_EXPIRING":
        return None
    if kind == "PROGRAM_RULES" or body.points < 0:
        return PROGRAM_RULES
    if body.expiration_date is None:
        raise InvalidExpirationDate("CUSTOM_DATE needs expiration_date.")
    try:
        expires_at = end_of_day(body.expiration_date.astimezone(caller.project.zone).date(), caller.project.zone)
    except OverflowError:
        return None  # the calendar ends before they do
    if expires_at <= now:
        raise InvalidExpirationDate("expiration_date is over.")
    return expires_at


async def _repeated(session: AsyncSession, caller: Caller, card: Voucher, body: PointsChange) -> dict[str, Any] | None:
    """The answer to this change when it was made before. Raises DuplicateSourceId for another change of that name."""
    if body.source_id is None:
        return None
    entry = await _entry_of(session, caller, card, Cause(ADJUSTMENT, body.source_id))
    if entry is None:
        return None
    if entry.amount != body.points:
        raise DuplicateSourceId(body.source_id)
    shown = {"points": entry.amount, "total": entry.total, "balance": entry.balance, "type": "loyalty_card"}
    related = {"type": "voucher", "id": card.id}
    return {**shown, "object": "balance", "operation_type": "MANUAL", "related_object": related}


async def _was_moved(
    session: AsyncSession, caller: Caller, source: Voucher, target: Voucher, asked: TransferIn
) -> bool:
    """Whether this transfer was made before. Raises DuplicateSourceId for another one of that name."""
    entry = await _entry_of(session, caller, source, Cause(TRANSFER, asked.source_id))
    if entry is None:
        return False
    went_to = ((entry.details or {}).get("destination_voucher") or {}).get("id")
    if entry.amount != -asked.points or went_to != target.id:
        raise DuplicateSourceId(asked.source_id)
    return True


async def _entry_of(session: AsyncSession, caller: Caller, card: Voucher, cause: Cause) -> Entry | None:
    entries = EntryRepository(session, caller.project_id)
    caused = entries.of(points_account(card.id)).where(Entry.cause_type == cause.type, Entry.cause_id == cause.id)
    found: Entry | None = await session.scalar(caused)
    return found
