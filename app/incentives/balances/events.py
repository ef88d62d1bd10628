"""What happens to balances, told to the audit log and to whoever listens."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.engine.postings import KEPT_IN_LOTS
from app.incentives.campaigns.rendering import campaign_read
from app.kit.outbox import announce
from app.ledger.movements import Movement
from app.models import Campaign, Voucher

CREATED = "voucher.gift.transaction.created"
POINTS_CREATED = "voucher.loyalty_card.transaction.created"


def changed(
    session: AsyncSession,
    caller: Caller,
    voucher: Mapping[str, Any],
    campaign: Campaign | None,
    balance: Mapping[str, Any],
    transaction: Mapping[str, Any],
) -> None:
    """A balance was changed by hand; voucher, balance and transaction as they are answered."""
    amount = balance["amount"]
    changes = {"amount": amount, "transaction_id": transaction["id"], "reason": transaction["reason"]}
    record(session, caller, "voucher.balance.changed", "voucher", voucher["id"], changes)
    data = {"voucher": voucher, "balance": balance, "transaction": transaction}
    if campaign is not None:
        data["campaign"] = campaign_read(campaign)
    if amount > 0:
        announce(session, caller.project_id, "voucher.gift.balance_added", voucher["id"], data)
    announce(session, caller.project_id, CREATED, transaction["id"], data)


def transaction_event(
    movement: Movement, *, redemption_id: str | None = None, customer_id: str | None = None
) -> dict[str, Any]:
    """The announcement of a movement that a redemption, its rollback or (naming it) its refund causes, as a row of the
    outbox: ids to look up when it is delivered. `customer_id` is the holder of the card."""
    data = {
        "transaction_id": movement.id,
        "voucher_id": movement.posting.account.owner_id,
        "campaign_id": movement.campaign_id,
        "redemption_id": redemption_id or movement.cause.id,
        "customer_id": customer_id,
        "voucher": {"id": movement.posting.account.owner_id, "object": "voucher"},
    }
    is_points = movement.posting.account.measure == KEPT_IN_LOTS
    event_type = POINTS_CREATED if is_points else CREATED
    return {"type": event_type, "entity_id": movement.id, "data": data, "created_at": movement.effective_at}


async def moved(
    session: AsyncSession, project_id: int, movements: Sequence[Movement], *, redemption_id: str | None = None
) -> None:
    """Announce these movements of cards (`transaction_event`), whoever holds them; what a reward has in stock is
    nobody's."""
    of_cards = [movement for movement in movements if movement.posting.account.measure != "stock"]
    card_ids = {movement.posting.account.owner_id for movement in of_cards}
    holders: dict[str, str | None] = {}
    if card_ids:
        rows = await session.execute(
            select(Voucher.id, Voucher.holder_id).where(Voucher.project_id == project_id, Voucher.id.in_(card_ids))
        )
        holders = {card_id: holder_id for card_id, holder_id in rows}
    for movement in of_cards:
        holder_id = holders.get(movement.posting.account.owner_id)
        event = transaction_event(movement, redemption_id=redemption_id, customer_id=holder_id)
        announce(session, project_id, event["type"], event["entity_id"], event["data"])
