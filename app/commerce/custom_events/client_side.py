"""Custom events that pages report."""

from typing import Annotated, Any, ClassVar, Literal

from app.access.authentication import requires
from app.access.callers import Caller
from app.access.client_side.routes import ClientRouter
from app.commerce.custom_events import service
from app.commerce.custom_events.schemas import EventIn
from app.commerce.customers.client_side import ClientCustomer, named_by_page, require_known
from app.kit.http import Db
from app.kit.wire import Metadata, WireOut

router = ClientRouter()
Tracker = Annotated[Caller, requires("events:write")]


class ClientEventRead(WireOut):
    nullable: ClassVar[frozenset[str]] = frozenset({"referral", "loyalty"})

    object: Literal["event"] = "event"
    type: str
    customer: ClientCustomer
    referral: dict[str, Any] | None = None
    loyalty: dict[str, Any] | None = None
    metadata: Metadata


@router.post("/events")
async def track_custom_event(db: Db, caller: Tracker, body: EventIn) -> ClientEventRead:
    """Keep that a customer did something.

    The customer must be known, unless the project lets pages make customers (`client_create_customer_enabled`); until
    then, what else the request says about the customer is ignored.
    """
    customer = named_by_page(caller, body.customer)
    await require_known(db, caller, customer)
    tracked = await service.track(db, caller, body.model_copy(update={"customer": customer}))
    shown = ClientCustomer(id=tracked.customer.id, source_id=tracked.customer.source_id)
    return ClientEventRead(type=tracked.type, customer=shown, metadata=tracked.metadata)
