"""Redeeming, taking back, and looking up what was redeemed."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from app.access.authentication import caller_of, requires
from app.access.callers import Caller
from app.decisions.answers import RedemptionList, RedemptionRead, RedemptionsRead, RollbacksRead, VoucherRedemptions
from app.decisions.attempts import decide
from app.decisions.endpoints import configuration_of, explains
from app.decisions.redemptions import history, rollbacks, service
from app.decisions.redemptions.listing import RedemptionQuery
from app.decisions.redemptions.schemas import RollbackIn, RollbackQuery
from app.decisions.schemas import CheckoutIn
from app.kit import clock
from app.kit.http import Db, Router, answered, database_of, json_bytes
from app.kit.idempotency import kept_for_good
from app.kit.openapi import sends
from app.kit.wire import read

router = Router(prefix="/v1", tags=["redemptions"])
Reader = Annotated[Caller, requires("redemptions:read")]
RollbackWriter = Annotated[Caller, requires("rollbacks:write")]
FromQuery = Annotated[RollbackQuery, Query()]


@router.post("/redemptions", response_model=RedemptionsRead, openapi_extra=sends(CheckoutIn))
@kept_for_good
async def redeem(request: Request) -> Response:
    """Use up to 30 redeemables on an order: all that apply or, by the project's stacking rules, none.

    The customer and the order are kept; a new order is PAID unless the request says otherwise. Every use, limit and
    budget is taken in the same moment in which the redemption is written, so the last use goes to one request only.
    With the `session.key` of a validation it uses what that session holds and ends the session; when it has expired, it
    is a redemption like any other. A refused attempt leaves the session as it is.
    A refused attempt is answered with the key of its first failure and recorded with `result` FAILURE.
    Send an `Idempotency-Key` to retry safely.
    """
    caller = await caller_of(request, "redemptions:write")
    checkout = read(CheckoutIn, await json_bytes(request))
    db, now, explain = await database_of(request), clock.now(), explains(request)

    async def attempt(caller: Caller) -> dict[str, object]:
        return await service.redeem(db, configuration_of(request), caller, checkout, now=now, explain=explain)

    return answered(await decide(request, caller, "redemptions:write", attempt))


@router.get("/redemptions", response_model=RedemptionList)
async def list_redemptions(
    db: Db, caller: Reader, query: Annotated[RedemptionQuery, Depends(RedemptionQuery.parse)]
) -> Response:
    """List redemptions and rollbacks, failed ones too, newest first."""
    return answered(await history.search(db, caller, query))


@router.get("/vouchers/{code}/redemption", response_model=VoucherRedemptions)
async def list_voucher_redemptions(db: Db, caller: Reader, code: str) -> Response:
    """See how often a voucher was redeemed, with its newest 100 redemptions and rollbacks."""
    return answered(await history.of_voucher(db, caller, code))


@router.get("/redemptions/{redemption_id}", response_model=RedemptionRead)
async def get_redemption(db: Db, caller: Reader, redemption_id: str) -> Response:
    """Get one redemption or rollback by its id."""
    return answered(await history.get(db, caller, redemption_id))


@router.post("/redemptions/{redemption_id}/rollback", response_model=RedemptionRead)
@kept_for_good
async def roll_back_redemption(
    db: Db, caller: RollbackWriter, redemption_id: str, query: FromQuery, body: RollbackIn
) -> Response:
    """Take back a single redemption: its uses are free again, its discount comes off the order, which is CANCELED
    (unless `redeemables_rollback_order_mode` of the stacking rules is WITHOUT_ORDER).

    Works at any age, and exactly once: of two at the same moment one is refused with `already_rolled_back`. A part of a
    stack cannot be taken back alone.
    """
    done = await rollbacks.roll_back(
        db, caller, redemption_id, query.merged_into(body), whole_stack=False, now=clock.now()
    )
    return answered(done.rollbacks[0])


@router.post("/redemptions/{parent_redemption_id}/rollbacks", response_model=RollbacksRead)
@kept_for_good
async def roll_back_stack(
    db: Db,
    caller: RollbackWriter,
    parent_redemption_id: str,
    query: FromQuery,
    body: RollbackIn,
) -> Response:
    """Take back a stack as a whole, by its parent redemption; a single redemption is accepted too."""
    done = await rollbacks.roll_back(
        db, caller, parent_redemption_id, query.merged_into(body), whole_stack=True, now=clock.now()
    )
    answer = {"rollbacks": done.rollbacks, "parent_rollback": done.parent, "order": done.order}
    return answered({name: value for name, value in answer.items() if value is not None})
