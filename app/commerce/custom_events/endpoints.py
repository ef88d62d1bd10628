"""Routes of custom events and their schemas."""

from typing import Annotated

from fastapi import Path

from app.access.authentication import requires
from app.access.callers import Caller
from app.commerce.custom_events import event_schemas, service
from app.commerce.custom_events.schemas import (
    EventIn,
    EventPropertiesRead,
    EventRead,
    EventSchemaCreate,
    EventSchemaRead,
    EventSchemaUpdate,
)
from app.kit.http import Db, Router
from app.kit.lists import ListBody
from app.models import CustomEventSchema

router = Router(tags=["events"])
Tracker = Annotated[Caller, requires("events:write")]
SchemaReader = Annotated[Caller, requires("metadata_schemas:read")]
SchemaWriter = Annotated[Caller, requires("metadata_schemas:write")]
SchemaId = Annotated[str, Path(alias="customEventSchemaId")]
SCHEMAS = "/management/v1/projects/{project_id}/custom-event-schemas"


@router.post("/v1/events")
async def track_custom_event(db: Db, caller: Tracker, body: EventIn) -> EventRead:
    """Keep that a customer did something. Segments can ask how often: `events.<name>.count`."""
    return await service.track(db, caller, body)


@router.post(SCHEMAS)
async def create_custom_event_schema(
    db: Db, caller: SchemaWriter, project_id: str, body: EventSchemaCreate
) -> EventSchemaRead:
    """Define what the metadata of an event looks like. Events without a schema may carry anything."""
    return _read(await event_schemas.create(db, caller, body))


@router.get(SCHEMAS)
async def list_custom_event_schemas(db: Db, caller: SchemaReader, project_id: str) -> ListBody[EventSchemaRead]:
    """List the schemas of custom events, newest first."""
    schemas = await event_schemas.search(db, caller)
    return ListBody(data=[_read(schema) for schema in schemas], total=len(schemas))


@router.get(f"{SCHEMAS}/{{customEventSchemaId}}")
async def get_custom_event_schema(
    db: Db, caller: SchemaReader, project_id: str, schema_id: SchemaId
) -> EventSchemaRead:
    """Get the schema of a custom event."""
    return _read(await event_schemas.get(db, caller, schema_id))


@router.put(f"{SCHEMAS}/{{customEventSchemaId}}")
async def update_custom_event_schema(
    db: Db, caller: SchemaWriter, project_id: str, schema_id: SchemaId, body: EventSchemaUpdate
) -> EventSchemaRead:
    """Change the definitions that are sent; the others stay."""
    return _read(await event_schemas.update(db, caller, schema_id, body))


@router.delete(f"{SCHEMAS}/{{customEventSchemaId}}", status_code=204)
async def delete_custom_event_schema(db: Db, caller: SchemaWriter, project_id: str, schema_id: SchemaId) -> None:
    """Delete the schema; the event may carry anything from now on."""
    await event_schemas.delete(db, caller, schema_id)


def _read(schema: CustomEventSchema) -> EventSchemaRead:
    return EventSchemaRead.model_validate(
        {
            "id": schema.id,
            "name": schema.name,
            "schema": EventPropertiesRead(properties=schema.properties),
            "created_at": schema.created_at,
            "updated_at": schema.updated_at,
        }
    )
