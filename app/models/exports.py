"""Files with rows of a project, made on request."""

from datetime import datetime

from sqlalchemy import Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.tables import Base, Id, Json, ProjectRow, Timestamps


class Export(ProjectRow, Timestamps):
    """A CSV file that a worker writes, chunk by chunk, and that is gone at `expires_at`.

    Rows up to `last_id`, in the order of the export, are in `chunks_count` chunks; they are `rows_count`.
    """

    __tablename__ = "exports"
    __table_args__ = (
        Index(
            "exports_unfinished_idx",
            "project_id",
            postgresql_where=text("status = ANY (ARRAY['SCHEDULED'::text, 'IN_PROGRESS'::text])"),
        ),
    )

    exported_object: Mapped[str]
    parameters: Mapped[Json]
    status: Mapped[str]
    last_id: Mapped[Id | None]
    rows_count: Mapped[int] = mapped_column(default=0)
    chunks_count: Mapped[int] = mapped_column(Integer, default=0)
    user_login: Mapped[str | None]
    expires_at: Mapped[datetime]


class ExportChunk(Base):
    """Some lines of a file, in their place."""

    __tablename__ = "export_chunks"

    project_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    export_id: Mapped[Id] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    content: Mapped[str]
