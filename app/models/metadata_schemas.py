"""What the shop says about the shape of its metadata."""

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.tables import Id, Json, ProjectRow, Timestamps


class MetadataSchema(ProjectRow, Timestamps):
    """The definitions of metadata of one kind of resource, or of a nested object that other schemas refer to."""

    __tablename__ = "metadata_schemas"
    __table_args__ = (UniqueConstraint("project_id", "related_object"),)

    related_object: Mapped[Id]
    allow_defined_only: Mapped[bool] = mapped_column(default=False)
    properties: Mapped[Json] = mapped_column(default=dict)


class CustomEventSchema(ProjectRow, Timestamps):
    """The definitions of metadata of one custom event."""

    __tablename__ = "custom_event_schemas"
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    name: Mapped[Id]
    properties: Mapped[Json] = mapped_column(default=dict)
