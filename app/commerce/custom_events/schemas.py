"""Custom events on the wire."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from app.commerce.customers.schemas import CustomerIn, Reference
from app.kit.metadata_schema import MOST_DEFINITIONS
from app.kit.wire import Instant, Metadata, WireIn, WireOut

EventName = Annotated[str, Field(min_length=1, max_length=300, examples=["newsletter_subscribed"])]
PropertyName = Annotated[str, Field(min_length=1, max_length=300)]


class EventReferralIn(WireIn):
    code: str
    referrer_id: Reference | None = None


class EventLoyaltyIn(WireIn):
    code: str


class EventIn(WireIn):
    """What a customer did. The customer is found by `id`, else by `source_id`, else made."""

    event: EventName
    customer: CustomerIn
    referral: Annotated[EventReferralIn | None, Field(description="The code by which the customer came.")] = None
    loyalty: Annotated[EventLoyaltyIn | None, Field(description="Accepted; no loyalty program looks at it.")] = None
    metadata: Metadata = Field(default_factory=dict)


class EventCustomer(WireOut):
    id: str
    source_id: str | None = None
    name: str | None = None
    email: str | None = None
    metadata: Metadata
    object: Literal["customer"] = "customer"


class EventRead(WireOut):
    nullable: ClassVar[frozenset[str]] = frozenset({"referral", "loyalty"})

    object: Literal["event"] = "event"
    type: str
    customer: EventCustomer
    referral: dict[str, Any] | None = None
    loyalty: dict[str, Any] | None = None
    metadata: Metadata


class EventDefinition(WireIn):
    """What one key of the metadata of an event holds."""

    type: Literal["string", "number", "date", "datetime", "boolean"]
    optional: bool = True
    deleted: bool | None = None


class EventProperties(WireIn):
    properties: Annotated[dict[PropertyName, EventDefinition], Field(default_factory=dict, max_length=MOST_DEFINITIONS)]


class EventSchemaCreate(WireIn):
    name: EventName
    schema_: Annotated[EventProperties, Field(default_factory=EventProperties, alias="schema")]


class EventSchemaUpdate(WireIn):
    """Definitions are merged by name; the name of the event stays."""

    schema_: Annotated[EventProperties, Field(default_factory=EventProperties, alias="schema")]


class EventPropertiesRead(WireOut):
    properties: dict[str, dict[str, Any]]


class EventSchemaRead(WireOut):
    id: Annotated[str, Field(examples=["ms_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    name: str
    schema_: Annotated[EventPropertiesRead, Field(alias="schema")]
    created_at: Instant
    updated_at: Instant | None = None
    object: Literal["custom-event-schema"] = "custom-event-schema"
