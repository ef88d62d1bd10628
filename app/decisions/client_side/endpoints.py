"""What pages ask and redeem, with a client key."""

from fastapi import Request, Response

from app.access.authentication import caller_of
from app.access.callers import Caller
from app.access.client_side.allowances import Named
from app.access.client_side.routes import ClientRouter, Lookups, limited_lookups
from app.access.errors import MissingPermission
from app.commerce.customers.client_side import named_by_page, require_known
from app.commerce.orders.schemas import OrderIn
from app.decisions.answers import QualificationRead, ValidationRead
from app.decisions.attempts import decide
from app.decisions.client_side.answers import ClientRedemptionsRead
from app.decisions.client_side.rendering import (
    failed_codes_count,
    shown_qualification,
    shown_redemptions,
    shown_validation,
)
from app.decisions.endpoints import configuration_of
from app.decisions.errors import DuplicatedRedeemables, RedemptionFailed
from app.decisions.qualifications import service as qualifications
from app.decisions.qualifications.schemas import QualificationIn
from app.decisions.redemptions import service as redemptions
from app.decisions.rendering import Wire
from app.decisions.schemas import CheckoutIn
from app.decisions.validations import service as validations
from app.incentives.codes.normal_form import normalise
from app.kit import clock
from app.kit.http import answered, database_of, json_bytes
from app.kit.idempotency import kept_for_good
from app.kit.openapi import sends
from app.kit.wire import read

router = ClientRouter()


@router.post("/validations", response_model=ValidationRead, openapi_extra=sends(CheckoutIn))
async def validate(request: Request) -> Response:
    """Check up to 30 redeemables against an order, from a page. Nothing is used up.

    A code that cannot be used is answered as one that does not exist, whether it is unknown, disabled, expired, used up
    or not for this order; only where the marketer has written a message for that case, it is told. Codes tried in vain
    are limited for each address, key and customer. What the request says about the customer counts only where the
    project lets pages make customers; metadata of what is redeemed is not shown.
    """
    caller = await caller_of(request, "validations:write")
    checkout = _from_page(caller, read(CheckoutIn, await json_bytes(request)))
    db, now = await database_of(request), clock.now()

    async def attempt(caller: Caller) -> Wire:
        return await validations.validate(db, configuration_of(request), caller, checkout, now=now, explain=False)

    async with limited_lookups(request, caller, _codes_count(checkout), _customer(checkout)) as lookups:
        answer = await decide(request, caller, "validations:write", attempt)
        lookups.failed_count = failed_codes_count(answer)
    return answered(shown_validation(answer))


@router.post("/redemptions", response_model=ClientRedemptionsRead, openapi_extra=sends(CheckoutIn))
@kept_for_good
async def redeem(request: Request) -> Response:
    """Use up to 30 redeemables on an order, from a page, where the project allows it (`client_redeem_enabled`).

    As `POST /v1/redemptions`, with the limits and the silence of `POST /client/v1/validations`. A page cannot change
    the catalogue: `override` of products is ignored. The customer must be known, unless the project lets pages make
    customers. An order that is kept already is named by the id that an earlier answer gave; your own id of it leads
    there only together with its customer. Send an `Idempotency-Key` to retry safely.
    """
    caller = await caller_of(request, "redemptions:write")
    checkout = _from_page(caller, read(CheckoutIn, await json_bytes(request)))
    db, now = await database_of(request), clock.now()
    if checkout.customer is not None:
        await require_known(db, caller, checkout.customer)

    async def attempt(caller: Caller) -> Wire:
        return await redemptions.redeem(db, configuration_of(request), caller, checkout, now=now, explain=False)

    async def answer_to(lookups: Lookups) -> Wire:
        try:
            answer = await decide(request, caller, "redemptions:write", attempt)
        except RedemptionFailed as failed:
            lookups.failed_count = failed.unknown_codes_count
            raise
        lookups.failed_count = failed_codes_count(answer)
        return answer

    async with limited_lookups(request, caller, _codes_count(checkout), _customer(checkout)) as lookups:
        answer = await answer_to(lookups)
    return answered(shown_redemptions(answer))


@router.post("/qualifications", response_model=QualificationRead, openapi_extra=sends(QualificationIn))
async def qualify(request: Request) -> Response:
    """Find what a customer could use on an order, from a page: promotions and, where the project lists codes on pages
    (`client_list_vouchers_enabled`), the customer's own codes and those that are open to everybody."""
    caller = await caller_of(request, "qualifications:write")
    question = read(QualificationIn, await json_bytes(request))
    if question.scenario == "CUSTOMER_WALLET" and not caller.may("vouchers:read"):
        raise MissingPermission("vouchers:read")
    question = question.model_copy(update={"customer": named_by_page(caller, question.customer)})
    db, now = await database_of(request), clock.now()

    async def attempt(caller: Caller) -> Wire:
        return await qualifications.find_qualified(db, configuration_of(request), caller, question, now)

    return answered(shown_qualification(await decide(request, caller, "qualifications:write", attempt)))


def _from_page(caller: Caller, checkout: CheckoutIn) -> CheckoutIn:
    """What counts of what a page sends.

    Raises DuplicatedRedeemables for two spellings of one code, also of one that does not exist.
    """
    codes: set[str] = set()
    for asked in checkout.redeemables:
        if asked.object == "voucher":
            code = normalise(asked.id, caller.project.case_sensitive_codes)
            if code in codes:
                raise DuplicatedRedeemables(asked.id)
            codes.add(code)
    customer, order = named_by_page(caller, checkout.customer), checkout.order
    return checkout.model_copy(update={"customer": customer, "order": order and _without_overrides(order)})


def _without_overrides(order: OrderIn) -> OrderIn:
    """The order, which changes nothing in the catalogue."""
    items = [
        item.model_copy(
            update={
                "product": item.product and item.product.model_copy(update={"override": False}),
                "sku": item.sku and item.sku.model_copy(update={"override": False}),
            }
        )
        for item in order.items or ()
    ]
    return order.model_copy(update={"items": items}) if items else order


def _codes_count(checkout: CheckoutIn) -> int:
    return sum(asked.object == "voucher" for asked in checkout.redeemables)


def _customer(checkout: CheckoutIn) -> Named | None:
    customer = checkout.customer
    return Named(customer.id, customer.source_id) if customer else None
