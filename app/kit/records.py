"""Rows that a bare connection read, as the objects that everything else knows."""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import inspect

from app.kit.tables import Base

Model = TypeVar("Model", bound=Base)


def row_of(model: type[Model], record: Mapping[str, Any]) -> Model:
    """An object of `model`, in no session, with the values of `record`."""
    return model(**{attribute: record[column] for attribute, column in _columns(model)})


@cache
def _columns(model: type[Base]) -> list[tuple[str, str]]:
    """Attribute and column of each column of the table."""
    return [(attribute.key, attribute.columns[0].name) for attribute in inspect(model).column_attrs]
