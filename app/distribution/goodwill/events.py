"""What is told of goodwill to the audit log and to whoever listens: ids and figures, no names of people."""

from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.kit.outbox import announce
from app.models import Goodwill

Change = Literal["created", "cancelled"]


def changed(session: AsyncSession, caller: Caller, change: Change, goodwill: Goodwill) -> None:
    """Whoever delivers looks up the rest."""
    shown = {
        "voucher_id": goodwill.voucher_id,
        "customer_id": goodwill.customer_id,
        "reason": goodwill.reason,
        "amount": goodwill.amount,
    }
    record(session, caller, f"goodwill.{change}", "goodwill", goodwill.id, shown)
    data = {"goodwill": {"id": goodwill.id, "object": "goodwill", **shown}}
    announce(session, caller.project_id, f"goodwill.{change}", goodwill.id, data)
