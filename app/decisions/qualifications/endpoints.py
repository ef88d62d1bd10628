"""Asking what could be used."""

from fastapi import Request, Response

from app.access.authentication import caller_of
from app.access.callers import Caller
from app.decisions.answers import QualificationRead
from app.decisions.attempts import decide
from app.decisions.endpoints import configuration_of
from app.decisions.qualifications import service
from app.decisions.qualifications.schemas import QualificationIn
from app.kit import clock
from app.kit.http import Router, answered, database_of, json_bytes
from app.kit.openapi import sends
from app.kit.wire import read

router = Router(prefix="/v1/qualifications", tags=["qualifications"])


@router.post("", response_model=QualificationRead, openapi_extra=sends(QualificationIn))
async def qualify(request: Request) -> Response:
    """Find what a customer could use on an order: their own vouchers, codes that are open to everybody, promotions.

    Each is looked at as if it were the only one, and shown with the order it would give. Unique codes are found only
    when they were published to the customer. How often a campaign or a customer redeemed already is not looked at here,
    nor are budgets: validation does that. The 200 newest candidates are looked at; `more_starting_after` leads to the
    next ones, and none is left out between pages. A page holds more than `limit` in the rare case that several share
    the last position.
    """
    caller = await caller_of(request, "qualifications:write")
    question = read(QualificationIn, await json_bytes(request))
    db, now = await database_of(request), clock.now()

    async def attempt(caller: Caller) -> dict[str, object]:
        return await service.find_qualified(db, configuration_of(request), caller, question, now)

    return answered(await decide(request, caller, "qualifications:write", attempt))
