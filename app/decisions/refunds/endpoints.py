"""Routes of refunds."""

from typing import Annotated

from fastapi import Depends, Request, Response

from app.access.authentication import requires
from app.access.callers import Caller
from app.decisions.attempts import decide
from app.decisions.endpoints import configuration_of
from app.decisions.refunds import service
from app.decisions.refunds.schemas import RefundIn, RefundPreview, RefundQuery, RefundRead
from app.decisions.rendering import Wire
from app.kit import clock
from app.kit.http import Db, Router, answered
from app.kit.idempotency import kept_for_good
from app.kit.lists import ListBody

router = Router(prefix="/x/v1/redemptions/{redemption_id}", tags=["refunds"])
Reader = Annotated[Caller, requires("refunds:read")]
Writer = Annotated[Caller, requires("refunds:write")]


@router.post("/refund-preview", response_model=RefundPreview)
async def preview_refund(request: Request, db: Db, caller: Reader, redemption_id: str, body: RefundIn) -> Response:
    """See what a refund would give back: by line, to each gift card, and in money. Nothing is changed.

    The same rules and refusals as for the refund itself.
    """

    async def attempt(caller: Caller) -> Wire:
        return await service.preview(db, configuration_of(request), caller, redemption_id, body)

    return answered(await decide(request, caller, "refunds:read", attempt))


@router.post("/refund", response_model=RefundRead)
@kept_for_good
async def refund_redemption(request: Request, db: Db, caller: Writer, redemption_id: str, body: RefundIn) -> Response:
    """Take units of a redeemed order back, some or all: the answer says how much money to give the customer, and gift
    cards have what they paid for these units again.

    What a unit gives back was fixed when the order was redeemed: its price less its part of every discount, in whole
    minor units. Refunds are never computed from what is left of the order, so returning all units, in whatever parts,
    gives back exactly what was paid; a part that no unit carries comes with the last one.

    With `policy` requalify the discounts are evaluated again, as they are set up today, for what the customer keeps (at
    the time and prices of the purchase, without limits): if that costs more than those units did, the difference is
    kept back, at most all of the refund, and later refunds make good what was too much. A free unit that is kept costs
    its price when what it came with is gone. Money is given back first then, gift cards after it.

    Name the redemption that stands for the request: the parent of a stack, or a single one. Where an order was redeemed
    on several times each of them stands for the whole order. Each unit comes back once: of many requests for the same
    unit one succeeds, the others are refused with `refund_exceeded`. Uses, limits and budgets stay taken; a rollback
    frees them, and gives gift cards what refunds have not. What was rolled back cannot be refunded.
    Send an `Idempotency-Key` to retry safely.
    """
    now = clock.now()

    async def attempt(caller: Caller) -> Wire:
        return await service.refund(db, configuration_of(request), caller, redemption_id, body, now=now)

    return answered(await decide(request, caller, "refunds:write", attempt))


@router.get("/refunds", response_model=ListBody[RefundRead])
async def list_refunds(
    db: Db, caller: Reader, redemption_id: str, query: Annotated[RefundQuery, Depends(RefundQuery.parse)]
) -> Response:
    """List what was given back for units of a redemption's order, newest first."""
    return answered(await service.list_of_redemption(db, caller, redemption_id, query))
