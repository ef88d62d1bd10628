"""Taking a redemption back: its postings reversed, its order released, exactly once, at any age."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.access.configuration import change_configuration, hold_configuration
from app.commerce.orders.events import note_updated
from app.commerce.orders.rendering import order_body
from app.decisions.errors import (
    AlreadyRolledBack,
    InvalidCustomer,
    InvalidOrder,
    InvalidRedemption,
    InvalidRedemptionParent,
)
from app.decisions.redemptions.counting import taken_by
from app.decisions.redemptions.history import read_all
from app.decisions.redemptions.rendering import kept_order_read
from app.decisions.redemptions.repository import RedemptionRepository
from app.decisions.redemptions.schemas import RollbackIn
from app.decisions.refunds.repository import RefundRepository
from app.decisions.refunds.totals import given_back, returned_by
from app.decisions.rendering import Wire
from app.decisions.reward_redemptions.taking_back import gives_coupon, moved_by, take_coupons_back, used_already
from app.engine.postings import Posting, merged_postings
from app.incentives.balances.events import moved
from app.incentives.balances.repository import EntryRepository
from app.kit.db import Database
from app.kit.errors import NotFound
from app.kit.ids import new_id
from app.kit.outbox import announce
from app.kit.wire import format_instant
from app.ledger.accounts import open_accounts
from app.ledger.apply import apply
from app.ledger.errors import RanOut
from app.ledger.movements import Cause, Counterpart, Movement, entry_account
from app.models import Entry, Order, Redemption

Row = Mapping[str, Any]
OMITTED_ZEROS = frozenset({"discount_amount", "discount_quantity"})


@dataclass(frozen=True, slots=True)
class RolledBack:
    """The rollbacks as answers: that of a stack's parent apart, and the order as it is now."""

    parent: Wire | None
    rollbacks: list[Wire]
    order: Wire | None


async def roll_back(
    db: Database, caller: Caller, redemption_id: str, request: RollbackIn, *, whole_stack: bool, now: datetime
) -> RolledBack:
    """Undo one redemption, or with `whole_stack` a parent with all its parts.

    Uses and budgets are released, cards have their money or points back as far as refunds have not given them, the
    order's discount is taken off again and the order is canceled. Of two who roll back at once the second waits, and is
    then refused.

    Raises NotFound, AlreadyRolledBack, InvalidRedemption, InvalidRedemptionParent, InvalidCustomer, InvalidOrder,
    RewardUsed.
    """
    async with db.write() as session:
        rows = RedemptionRepository(session, caller.project_id)
        await _hold(session, caller, await rows.find(redemption_id))
        head = await rows.locked(redemption_id)
        if head is None:
            raise NotFound("redemption", redemption_id)
        parts = await rows.locked_parts(head.id)
        _refuse_unfit(head, parts, request, whole_stack=whole_stack)
        # The order before the accounts, as every recording locks them.
        kept = await _locked_order(session, head)
        credits = returned_by(await RefundRepository(session, caller.project_id).made_for(head.order_id or "")).credits
        refunded = {redemption.id: given_back(redemption, credits) for redemption in parts or [head]}
        await _release(session, caller, parts or [head], refunded, request, now)
        rollbacks = await _recorded(session, caller, head, parts, refunded, request, now)
        order = _reverted(session, caller, kept, head, parts, rollbacks, now) if kept else None
        for rollback in rollbacks:
            rollback.order_snapshot = order
        await session.flush()
        return _answer(await read_all(session, caller.project_id, rollbacks), order)


async def _hold(session: AsyncSession, caller: Caller, redemption: Redemption | None) -> None:
    """Keep the configuration as it is; a coupon that was given as a reward is to be switched off, which nobody who
    redeems it may miss."""
    if redemption is not None and gives_coupon(redemption):
        await change_configuration(session, caller.project_id)
    else:
        await hold_configuration(session, caller.project_id)


