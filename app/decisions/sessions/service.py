"""Use cases of sessions."""

from app.access.callers import Caller
from app.incentives.vouchers.errors import VoucherNotFound
from app.incentives.vouchers.repository import VoucherRepository
from app.kit.db import Database
from app.ledger import holds


async def release(db: Database, caller: Caller, code: str, session_key: str) -> None:
    """Give back what the session holds for this voucher, named by code or id. Raises VoucherNotFound."""
    async with db.write() as session:
        vouchers = VoucherRepository(session, caller.project_id, case_sensitive=caller.project.case_sensitive_codes)
        found = await vouchers.find_by_code(code)
        if found is None:
            raise VoucherNotFound(code)
        voucher, _ = found
        await holds.release(session, caller.project_id, session_key, voucher.id)


async def end(db: Database, caller: Caller, session_key: str) -> None:
    """Give back everything that the session holds."""
    async with db.write() as session:
        await holds.release(session, caller.project_id, session_key)
