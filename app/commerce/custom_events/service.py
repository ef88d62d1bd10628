"""What can be done with custom events."""

from app.access.callers import Caller
from app.commerce.custom_events.repository import CustomEventRepository, EventSchemaRepository
from app.commerce.custom_events.schemas import EventCustomer, EventIn, EventRead
from app.commerce.customers import profiles
from app.kit import clock
from app.kit.db import Database
from app.kit.ids import new_id
from app.kit.metadata_schema import schema_of
from app.kit.outbox import announce
from app.models import CustomEvent

ANNOUNCED = "customer.custom_event"


async def track(db: Database, caller: Caller, body: EventIn) -> EventRead:
    """Keep the event and the customer, count it, and announce it. A name without a schema is as good as any.

    Raises NotFound for an unknown `id` of the customer, MetadataValidationFailed.
    """
    now = clock.now()
    async with db.write() as session:
        schema = await EventSchemaRepository(session, caller.project_id).find_by_name(body.event)
        if schema is not None:
            schema_of(schema.properties).check(body.metadata)
        customer = await profiles.upsert(session, caller, body.customer, now)
        event = CustomEvent(
            project_id=caller.project_id,
            id=new_id("evcus"),
            event=body.event,
            customer_id=customer.id,
            event_metadata=body.metadata,
            created_at=now,
        )
        session.add(event)
        await CustomEventRepository(session, caller.project_id).count(customer.id, body.event)
        data = {
            "customer": {"id": customer.id, "object": "customer"},
            "event": {"id": event.id, "type": body.event, "metadata": body.metadata},
            "loyalty": body.loyalty and {"code": body.loyalty.code},
            "referral": body.referral and {"code": body.referral.code, "referrer_id": body.referral.referrer_id},
        }
        announce(session, caller.project_id, ANNOUNCED, event.id, data)
    shown = EventCustomer(
        id=customer.id,
        source_id=customer.source_id,
        name=customer.name,
        email=customer.email,
        metadata=customer.customer_metadata,
    )
    return EventRead(type=body.event, customer=shown, metadata=body.metadata)
