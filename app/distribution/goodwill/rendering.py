"""What support gave, as it is answered."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.distribution.goodwill.repository import GoodwillRepository
from app.distribution.goodwill.schemas import GoodwillRead, RefusedAttempt, State
from app.incentives.vouchers.standing import Standing, standings
from app.incentives.wallets.standing import status_of
from app.models import Goodwill, Redemption, Voucher


async def read_all(
    session: AsyncSession, project_id: int, given: Sequence[Goodwill], now: datetime
) -> list[GoodwillRead]:
    """With the state of each code; two statements however many they are."""
    vouchers = await GoodwillRepository(session, project_id).vouchers_of(given)
    standing = await standings(session, project_id, list(vouchers))
    return [goodwill_read(each, vouchers.get(each.voucher_id), standing.get(each.voucher_id), now) for each in given]


def goodwill_read(
    goodwill: Goodwill, voucher: Voucher | None, standing: Standing | None, now: datetime
) -> GoodwillRead:
    return GoodwillRead(
        id=goodwill.id,
        code=goodwill.code,
        state=_state_of(goodwill, voucher, standing or Standing(), now),
        customer_id=goodwill.customer_id,
        voucher_id=goodwill.voucher_id,
        reason=goodwill.reason,
        agent=goodwill.agent,
        amount=goodwill.amount,
        api_key_id=goodwill.api_key_id,
        created_at=goodwill.created_at,
        cancelled_at=goodwill.cancelled_at,
    )


def attempt_read(row: Redemption) -> RefusedAttempt:
    return RefusedAttempt(
        id=row.id,
        code=row.voucher_code,
        related_object_type=row.related_object_type,
        related_object_id=row.related_object_id,
        key=row.failure_code,
        message=row.failure_message,
        tracking_id=row.tracking_id,
        created_at=row.created_at,
    )


def listed(data: Sequence[Any], limit: int) -> dict[str, Any]:
    """As many as were asked for, of one more that was read."""
    return {"data": data[:limit], "has_more": len(data) > limit}


def _state_of(goodwill: Goodwill, voucher: Voucher | None, standing: Standing, now: datetime) -> State:
    if goodwill.cancelled_at is not None:
        return "CANCELLED"
    if voucher is None or voucher.deleted_at is not None:
        return "DELETED"
    return status_of(voucher, None, standing, now)
