"""Work that outlives its request."""

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.tables import Json, ProjectRow, Timestamps


class AsyncAction(ProjectRow, Timestamps):
    """One piece of background work and how far it is: `progress` in percent, `processing_time` in milliseconds.

    `parameters` is all the worker needs to do it, or to go on after a crash; `result` says what is done so far.
    """

    __tablename__ = "async_actions"
    __table_args__ = (
        Index(
            "async_actions_unfinished_idx",
            "project_id",
            postgresql_where=text("status = ANY (ARRAY['ENQUEUED'::text, 'IN_PROGRESS'::text])"),
        ),
    )

    type: Mapped[str]
    status: Mapped[str]
    operation_status: Mapped[str]
    request_id: Mapped[str | None]
    parameters: Mapped[Json] = mapped_column(default=dict)
    progress: Mapped[int] = mapped_column(default=0)
    processing_time: Mapped[int | None]
    result: Mapped[Json | None]
