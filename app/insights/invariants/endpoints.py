"""The route of the invariants."""

from typing import Annotated

from app.access.authentication import requires
from app.access.callers import Caller
from app.insights.invariants import service
from app.insights.invariants.schemas import InvariantsRead
from app.kit.http import Db, Router

router = Router(prefix="/x/v1/invariants", tags=["ledger"])
Reader = Annotated[Caller, requires("invariants:read")]


@router.get("")
async def check_invariants(db: Db, caller: Reader) -> InvariantsRead:
    """Make every balance again from its entries and lots, every count from its redemptions, every entry's hash from
    the entry, and tell what differs from what is stored. `guerdon doctor` does the same for all projects.

    This reads everything that the project has ever redeemed or moved, so one request at a time does it and others get
    503; where that takes longer than a request may, ask `guerdon doctor`.
    """
    return await service.check(db, caller)
