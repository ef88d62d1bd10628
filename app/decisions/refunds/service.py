"""Taking units back: what is given back for them, told beforehand or done once."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.decisions.refunds.books import Books, find_head, open_books
from app.decisions.refunds.choice import chosen_units
from app.decisions.refunds.errors import RefundPolicyMixed, TooManyRefunds
from app.decisions.refunds.rendering import figures_of, refund_read, remaining_of
from app.decisions.refunds.repository import RefundRepository
from app.decisions.refunds.requalification import kept_value
from app.decisions.refunds.schemas import Policy, RefundIn, RefundQuery
from app.decisions.rendering import Wire
from app.engine.postings import Posting
from app.engine.returns import Return, return_of
from app.incentives.balances.events import moved
from app.incentives.balances.repository import EntryRepository
from app.incentives.configuration import ConfigurationCache
from app.kit import clock
from app.kit.db import Database
from app.kit.filters import When
from app.kit.ids import new_id
from app.kit.lists import fetch_slice
from app.kit.outbox import announce
from app.ledger.apply import apply
from app.ledger.movements import Cause, Movement, entry_account, value_account
from app.models import Refund

MOST_REFUNDS = 1000


async def preview(
    db: Database, cache: ConfigurationCache, caller: Caller, redemption_id: str, request: RefundIn
) -> Wire:
    """What `refund` would do now; nothing is written.

    Raises what `refund` raises.
    """
    async with db.read() as session:
        books = await open_books(session, caller.project_id, redemption_id, lock=False)
        policy, given_back = await _settle(session, cache, caller, books, request)
        return {
            "object": "refund_preview",
            **figures_of(books, policy, given_back),
            "remaining": remaining_of(given_back),
        }


async def refund(
    db: Database, cache: ConfigurationCache, caller: Caller, redemption_id: str, request: RefundIn, *, now: datetime
) -> Wire:
    """Take units back for good: gift cards have their credits and loyalty cards their points again when this ends well.

    Of those who refund one order at once each waits for the one before and sees what it left. Uses and budgets of the
    redemption stay taken.

    Raises NotFound, InvalidRedemption, InvalidRedemptionParent, AlreadyRolledBack, NotRefundable, NothingToRefund,
    InvalidPayload, RefundExceeded, RefundPolicyMixed, RefundPolicyUnavailable, TooManyRefunds; Outdated when the
    configuration has changed since the caller's project was read.
    """
    async with db.write() as session:
        books = await open_books(session, caller.project_id, redemption_id, lock=True)
        policy, given_back = await _settle(session, cache, caller, books, request)
        row = Refund(
            project_id=caller.project_id,
            id=new_id("rfd"),
            position=len(books.refunds) + 1,
            **figures_of(books, policy, given_back),
            reason=request.reason,
            refund_metadata=request.metadata or {},
            api_key_id=caller.api_key_id,
            user_login=caller.user_login,
            created_at=now,
        )
        session.add(row)
        await session.flush()
        await _give_credits_back(session, caller, books, row)
        _tell(session, caller, books, row)
    return {**refund_read(row), "remaining": remaining_of(given_back)}


async def list_of_redemption(db: Database, caller: Caller, redemption_id: str, query: RefundQuery) -> Wire:
    """The refunds of the redemption's order.

    Raises NotFound, InvalidRedemption, InvalidRedemptionParent, InvalidQuery.
    """
    async with db.read() as session:
        head = await find_head(session, caller.project_id, redemption_id)
        rows = RefundRepository(session, caller.project_id).of_order(head.order_id or "")
        found = await fetch_slice(session, rows, query, When(clock.now(), caller.project.zone))
    body: Wire = {
        "object": "list",
        "data_ref": "data",
        "data": [refund_read(row) for row in found.rows],
        "has_more": found.has_more,
    }
    return body | ({"more_starting_after": found.more_starting_after} if found.has_more else {})


async def _settle(
    session: AsyncSession, cache: ConfigurationCache, caller: Caller, books: Books, request: RefundIn
) -> tuple[Policy, Return]:
    if len(books.refunds) >= MOST_REFUNDS:
        raise TooManyRefunds(f"{books.head.id} was refunded in {MOST_REFUNDS} parts.", resource_id=books.head.id)
    policy = _policy(books, request)
    chosen = chosen_units(books, request)
    given_back = return_of(books.purchase, books.returned, chosen)
    if policy == "requalify" and given_back.remaining_quantity:
        value = await kept_value(session, cache, caller, books, chosen)
        given_back = return_of(books.purchase, books.returned, chosen, kept_value=value)
    return policy, given_back


def _policy(books: Books, request: RefundIn) -> Policy:
    """Raises RefundPolicyMixed."""
    if not books.refunds:
        return request.policy or "paid_share"
    first: Any = books.refunds[0].policy
    if request.policy not in (None, first):
        raise RefundPolicyMixed(f"Refunds of this order follow {first}.", resource_id=books.refunds[0].id)
    policy: Policy = first
    return policy


async def _give_credits_back(session: AsyncSession, caller: Caller, books: Books, refund: Refund) -> None:
    """One entry for each gift card, even where it paid for the order twice, and for each payment with points, which go
    back to where they came from."""
    movements = [*_credits_back(caller, books, refund), *await _points_back(session, caller, books, refund)]
    await apply(session, caller.project_id, (), movements)
    await moved(session, caller.project_id, movements, redemption_id=refund.redemption_id)


def _credits_back(caller: Caller, books: Books, refund: Refund) -> list[Movement]:
    credits = {given["redemption_id"]: given["credits"] for given in refund.redeemables}
    by_card: dict[str, tuple[int, str | None]] = {}
    for row in books.redeemed:
        if credits[row.id] and row.reward is None:
            before, _ = by_card.get(row.related_object_id, (0, None))
            by_card[row.related_object_id] = (before + credits[row.id], row.campaign_id)
    return [
        Movement(
            Posting(value_account(voucher_id), amount),
            "redeemed",
            Cause("refund", refund.id),
            effective_at=refund.created_at,
            actor=caller.actor,
            campaign_id=campaign_id,
            reason=refund.reason,
        )
        for voucher_id, (amount, campaign_id) in by_card.items()
    ]


async def _points_back(session: AsyncSession, caller: Caller, books: Books, refund: Refund) -> list[Movement]:
    points = {given["redemption_id"]: given["points"] for given in refund.redeemables if given.get("points")}
    cards = {row.related_object_id for row in books.redeemed if row.id in points}
    entries = await EntryRepository(session, caller.project_id).of_redemptions(cards, points.keys())
    return [
        Movement(
            Posting(entry_account(entry), points[entry.cause_id]),
            "redeemed",
            Cause("refund", f"{refund.id}:{entry.cause_id}"),
            effective_at=refund.created_at,
            actor=caller.actor,
            campaign_id=entry.campaign_id,
            reason=refund.reason,
            returns_to=entry.id,
            details={**(entry.details or {}), "refund": {"id": refund.id}},
        )
        for entry in entries
    ]


def _tell(session: AsyncSession, caller: Caller, books: Books, refund: Refund) -> None:
    """The audit log and whoever listens."""
    figures = {"amount": refund.amount, "credits": refund.credits, "policy": refund.policy}
    record(
        session, caller, "redemption.refunded", "redemption", refund.redemption_id, {"refund_id": refund.id, **figures}
    )
    data = {
        "refund_id": refund.id,
        "redemption_id": refund.redemption_id,
        "order_id": refund.order_id,
        "customer_id": books.head.customer_id,
        **figures,
    }
    announce(session, caller.project_id, "redemption.refund.succeeded", refund.id, data)
