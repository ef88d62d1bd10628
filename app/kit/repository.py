"""The base of every repository: all SQL of one table, inside one project."""

from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.tables import ProjectRow

Row = TypeVar("Row", bound=ProjectRow)


class Repository(Generic[Row]):
    """Rows of `model` that belong to one project; it cannot be built without one. It flushes at most."""

    model: ClassVar[type[Any]]

    def __init__(self, session: AsyncSession, project_id: int) -> None:
        self.session = session
        self.project_id = project_id

    def rows(self) -> Select[Row]:
        """`SELECT` of this project's rows."""
        return select(self.model).where(self.model.project_id == self.project_id)

    async def find(self, row_id: str) -> Row | None:
        row: Row | None = await self.session.scalar(self.rows().where(self.model.id == row_id))
        return row
