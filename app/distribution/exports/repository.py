"""Exports in the database."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from sqlalchemy import delete, func, select

from app.kit.repository import Repository
from app.models import Export, ExportChunk

UNFINISHED = ("SCHEDULED", "IN_PROGRESS")


class ExportRepository(Repository[Export]):
    model: ClassVar = Export

    async def wait_for_others(self, lock: int) -> None:
        """Let those who make an export pass one by one until the transaction ends."""
        await self.session.execute(select(func.pg_advisory_xact_lock(lock, self.project_id)))

    async def count(self) -> int:
        return await self.session.scalar(self.rows().with_only_columns(func.count())) or 0

    async def page(self, order: str, page: int, limit: int) -> Sequence[Export]:
        column = Export.status if order.removeprefix("-") == "status" else Export.id
        directed = column.desc() if order.startswith("-") else column.asc()
        rows = self.rows().order_by(directed, Export.id.desc()).limit(limit).offset((page - 1) * limit)
        return (await self.session.scalars(rows)).all()

    async def lock_unfinished(self, export_id: str) -> Export | None:
        rows = self.rows().where(Export.id == export_id, Export.status.in_(UNFINISHED))
        return await self.session.scalar(rows.with_for_update())

    async def unfinished(self) -> Sequence[Export]:
        return (await self.session.scalars(self.rows().where(Export.status.in_(UNFINISHED)))).all()

    async def chunk(self, export_id: str, position: int) -> str | None:
        return await self.session.scalar(
            select(ExportChunk.content).where(
                ExportChunk.project_id == self.project_id,
                ExportChunk.export_id == export_id,
                ExportChunk.position == position,
            )
        )

    async def expired(self, now: datetime) -> Sequence[str]:
        return (
            await self.session.scalars(self.rows().with_only_columns(Export.id).where(Export.expires_at < now))
        ).all()

    async def of_object(self, exported_object: str) -> Sequence[str]:
        rows = self.rows().with_only_columns(Export.id).where(Export.exported_object == exported_object)
        return (await self.session.scalars(rows)).all()

    async def remove(self, export_ids: Sequence[str]) -> int:
        """Delete these exports with their files; how many there were. The row goes first: whoever writes it waits."""
        removed = await self.session.scalars(
            delete(Export)
            .where(Export.project_id == self.project_id, Export.id.in_(sorted(export_ids)))
            .returning(Export.id)
        )
        count = len(removed.all())
        await self.session.execute(
            delete(ExportChunk).where(ExportChunk.project_id == self.project_id, ExportChunk.export_id.in_(export_ids))
        )
        return count
