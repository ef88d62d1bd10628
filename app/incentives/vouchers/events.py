"""What happens to vouchers, told to the audit log and to whoever listens."""

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.incentives.campaigns.rendering import campaign_read
from app.kit.outbox import announce
from app.models import Campaign

Change = Literal["created", "updated", "enabled", "disabled", "deleted"]


def changed(
    session: AsyncSession,
    caller: Caller,
    change: Change,
    voucher: Mapping[str, Any],
    campaign: Campaign | None,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """`voucher` as it is answered; `changes` are the members that were sent."""
    data = {"voucher": voucher} | ({"campaign": campaign_read(campaign)} if campaign else {})
    record(session, caller, f"voucher.{change}", "voucher", voucher["id"], changes)
    announce(session, caller.project_id, f"voucher.{change}", voucher["id"], data)
