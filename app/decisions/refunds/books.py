"""What is known of a redeemed order when units of it come back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.decisions.errors import AlreadyRolledBack, InvalidRedemption, InvalidRedemptionParent
from app.decisions.redemptions.repository import RedemptionRepository
from app.decisions.redemptions.rows import redemption_ids
from app.decisions.refunds.errors import NotRefundable
from app.decisions.refunds.repository import RefundRepository
from app.decisions.refunds.totals import returned_by
from app.engine.returns import Purchase, Returned, Share, purchase_of
from app.engine.stored_allocation import parsed
from app.kit.errors import NotFound
from app.models import Order, Redemption, Refund


@dataclass(frozen=True, slots=True)
class Books:
    """A redemption, its order, everything that was redeemed on that and what came back before.

    `heads` stand for the requests that redeemed on the order and were not rolled back, oldest first; the newest knows
    the order as it was bought in the end. `redeemed` are their redemptions, one for each redeemable.
    """

    head: Redemption
    order: Order
    heads: Sequence[Redemption]
    redeemed: Sequence[Redemption]
    refunds: Sequence[Refund]
    purchase: Purchase
    returned: Returned

    @property
    def bought(self) -> Mapping[str, Any]:
        """The calculated order, lines and all, as the last redemption left it."""
        return self.heads[-1].order_snapshot or {}


async def open_books(session: AsyncSession, project_id: int, redemption_id: str, *, lock: bool) -> Books:
    """Everything that a refund of this redemption is computed from; with `lock` nobody else changes it meanwhile.

    An order is one thing to its units, however many redemptions were made on it: all of them count.

    Raises NotFound, InvalidRedemption, InvalidRedemptionParent, AlreadyRolledBack, NotRefundable.
    """
    asked = await find_head(session, project_id, redemption_id)
    repository = RefundRepository(session, project_id)
    order = await repository.order(asked.order_id, lock=lock) if asked.order_id else None
    if order is None:
        raise NotRefundable(f"{asked.id} was made without an order.", resource_id=asked.id)
    known = await repository.redemptions(_named(order))
    head = known[asked.id]
    if head.status == "ROLLED_BACK":
        raise AlreadyRolledBack(f"{head.id} was rolled back before.", resource_id=head.id)
    heads = [known[id_] for id_ in sorted(order.redemptions) if known[id_].status == "SUCCEEDED"]
    _refuse_changed(head, heads[-1], known.values())
    redeemed = [part for each in heads for part in _parts(order, each, known)]
    refunds = await repository.made_for(order.id)
    return Books(head, order, heads, redeemed, refunds, _purchase(heads[-1], redeemed), returned_by(refunds))


async def find_head(session: AsyncSession, project_id: int, redemption_id: str) -> Redemption:
    """The redemption, which must stand for a whole request.

    Raises NotFound, InvalidRedemption, InvalidRedemptionParent.
    """
    row = await RedemptionRepository(session, project_id).find(redemption_id)
    if row is None:
        raise NotFound("redemption", redemption_id)
    if row.object != "redemption" or row.result != "SUCCESS":
        raise InvalidRedemption(f"{row.id} is not a successful redemption.", resource_id=row.id)
    if row.parent_id is not None:
        raise InvalidRedemptionParent(
            f"{row.id} is part of a stack, which is refunded by its parent: {row.parent_id}.", resource_id=row.id
        )
    return row


def _named(order: Order) -> list[str]:
    """The redemptions and rollbacks of the order."""
    rollbacks = [entry["rollback_id"] for entry in order.redemptions.values() if "rollback_id" in entry]
    return [*redemption_ids(order.redemptions), *rollbacks]


def _refuse_changed(head: Redemption, newest: Redemption, rows: Any) -> None:
    """Raises NotRefundable where what the newest redemption knows of the order is not known or no longer true."""
    if newest.unit_amounts is None:
        raise NotRefundable(
            f"The order of {head.id} has no amount, or was redeemed on before allocations were kept.",
            resource_id=head.id,
        )
    for row in rows:
        if row.object == "redemption_rollback" and row.created_at > newest.created_at:
            raise NotRefundable(
                f"The rollback {row.id} has changed the order of {head.id}; roll back the rest of it.",
                resource_id=head.id,
            )


def _parts(order: Order, head: Redemption, known: Mapping[str, Redemption]) -> list[Redemption]:
    return [known[id_] for id_ in order.redemptions[head.id].get("stacked", ())] or [head]


def _purchase(newest: Redemption, redeemed: Sequence[Redemption]) -> Purchase:
    shares = [
        Share(
            row.id,
            row.discounted_amount or 0 if row.amount is None or row.reward is not None else row.amount,
            parsed(row.allocation or ""),
            is_tender=row.amount is not None,
        )
        for row in redeemed
    ]
    return purchase_of((newest.order_snapshot or {})["total_amount"], parsed(newest.unit_amounts or ""), shares)
