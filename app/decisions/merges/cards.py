"""Loyalty cards of a guest: what is on them comes to the cards that the account has of the same programs."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.access.callers import Caller
from app.engine.postings import AccountKey, Posting
from app.incentives.loyalties.balance import legs
from app.incentives.loyalties.points import move
from app.incentives.loyalties.schemas import lots_of
from app.incentives.loyalty_tiers.standings import unite
from app.kit import clock
from app.kit.ids import new_id
from app.ledger.apply import apply
from app.ledger.holds import release
from app.ledger.movements import Cause, Movement
from app.models import Account, Campaign, Hold, Lot, PendingPoints, Voucher


async def join_cards(session: AsyncSession, caller: Caller, guest_id: str, customer_id: str) -> None:
    """Move the points of the guest's cards, and what is pending or owed, to the cards that the customer has of the same
    programs; they expire when they would have, and the higher loyalty tier of the two stays as well. The guest's card
    is then disabled. What sessions hold of it ends: it could not be paid with any more.

    A guest's card of another program just becomes the customer's, like other codes.
    """
    for old, own, program in await _doubles(session, caller.project_id, guest_id, customer_id):
        await _end_holds(session, caller.project_id, old.id)
        await _move_pending(session, caller.project_id, old.id, own.id)
        await _lock(session, caller.project_id, (old.id, own.id))
        now = clock.now()
        lots = await session.scalars(lots_of(caller.project_id, old.id).order_by(Lot.expires_at))
        moved: list[tuple[Voucher, Campaign | None, Movement]] = []
        for lot in lots:
            if lot.expires_at is None or lot.expires_at > now:
                moved += _moved(caller, old, own, program, lot)
        if moved:
            await move(session, moved)
        await _move_debt(session, caller, old, own)
        await unite(session, old, own, now)
        old.active = False
        old.updated_at = now
    await session.flush()


async def _doubles(
    session: AsyncSession, project_id: int, guest_id: str, customer_id: str
) -> Sequence[tuple[Voucher, Voucher, Campaign]]:
    """The guest's cards, in the sequence of their ids, of which the customer has another one, and their programs."""
    old, own = aliased(Voucher), aliased(Voucher)
    rows: Iterable[Any] = await session.execute(
        select(old, own, Campaign)
        .join(own, (own.project_id == old.project_id) & (own.campaign_id == old.campaign_id))
        .join(Campaign, (Campaign.project_id == old.project_id) & (Campaign.id == old.campaign_id))
        .where(
            old.project_id == project_id,
            old.holder_id == guest_id,
            own.holder_id == customer_id,
            old.type == "LOYALTY_CARD",
            old.active,
            own.active,
            old.deleted_at.is_(None),
            own.deleted_at.is_(None),
        )
        .order_by(old.id, own.id)
    )
    first: dict[str, tuple[Voucher, Voucher, Campaign]] = {}
    for each, own_card, program in rows:
        first.setdefault(each.id, (each, own_card, program))
    return list(first.values())


def _moved(
    caller: Caller, old: Voucher, own: Voucher, program: Campaign, lot: Lot
) -> list[tuple[Voucher, Campaign | None, Movement]]:
    cause = Cause("transfer", new_id("merge"))
    return legs(
        caller,
        (old, program),
        (own, program),
        lot.left_points,
        cause,
        from_lot=lot.id,
        expires_at=lot.expires_at,
        reason="customers were merged",
    )


async def _move_pending(session: AsyncSession, project_id: int, old_id: str, own_id: str) -> None:
    """Before accounts are locked, as whoever activates pending points does."""
    await session.execute(
        update(PendingPoints)
        .where(PendingPoints.project_id == project_id, PendingPoints.voucher_id == old_id)
        .values(voucher_id=own_id)
        .execution_options(synchronize_session=False)
    )


async def _lock(session: AsyncSession, project_id: int, card_ids: Collection[str]) -> None:
    """Keep what these cards have as it is until the transaction ends, in the order in which everybody locks them."""
    rows = select(Account.owner_id).where(
        Account.project_id == project_id,
        Account.owner_id.in_(card_ids),
        Account.measure.in_(("owed", "points")),
    )
    await session.execute(rows.order_by(Account.owner_id, Account.measure).with_for_update())


async def _end_holds(session: AsyncSession, project_id: int, card_id: str) -> None:
    held = select(Hold.session_key, Hold.object_id).where(
        Hold.project_id == project_id, Hold.owner_id == card_id, Hold.measure == "points"
    )
    for session_key, object_id in (await session.execute(held.distinct())).all():
        await release(session, project_id, session_key, object_id)


async def _move_debt(session: AsyncSession, caller: Caller, old: Voucher, own: Voucher) -> None:
    """Points that a card owes are owed by the other one."""
    debt = await session.get(Account, (caller.project_id, old.id, "owed", "", ""))
    if debt is None or not debt.balance:
        return
    cause, transaction_id = Cause("transfer", new_id("merge")), new_id("ltx")
    both = [
        Movement(
            Posting(AccountKey(card.id, "owed"), amount, 0 if amount < 0 else None),
            "transferred",
            cause,
            effective_at=clock.now(),
            actor=caller.actor,
            campaign_id=card.campaign_id,
            transaction_id=transaction_id,
        )
        for card, amount in ((old, -debt.balance), (own, debt.balance))
    ]
    await apply(session, caller.project_id, (), both)
