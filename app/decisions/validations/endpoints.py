"""Asking what a cart would cost."""

from fastapi import Request, Response

from app.access.authentication import caller_of
from app.access.callers import Caller
from app.decisions.answers import ValidationRead
from app.decisions.attempts import decide
from app.decisions.endpoints import configuration_of, explains
from app.decisions.schemas import CheckoutIn
from app.decisions.validations import service
from app.kit import clock
from app.kit.http import Router, answered, database_of, json_bytes
from app.kit.openapi import sends
from app.kit.wire import read

router = Router(prefix="/v1/validations", tags=["validations"])


@router.post("", response_model=ValidationRead, openapi_extra=sends(CheckoutIn))
async def validate(request: Request) -> Response:
    """Check up to 30 redeemables against an order, and see the order with their discounts. Nothing is used up.

    With a `session` everything that could run out is held for its `key`, until it is redeemed with that key, released
    or its time is over: uses, limits per customer, day and campaign, budgets, credits of gift cards. For everybody else
    it is taken meanwhile. Validating again with the key replaces what it holds by what the new validation needs; a
    validation that is not valid changes nothing.

    What does not apply is told in the answer, which is 200 all the same: `valid` is false when nothing applies, or when
    one redeemable fails and the project's stacking rules want all or none. With `X-Guerdon-Explain: true` the answer
    has a `trace` of every condition that was looked at, what it saw, and what would make it hold.
    """
    caller = await caller_of(request, "validations:write")
    checkout = read(CheckoutIn, await json_bytes(request))
    db, now, explain = await database_of(request), clock.now(), explains(request)

    async def attempt(caller: Caller) -> dict[str, object]:
        return await service.validate(db, configuration_of(request), caller, checkout, now=now, explain=explain)

    return answered(await decide(request, caller, "validations:write", attempt))
