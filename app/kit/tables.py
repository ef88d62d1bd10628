"""The declarative base: naming of constraints, and rows that belong to a project."""

from datetime import datetime
from typing import Annotated, Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Integer, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}

Key = Text(collation="C")
"""Ids, codes and names are compared byte by byte: the order of a list must not depend on the machine's locale."""

Id = Annotated[str, mapped_column(Key)]
Json = dict[str, Any]


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        int: BigInteger(),
        datetime: DateTime(timezone=True),
        Json: JSONB(),
        list[Any]: JSONB(),
    }


class ProjectRow(Base):
    """A row of one project: `project_id` leads the primary key, and every other key and index."""

    __abstract__ = True

    project_id: Mapped[int] = mapped_column(Integer, primary_key=True, sort_order=-2)
    id: Mapped[Id] = mapped_column(primary_key=True, sort_order=-1)


class Timestamps:
    """When a row was made and last changed; `updated_at` is empty until the first change."""

    created_at: Mapped[datetime] = mapped_column(sort_order=90)
    updated_at: Mapped[datetime | None] = mapped_column(sort_order=91)
