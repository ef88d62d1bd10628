"""What can be done with metadata schemas."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.access.configuration import change_configuration
from app.commerce.metadata_schemas.definitions import merged_definitions
from app.commerce.metadata_schemas.errors import SchemaExists
from app.commerce.metadata_schemas.schemas import MetadataSchemaCreate, MetadataSchemaUpdate
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import NotFound
from app.kit.ids import new_id
from app.kit.metadata_schema import Definition
from app.kit.repository import Repository
from app.models import MetadataSchema

RESOURCE = "metadata_schema"


class MetadataSchemaRepository(Repository[MetadataSchema]):
    model = MetadataSchema

    async def find_by_reference(self, reference: str) -> MetadataSchema | None:
        """The schema with this id, else the one of this resource."""
        named = or_(MetadataSchema.id == reference, MetadataSchema.related_object == reference)
        found = await self.session.scalars(self.rows().where(named))
        return max(found, key=lambda schema: schema.id == reference, default=None)


async def create(db: Database, caller: Caller, body: MetadataSchemaCreate) -> MetadataSchema:
    """Raises SchemaExists."""
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        schemas = MetadataSchemaRepository(session, caller.project_id)
        if await session.scalar(schemas.rows().where(MetadataSchema.related_object == body.related_object)):
            raise SchemaExists(body.related_object)
        schema = MetadataSchema(
            project_id=caller.project_id,
            id=new_id("ms"),
            related_object=body.related_object,
            allow_defined_only=body.allow_defined_only,
            properties=_stored(body.properties),
            created_at=clock.now(),
            updated_at=None,
        )
        session.add(schema)
        _record(session, caller, "created", schema, body)
    return schema


async def update(db: Database, caller: Caller, reference: str, body: MetadataSchemaUpdate) -> MetadataSchema:
    """What is stored already is not looked at again.

    Raises NotFound, InvalidPayload for too many definitions.
    """
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        schema = await _get(session, caller, reference)
        schema.properties = merged_definitions(schema.properties, _stored(body.properties), "properties")
        if body.allow_defined_only is not None:
            schema.allow_defined_only = body.allow_defined_only
        schema.updated_at = clock.now()
        _record(session, caller, "updated", schema, body)
    return schema


async def get(db: Database, caller: Caller, reference: str) -> MetadataSchema:
    """The schema with this id, or of this resource. Raises NotFound."""
    async with db.read() as session:
        return await _get(session, caller, reference)


async def search(db: Database, caller: Caller) -> Sequence[MetadataSchema]:
    """All schemas of the project, newest first."""
    async with db.read() as session:
        rows = MetadataSchemaRepository(session, caller.project_id).rows()
        return (await session.scalars(rows.order_by(MetadataSchema.id.desc()))).all()


async def delete(db: Database, caller: Caller, reference: str) -> None:
    """Raises NotFound."""
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        schema = await _get(session, caller, reference)
        await session.delete(schema)
        _record(session, caller, "deleted", schema, None)


async def _get(session: AsyncSession, caller: Caller, reference: str) -> MetadataSchema:
    """Raises NotFound."""
    schema = await MetadataSchemaRepository(session, caller.project_id).find_by_reference(reference)
    if schema is None:
        raise NotFound(RESOURCE, reference)
    return schema


def _stored(properties: Mapping[str, Definition]) -> dict[str, Any]:
    return {name: definition.model_dump(exclude_none=True) for name, definition in properties.items()}


def _record(
    session: AsyncSession,
    caller: Caller,
    change: str,
    schema: MetadataSchema,
    body: MetadataSchemaCreate | MetadataSchemaUpdate | None,
) -> None:
    changes = body.model_dump(mode="json", exclude_unset=True) if body is not None else {}
    record(session, caller, f"{RESOURCE}.{change}", RESOURCE, schema.id, changes)
