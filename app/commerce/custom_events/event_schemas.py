"""What can be done with the schemas of custom events."""

from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError

from app.access.audit import record
from app.access.callers import Caller
from app.commerce.custom_events.errors import EventSchemaExists
from app.commerce.custom_events.repository import EventSchemaRepository
from app.commerce.custom_events.schemas import EventProperties, EventSchemaCreate, EventSchemaUpdate
from app.commerce.metadata_schemas.definitions import merged_definitions
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import NotFound
from app.kit.ids import new_id
from app.models import CustomEventSchema

RESOURCE = "custom_event_schema"


async def create(db: Database, caller: Caller, body: EventSchemaCreate) -> CustomEventSchema:
    """Raises EventSchemaExists."""
    schema = CustomEventSchema(
        project_id=caller.project_id,
        id=new_id("ms"),
        name=body.name,
        properties=_stored(body.schema_),
        created_at=clock.now(),
        updated_at=None,
    )
    try:
        async with db.write() as session:
            session.add(schema)
            await session.flush()
            record(session, caller, f"{RESOURCE}.created", RESOURCE, schema.id, _sent(body))
    except IntegrityError:  # the only constraint that a new id can meet is that of the name
        raise EventSchemaExists(body.name) from None
    return schema


async def update(db: Database, caller: Caller, schema_id: str, body: EventSchemaUpdate) -> CustomEventSchema:
    """Raises NotFound, InvalidPayload for too many definitions."""
    async with db.write() as session:
        schemas = EventSchemaRepository(session, caller.project_id)
        schema = await session.scalar(schemas.rows().where(CustomEventSchema.id == schema_id).with_for_update())
        if schema is None:
            raise NotFound(RESOURCE, schema_id)
        schema.properties = merged_definitions(schema.properties, _stored(body.schema_), "schema.properties")
        schema.updated_at = clock.now()
        record(session, caller, f"{RESOURCE}.updated", RESOURCE, schema.id, _sent(body))
    return schema


async def get(db: Database, caller: Caller, schema_id: str) -> CustomEventSchema:
    """Raises NotFound."""
    async with db.read() as session:
        return await _get(EventSchemaRepository(session, caller.project_id), schema_id)


async def search(db: Database, caller: Caller) -> Sequence[CustomEventSchema]:
    """All schemas of the project, newest first."""
    async with db.read() as session:
        rows = EventSchemaRepository(session, caller.project_id).rows()
        return (await session.scalars(rows.order_by(CustomEventSchema.id.desc()))).all()


async def delete(db: Database, caller: Caller, schema_id: str) -> None:
    """Raises NotFound."""
    async with db.write() as session:
        schema = await _get(EventSchemaRepository(session, caller.project_id), schema_id)
        await session.delete(schema)
        record(session, caller, f"{RESOURCE}.deleted", RESOURCE, schema_id)


async def _get(schemas: EventSchemaRepository, schema_id: str) -> CustomEventSchema:
    """Raises NotFound."""
    schema = await schemas.find(schema_id)
    if schema is None:
        raise NotFound(RESOURCE, schema_id)
    return schema


def _stored(given: EventProperties) -> dict[str, object]:
    return {name: each.model_dump(exclude_none=True) for name, each in given.properties.items()}


def _sent(body: EventSchemaCreate | EventSchemaUpdate) -> dict[str, object]:
    return body.model_dump(mode="json", exclude_unset=True, by_alias=True)
