"""Redeeming, taking back, and looking up what was redeemed."""

from fastapi import Request, Response

from app.access.callers import Caller
from app.decisions.attempts import decide
from app.decisions.endpoints import answered, configuration_of, explains
from app.decisions.redemptions import service
from app.decisions.schemas import CheckoutIn
from app.kit import clock
from app.kit.http import Db, Router, json_bytes
from app.kit.openapi import sends
from app.kit.wire import read

router = Router(prefix="/v1", tags=["redemptions"])


@router.post("/redemptions", openapi_extra=sends(CheckoutIn))
async def redeem(request: Request, db: Db) -> Response:
    """Use up to 30 redeemables on an order: all that apply or, by the project's stacking rules, none.

    The customer and the order are kept; a new order is PAID unless the request says otherwise. Every use, limit and
    budget is taken in the same moment in which the redemption is written, so the last use goes to one request only.
    A refused attempt is answered with the key of its first failure and recorded with `result` FAILURE.
    Send an `Idempotency-Key` to retry safely.
    """
    checkout = read(CheckoutIn, await json_bytes(request))
    now, explain = clock.now(), explains(request)

    async def attempt(caller: Caller) -> dict[str, object]:
        return await service.redeem(db, configuration_of(request), caller, checkout, now=now, explain=explain)

    return answered(await decide(request, "redemptions:write", attempt))
