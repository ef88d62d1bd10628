"""Routes of metadata schemas, on the management surface and on the server's."""

from typing import Annotated, Any

from fastapi import Path

from app.access.authentication import requires
from app.access.callers import Caller
from app.commerce.metadata_schemas import service
from app.commerce.metadata_schemas.schemas import (
    CAMEL_CASE,
    MetadataSchemaCreate,
    MetadataSchemaList,
    MetadataSchemaRead,
    MetadataSchemaUpdate,
)
from app.kit.http import Db, Router
from app.kit.lists import ListBody
from app.models import MetadataSchema

router = Router(tags=["metadata schemas"])
Reader = Annotated[Caller, requires("metadata_schemas:read")]
Writer = Annotated[Caller, requires("metadata_schemas:write")]
SchemaId = Annotated[str, Path(alias="metadataSchemaId")]
Resource = Annotated[str, Path(description="The resource, such as `customer`, or the id of the schema.")]
MANAGED = "/management/v1/projects/{project_id}/metadata-schemas"


@router.get("/v1/metadata-schemas")
async def list_metadata_schemas(db: Db, caller: Reader) -> MetadataSchemaList:
    """List the metadata schemas of the project, newest first; their definitions in camelCase."""
    schemas = [_read(schema, CAMEL_CASE) for schema in await service.search(db, caller)]
    return MetadataSchemaList(schemas=schemas, total=len(schemas))


@router.post("/v1/metadata-schemas")
async def create_metadata_schema(db: Db, caller: Writer, body: MetadataSchemaCreate) -> MetadataSchemaRead:
    """Define what the metadata of a resource looks like. What is stored already stays as it is."""
    return _read(await service.create(db, caller, body))


@router.get("/v1/metadata-schemas/{resource}")
async def get_metadata_schema(db: Db, caller: Reader, resource: Resource) -> MetadataSchemaRead:
    """Get the metadata schema of a resource; its definitions in camelCase."""
    return _read(await service.get(db, caller, resource), CAMEL_CASE)


@router.put("/v1/metadata-schemas/{resource}")
async def update_metadata_schema(
    db: Db, caller: Writer, resource: Resource, body: MetadataSchemaUpdate
) -> MetadataSchemaRead:
    """Change the definitions that are sent; the others stay."""
    return _read(await service.update(db, caller, resource, body))


@router.delete("/v1/metadata-schemas/{resource}", status_code=204)
async def delete_metadata_schema(db: Db, caller: Writer, resource: Resource) -> None:
    """Delete a metadata schema; the metadata stays, and may look like anything."""
    await service.delete(db, caller, resource)


@router.get(MANAGED)
async def list_managed_metadata_schemas(db: Db, caller: Reader, project_id: str) -> ListBody[MetadataSchemaRead]:
    """List the metadata schemas of the project, newest first."""
    schemas = await service.search(db, caller)
    return ListBody(data=[_read(schema) for schema in schemas], total=len(schemas))


@router.post(MANAGED)
async def create_managed_metadata_schema(
    db: Db, caller: Writer, project_id: str, body: MetadataSchemaCreate
) -> MetadataSchemaRead:
    """Define what the metadata of a resource looks like. What is stored already stays as it is."""
    return _read(await service.create(db, caller, body))


@router.get(f"{MANAGED}/{{metadataSchemaId}}")
async def get_managed_metadata_schema(
    db: Db, caller: Reader, project_id: str, schema_id: SchemaId
) -> MetadataSchemaRead:
    """Get a metadata schema."""
    return _read(await service.get(db, caller, schema_id))


@router.put(f"{MANAGED}/{{metadataSchemaId}}")
async def update_managed_metadata_schema(
    db: Db, caller: Writer, project_id: str, schema_id: SchemaId, body: MetadataSchemaUpdate
) -> MetadataSchemaRead:
    """Change the definitions that are sent; the others stay."""
    return _read(await service.update(db, caller, schema_id, body))


@router.delete(f"{MANAGED}/{{metadataSchemaId}}", status_code=204)
async def delete_managed_metadata_schema(db: Db, caller: Writer, project_id: str, schema_id: SchemaId) -> None:
    """Delete a metadata schema; the metadata stays, and may look like anything."""
    await service.delete(db, caller, schema_id)


def _read(schema: MetadataSchema, names: dict[str, str] | None = None) -> MetadataSchemaRead:
    return MetadataSchemaRead(
        id=schema.id,
        related_object=schema.related_object,
        properties={key: _renamed(definition, names or {}) for key, definition in schema.properties.items()},
        allow_defined_only=schema.allow_defined_only,
        created_at=schema.created_at,
        updated_at=schema.updated_at,
    )


def _renamed(definition: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in definition.items()}
