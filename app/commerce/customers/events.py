"""What is announced and logged about customers: that something happened, to whom, and never personal data."""

from collections.abc import Iterable
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.kit.outbox import announce

CustomerEvent = Literal["customer.created", "customer.updated", "customer.deleted"]


def note(
    session: AsyncSession, caller: Caller, event: CustomerEvent, customer_id: str, members: Iterable[str] = ()
) -> None:
    """Log and announce `event`. `members` are the names of what was set; whoever delivers looks up the rest."""
    changes = {"members": sorted(members)} if event != "customer.deleted" else {}
    record(session, caller, event, "customer", customer_id, changes)
    announce(session, caller.project_id, event, customer_id, {"customer": {"id": customer_id, "object": "customer"}})
