"""Rows that a bare connection read, as the objects that everything else knows."""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import inspect
from sqlalchemy.orm.attributes import manager_of_class

from app.kit.tables import Base

Model = TypeVar("Model", bound=Base)


def row_of(model: type[Model], record: Mapping[str, Any]) -> Model:
    """An object of `model`, in no session, with the values of `record`.

    Made the way the ORM makes what it loads: a constructor call takes ten times as long, a microsecond for each column.
    """
    row: Model = manager_of_class(model).new_instance()
    row.__dict__.update({attribute: record[column] for attribute, column in _columns(model)})
    return row


@cache
def _columns(model: type[Base]) -> list[tuple[str, str]]:
    """Attribute and column of each column of the table."""
    return [(attribute.key, attribute.columns[0].name) for attribute in inspect(model).column_attrs]
