"""Routes of the support desk, and of the pictures that its answers name."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response

from app.access.authentication import requires
from app.access.callers import Caller
from app.distribution.goodwill import service
from app.distribution.goodwill.schemas import (
    GoodwillCreate,
    GoodwillGiven,
    GoodwillQuery,
    GoodwillRead,
    SupportCustomer,
)
from app.distribution.goodwill_settings import service as settings
from app.distribution.goodwill_settings.schemas import KeyBudgetRead, ReasonRead
from app.kit.http import Db, Router, answered
from app.kit.lists import ListBody

router = Router(tags=["goodwill"])
Reader = Annotated[Caller, requires("support_coupons:read")]
Writer = Annotated[Caller, requires("support_coupons:write")]
GoodwillId = Annotated[str, Path(alias="goodwillId", max_length=64)]
CustomerReference = Annotated[str, Path(alias="customerId", description="The customer's id or your `source_id`.")]


@router.post("/x/v1/support/goodwill", response_model=GoodwillGiven)
async def give_goodwill(request: Request, db: Db, caller: Writer, body: GoodwillCreate) -> Response:
    """Say sorry: give one customer a coupon for one order, or a gift card.

    The customer is found by e-mail or made, and nobody else can use the code. It counts against the budgets of the
    reason and of the key with all that it can cost; when one of them has not so much left, nothing is given
    (`goodwill_budget_exceeded`). With an `Idempotency-Key` a retry gives the same code again.
    """
    return answered(await service.create(db, caller, body, str(request.base_url)))


@router.get("/x/v1/support/goodwill")
async def list_goodwill(
    db: Db, caller: Reader, query: Annotated[GoodwillQuery, Depends(GoodwillQuery.parse)]
) -> ListBody[GoodwillRead]:
    """List what support gave, newest first."""
    shown, found = await service.search(db, caller, query)
    return ListBody(data=shown, has_more=found.has_more, more_starting_after=found.more_starting_after)


@router.get("/x/v1/support/goodwill/{goodwillId}")
async def get_goodwill(db: Db, caller: Reader, goodwill_id: GoodwillId) -> GoodwillRead:
    """Get something that support gave."""
    return await service.get(db, caller, goodwill_id)


@router.post("/x/v1/support/goodwill/{goodwillId}/cancel")
async def cancel_goodwill(db: Db, caller: Writer, goodwill_id: GoodwillId) -> GoodwillRead:
    """Take back a code that was not used. It is disabled, and its amount goes back into the budgets, once.

    A code that was redeemed stays (`goodwill_used`), unless the redemption is rolled back first. Disabling the voucher
    itself gives nothing back, because it could be enabled again.
    """
    return await service.cancel(db, caller, goodwill_id)


@router.get("/x/v1/support/customers/{customerId}", response_model=SupportCustomer)
async def get_support_customer(
    db: Db,
    caller: Reader,
    reference: CustomerReference,
    limit: Annotated[int, Query(ge=1, le=100, description="At most this many in each list.")] = 20,
) -> Response:
    """Get a customer as support needs them: earlier goodwill, what they hold, and which attempts failed and why.

    Goodwill and attempts are also those of guests with the same mail address.
    """
    return answered(await service.customer(db, caller, reference, limit))


@router.get("/x/v1/support/reasons")
async def list_support_reasons(db: Db, caller: Reader) -> ListBody[ReasonRead]:
    """List the reasons that an agent can choose from, with what is left of their budgets."""
    reasons = await settings.list_reasons(db, caller, only_active=True)
    return ListBody(data=reasons, total=len(reasons))


@router.get("/x/v1/support/budget")
async def get_support_budget(db: Db, caller: Writer) -> KeyBudgetRead:
    """Get what the calling key may still give."""
    return await settings.get_budget(db, caller, caller.api_key_id)


@router.get(
    "/assets/qr/{project}/{voucherId}/{signature}.png",
    response_class=Response,
    include_in_schema=False,  # its address is told in answers; clients have nothing to generate for it
)
async def get_qr_code(
    db: Db,
    project: Annotated[str, Path(max_length=64)],
    voucher_id: Annotated[str, Path(alias="voucherId", max_length=64)],
    signature: Annotated[str, Path(max_length=64)],
) -> Response:
    """Get the QR code of a voucher. The address comes with the voucher, needs no key and cannot be guessed."""
    image = await service.picture(db, project, voucher_id, signature)
    return Response(image, media_type="image/png", headers={"Cache-Control": "public, max-age=31536000, immutable"})
