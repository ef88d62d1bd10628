"""Asking the ledger whether everything adds up."""

from typing import Final

from sqlalchemy import func, select

from app.access.callers import Caller
from app.insights.invariants.schemas import FaultRead, InvariantsRead
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import Busy
from app.ledger.chains import MOST_FAULTS
from app.ledger.doctor import examine_project

EXAMINING_LOCK: Final = 0x646F_6374
"""First half of an advisory lock pair; the second is the project."""


async def check(db: Database, caller: Caller) -> InvariantsRead:
    """Examine the caller's project in one stable view. Raises Busy while another request does."""
    async with db.read() as session:
        if not await session.scalar(select(func.pg_try_advisory_xact_lock(EXAMINING_LOCK, caller.project_id))):
            raise Busy("The project is being examined for another request.")
        found = await examine_project(session, caller.project_id)
    return InvariantsRead(
        holds=not found,
        faults=[FaultRead.of(fault) for fault in found[:MOST_FAULTS]],
        has_more=len(found) >= MOST_FAULTS,
        checked_at=clock.now(),
    )
