"""Codes that customers get on a page."""

from typing import Annotated, ClassVar, Literal

from fastapi import Query, Response

from app.access.authentication import requires
from app.access.callers import Caller
from app.access.client_side.routes import ClientRouter
from app.commerce.customers.client_side import ClientCustomer, named_by_page, require_known, shown_customer
from app.distribution.publications import service
from app.incentives.client_side import ClientVoucher, shown_voucher
from app.incentives.publications.errors import InvalidPublishParams
from app.incentives.publications.schemas import PublicationCreate
from app.kit.http import Db, answered
from app.kit.wire import Instant, Metadata, WireOut

router = ClientRouter()
Writer = Annotated[Caller, requires("publications:write")]
JoinOnce = Annotated[
    bool, Query(description="A customer who already has a code of the campaign gets that one again, not another.")
]


class ClientPublicationRead(WireOut):
    """What was given: one voucher as `voucher`, several as the codes in `vouchers`."""

    nullable: ClassVar[frozenset[str]] = frozenset({"source_id"})

    id: str
    created_at: Instant
    customer_id: str
    tracking_id: str | None = None
    metadata: Metadata
    channel: Literal["API"] = "API"
    source_id: str | None
    result: Literal["SUCCESS"] = "SUCCESS"
    customer: ClientCustomer | None = None
    vouchers_id: list[str]
    voucher: ClientVoucher | None = None
    vouchers: list[str] | None = None
    object: Literal["publication"] = "publication"


@router.post("/publish", response_model=ClientPublicationRead)
async def create_publication(db: Db, caller: Writer, body: PublicationCreate, join_once: JoinOnce = False) -> Response:
    """Give a customer codes of a campaign, where the project allows it (`client_publish_enabled`).

    A page cannot choose the code: naming a `voucher` is refused. The customer must be known, unless the project lets
    pages make customers.
    """
    if body.voucher is not None:
        raise InvalidPublishParams("A page gets codes of a campaign; it cannot name the voucher.")
    customer = named_by_page(caller, body.customer)
    await require_known(db, caller, customer)
    given = await service.publish(db, caller, body.model_copy(update={"customer": customer}), join_once=join_once)
    return answered(
        {
            **given,
            **({"customer": shown_customer(given["customer"])} if given.get("customer") else {}),
            **({"voucher": shown_voucher(given["voucher"])} if given.get("voucher") else {}),
        }
    )
