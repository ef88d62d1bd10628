"""Resources the shop may call by its own id: found by either id, and made once however many ask at the same time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, Literal, TypeAlias

from sqlalchemy import Select, or_
from sqlalchemy.dialects.postgresql import insert

from app.kit.errors import Busy, DuplicateFound, NotFound
from app.kit.ids import new_id
from app.kit.metadata import merged_metadata
from app.kit.metadata_schema import MetadataSchema
from app.kit.repository import Repository, Row

ATTEMPTS = 10
"""How often an upsert begins anew because its row was deleted under it."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a request says about a resource: `values` replace columns, `metadata` is merged key by key."""

    values: Mapping[str, Any]
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Upserted(Generic[Row]):
    """The row as it is now; `before` has the former values of the columns that were updated."""

    row: Row
    change: Literal["created", "updated", "unchanged"]
    before: Mapping[str, Any] = field(default_factory=dict)


Describe: TypeAlias = Callable[[Row | None], Given]
"""What a request wants of a row: of the one there is, or of a new one (None)."""


class SourcedRepository(Repository[Row]):
    """A table with a `source_id` that is unique in the project."""

    resource_type: ClassVar[str]
    prefix: ClassVar[str]
    metadata_name: ClassVar[str]
    """The attribute that holds metadata; `metadata` itself is taken by SQLAlchemy."""

    def every_row(self) -> Select[Row]:
        """All rows of the project, those in the bin included; tables without a bin have no others."""
        return super().rows()

    async def get(self, reference: str, *, even_binned: bool = False) -> Row:
        """The row with this id, else the one with this source id.

        Raises NotFound.
        """
        row = await self.find_by_reference(reference, even_binned=even_binned)
        if row is None:
            raise NotFound(self.resource_type, reference)
        return row

    async def find_by_reference(self, reference: str, *, even_binned: bool = False) -> Row | None:
        """The row with this id, else the one with this source id."""
        rows = self.every_row() if even_binned else self.rows()
        by_either = rows.where(or_(self.model.id == reference, self.model.source_id == reference))
        row: Row | None = await self.session.scalar(by_either.order_by((self.model.id == reference).desc()).limit(1))
        return row

    async def get_locked(self, reference: str, *, even_binned: bool = False) -> Row:
        """The same, kept from changing until the transaction ends.

        Raises NotFound.
        """
        found = await self.get(reference, even_binned=even_binned)
        row = await self.lock(found, even_binned=even_binned)
        if row is None:
            raise NotFound(self.resource_type, reference)
        return row

    async def find_mentioned(self, row_id: str | None, source_id: str | None) -> Row | None:
        """The row a request body means: `id` wins, even when nothing is found under it."""
        if row_id is None and source_id is None:
            return None
        named = self.model.id == row_id if row_id is not None else self.model.source_id == source_id
        row: Row | None = await self.session.scalar(self.rows().where(named))
        return row

    async def keeps(self, source_id: str | None) -> bool:
        """Whether any row has the source id, those in the bin included."""
        return await self.session.scalar(self.every_row().where(self.model.source_id == source_id)) is not None

    async def lock(self, row: Row, *, even_binned: bool = False) -> Row | None:
        """The row as it stands now, kept from changing until the transaction ends; None when it is gone."""
        rows = self.every_row() if even_binned else self.rows()
        current = rows.where(self.model.id == row.id).with_for_update()
        locked: Row | None = await self.session.scalar(current.execution_options(populate_existing=True))
        return locked

    async def add_once(self, source_id: str | None, given: Given, now: datetime) -> Row | None:
        """A new row, or None when another transaction made one with the same source id first (this waits for it)."""
        columns = {"created_at": now, **given.values, self.metadata_name: merged_metadata({}, given.metadata or {})}
        row: Row | None = await self.session.scalar(
            insert(self.model)
            .values(project_id=self.project_id, id=new_id(self.prefix), source_id=source_id, **columns)
            .on_conflict_do_nothing(index_elements=["project_id", "source_id"])
            .returning(self.model)
        )
        return row


async def upsert(
    rows: SourcedRepository[Row],
    row_id: str | None,
    source_id: str | None,
    describe: Describe[Row],
    now: datetime,
    schema: MetadataSchema | None = None,
) -> Upserted[Row]:
    """Change the row with this id, else the one with this source id, else make one. What stays equal is not written.
    With a `schema`, metadata that is given has to be as it says once it is merged.

    Raises NotFound for an unknown id, DuplicateFound when a deleted resource still keeps the source id, Busy when
    others delete the row as often as this makes it, and MetadataValidationFailed.
    """
    describe = _checked(rows, describe, schema)
    for _ in range(ATTEMPTS):
        row = await rows.find_mentioned(row_id, source_id)
        if row is None and row_id is not None:
            raise NotFound(rows.resource_type, row_id)
        if row is None:
            row = await rows.add_once(source_id, describe(None), now)
            if row is not None:
                return Upserted(row, "created")
            row = await rows.find_mentioned(None, source_id)
        if row is not None:
            changed = await _change(rows, row, describe, now)
            if changed is not None:
                return changed
        elif await rows.keeps(source_id):
            raise DuplicateFound(
                f"A deleted {rows.resource_type} keeps the source_id {source_id}.",
                resource_id=source_id,
                resource_type=rows.resource_type,
            )
    raise Busy


async def update(
    rows: SourcedRepository[Row],
    row: Row,
    describe: Describe[Row],
    now: datetime,
    schema: MetadataSchema | None = None,
) -> Upserted[Row]:
    """Write what differs.

    Raises NotFound when the row was deleted meanwhile, MetadataValidationFailed.
    """
    changed = await _change(rows, row, _checked(rows, describe, schema), now)
    if changed is None:
        raise NotFound(rows.resource_type, row.id)
    return changed


def _checked(rows: SourcedRepository[Row], describe: Describe[Row], schema: MetadataSchema | None) -> Describe[Row]:
    """`describe`, refusing metadata that is not as `schema` says."""
    if schema is None:
        return describe

    def checked(row: Row | None) -> Given:
        given = describe(row)
        if given.metadata is not None:
            stored = {} if row is None else given.values.get(rows.metadata_name, getattr(row, rows.metadata_name))
            schema.check(merged_metadata(stored, given.metadata))
        return given

    return checked


async def _change(
    rows: SourcedRepository[Row], row: Row, describe: Describe[Row], now: datetime
) -> Upserted[Row] | None:
    """The row is read again under its lock, so that no parallel change is lost; None when it is gone."""
    if not _differences(rows, row, describe(row)):
        return Upserted(row, "unchanged")
    locked = await rows.lock(row)
    if locked is None:
        return None
    differences = _differences(rows, locked, describe(locked))
    before = {name: getattr(locked, name) for name in differences}
    if not differences:
        return Upserted(locked, "unchanged")
    for name, value in differences.items():
        setattr(locked, name, value)
    locked.updated_at = now  # type: ignore[attr-defined]  # every row with a source id has timestamps
    await rows.session.flush()
    return Upserted(locked, "updated", before)


def _differences(rows: SourcedRepository[Row], row: Row, given: Given) -> dict[str, Any]:
    wanted = dict(given.values)
    if given.metadata is not None:
        stored = wanted.get(rows.metadata_name, getattr(row, rows.metadata_name))
        wanted[rows.metadata_name] = merged_metadata(stored, given.metadata)
    return {name: value for name, value in wanted.items() if getattr(row, name) != value}