def _refuse_unfit(head: Redemption, parts: Sequence[Redemption], request: RollbackIn, *, whole_stack: bool) -> None:
    if head.object != "redemption" or head.result != "SUCCESS":
        raise InvalidRedemption(f"{head.id} is not a successful redemption.", resource_id=head.id)
    if head.parent_id is not None:
        raise InvalidRedemptionParent(
            f"{head.id} is part of a stack, which is rolled back as a whole: {head.parent_id}.", resource_id=head.id
        )
    if parts and not whole_stack:
        raise InvalidRedemptionParent(
            f"{head.id} is a stack; roll it back at /v1/redemptions/{head.id}/rollbacks.", resource_id=head.id
        )
    if head.status == "ROLLED_BACK":
        raise AlreadyRolledBack(f"{head.id} was rolled back before.", resource_id=head.id)
    if request.customer is not None and request.customer.id not in (None, head.customer_id):
        raise InvalidCustomer(f"{head.id} was not made for this customer.", resource_id=head.id)
    if request.order is not None and request.order.id not in (None, head.order_id):
        raise InvalidOrder(f"{head.id} was not made on this order.", resource_id=head.id)


async def _release(
    session: AsyncSession,
    caller: Caller,
    redemptions: Sequence[Redemption],
    refunded: Mapping[str, int],
    request: RollbackIn,
    now: datetime,
) -> None:
    """Post back what the redemptions took, on every account that counts them, and give back what cards paid and
    have not been `refunded`, by redemption."""
    project_id, zone = caller.project_id, caller.project.zone
    taken = await taken_by(session, project_id, redemptions, zone)
    await open_accounts(session, project_id, sorted(taken.late), zone)
    movements = await _movements(session, caller, redemptions, refunded, request, now)
    try:
        await apply(session, project_id, merged_postings(taken.postings), movements)
    except RanOut:
        raise used_already(redemptions) from None
    await take_coupons_back(session, caller, redemptions, now)
    await moved(session, project_id, movements)


async def _movements(
    session: AsyncSession,
    caller: Caller,
    redemptions: Sequence[Redemption],
    refunded: Mapping[str, int],
    request: RollbackIn,
    now: datetime,
) -> list[Movement]:
    """The entries of the redemptions, the other way round, without what refunds gave back before."""
    paid = {redemption.id: redemption for redemption in redemptions if redemption.amount is not None}
    owners = {owner_id for redemption in paid.values() for owner_id in moved_by(redemption)}
    entries = await EntryRepository(session, caller.project_id).of_redemptions(owners, paid.keys())
    movements = []
    for entry in entries:
        amount = -entry.amount - (refunded.get(entry.cause_id, 0) if entry.amount < 0 else 0)
        if amount:
            movements.append(
                Movement(
                    Posting(entry_account(entry), amount, 0),
                    _counterpart(entry),
                    Cause("rollback", entry.cause_id),
                    effective_at=now,
                    actor=caller.actor,
                    campaign_id=entry.campaign_id,
                    reason=request.reason,
                    details=entry.details,
                    returns_to=entry.id if amount > 0 else None,
                    takes_back=entry.id if amount < 0 else None,
                )
            )
    return movements


def _counterpart(entry: Entry) -> Counterpart:
    name: Any = entry.counterpart
    counterpart: Counterpart = name
    return counterpart


async def _recorded(
    session: AsyncSession,
    caller: Caller,
    head: Redemption,
    parts: Sequence[Redemption],
    refunded: Mapping[str, int],
    request: RollbackIn,
    now: datetime,
) -> list[Redemption]:
    """Mark the redemptions and write their rollbacks; the unique index lets each be rolled back once."""
    redemptions = [head, *parts]
    await session.execute(
        update(Redemption)
        .where(Redemption.project_id == head.project_id, Redemption.id.in_([row.id for row in redemptions]))
        .values(status="ROLLED_BACK")
    )
    rollbacks: list[Redemption] = []
    for redemption in redemptions:
        rollback = Redemption(
            project_id=redemption.project_id,
            id=new_id("rr"),
            object="redemption_rollback",
            parent_id=rollbacks[0].id if rollbacks else None,
            redemption_id=redemption.id,
            result="SUCCESS",
            status="SUCCEEDED",
            related_object_type=redemption.related_object_type,
            related_object_id=redemption.related_object_id,
            campaign_id=redemption.campaign_id,
            voucher_code=redemption.voucher_code,
            customer_id=redemption.customer_id,
            tracking_id=request.tracking_id or redemption.tracking_id,
            order_id=redemption.order_id,
            amount=None if redemption.amount is None else refunded.get(redemption.id, 0) - redemption.amount,
            reward=redemption.reward,
            reason=request.reason,
            redemption_metadata=request.metadata,
            api_key_id=caller.api_key_id,
            user_login=caller.user_login,
            channel_type="API",
            created_at=now,
        )
        rollbacks.append(rollback)
        session.add(rollback)
        announce(
            session,
            redemption.project_id,
            "redemption.rollback.succeeded",
            rollback.id,
            {"redemption_id": redemption.id, "customer_id": redemption.customer_id, "order_id": redemption.order_id},
        )
    await session.flush()
    return rollbacks


async def _locked_order(session: AsyncSession, head: Redemption) -> Order | None:
    return await session.scalar(
        select(Order).where(Order.project_id == head.project_id, Order.id == head.order_id).with_for_update()
    )


def _reverted(
    session: AsyncSession,
    caller: Caller,
    order: Order,
    head: Redemption,
    parts: Sequence[Redemption],
    rollbacks: Sequence[Redemption],
    now: datetime,
) -> Wire:
    """Take what the redemption gave off the order again and cancel it, unless the project's rules leave the order alone
    (WITHOUT_ORDER); note the rollback in its map either way."""
    takes_back = caller.project.stacking.redeemables_rollback_order_mode == "WITH_ORDER"
    before = {"status": order.status, "discount_amount": order.discount_amount}
    if takes_back:
        _take_back(order, parts or [head])
    order.updated_at = now
    entry: dict[str, Any] = {
        **order.redemptions.get(head.id, {}),
        "rollback_id": rollbacks[0].id,
        "rollback_date": format_instant(now),
    }
    if parts:
        entry["rollback_stacked"] = [rollback.id for rollback in rollbacks[1:]]
    order.redemptions = {**order.redemptions, head.id: entry}
    if takes_back:
        note_updated(session, caller, order, before if before["status"] != order.status else {"discount_amount": None})
    return order_body(order)


def _take_back(order: Order, redemptions: Sequence[Redemption]) -> None:
    """The order as if these redemptions had not been, and canceled."""
    for redemption in redemptions:
        snapshot = redemption.order_snapshot or {}
        order.discount_amount = max(0, order.discount_amount - snapshot.get("applied_discount_amount", 0))
        given_items: list[Row] = snapshot.get("items", [])[: len(order.items)]
        pairs: Iterable[tuple[Row, Row]] = zip_longest(order.items, given_items, fillvalue={})
        if order.amount is not None:
            order.amount -= sum(given.get("applied_quantity_amount", 0) for given in given_items)
        order.items = [_without(item, given) for item, given in pairs]
    order.items_discount_amount = sum(item.get("discount_amount", 0) for item in order.items)
    order.status = "CANCELED"


def _answer(shown: list[Wire], order: Wire | None) -> RolledBack:
    if len(shown) == 1:
        return RolledBack(None, shown, kept_order_read(order))
    return RolledBack(shown[0], shown[1:], kept_order_read(order))


def _without(item: Row, given: Row) -> dict[str, Any]:
    """A line of the order without what one redemption did to it. A line that it added stays, without units: other
    redemptions of the order know the lines by their place."""
    amount = item["amount"] - given.get("applied_quantity_amount", 0)
    discount_amount = max(0, item.get("discount_amount", 0) - given.get("applied_discount_amount", 0))
    discount_quantity = max(0, item.get("discount_quantity", 0) - given.get("applied_discount_quantity", 0))
    reverted = {
        **item,
        "quantity": item["quantity"] - given.get("applied_quantity", 0),
        "amount": amount,
        "subtotal_amount": max(0, amount - discount_amount),
        "discount_amount": discount_amount,
        "discount_quantity": discount_quantity,
    }
    return {name: value for name, value in reverted.items() if value or name not in OMITTED_ZEROS}
