"""The rows of an export: the statement that reads them, and their lines in the file."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select

from app.distribution.exports.errors import InvalidExportFields, InvalidExportFilters
from app.distribution.exports.objects import EXPORTABLES, Exportable, Field
from app.kit.brackets import Tree
from app.kit.conditions import Conditions
from app.kit.db import to_json
from app.kit.errors import InvalidQuery, QueryTooLarge
from app.kit.filters import When
from app.kit.wire import format_instant

MOST_DEPTH = 6


class Reading:
    """An export's parameters, understood."""

    def __init__(self, exported_object: str, parameters: Mapping[str, Any]) -> None:
        """Raises InvalidExportFields, InvalidExportFilters."""
        self.exportable = EXPORTABLES[exported_object]
        self.names: Sequence[str] = parameters.get("fields") or self.exportable.defaults
        self.fields = _fields_of(self.exportable, self.names)
        self.conditions = _conditions_of(self.exportable, parameters.get("filters") or {})
        self.campaign_id = parameters.get("campaign_id")
        if self.campaign_id is not None and self.exportable.campaign_id is None:
            raise InvalidExportFilters("parameters.campaign_id", f"A {exported_object} is of no campaign.")
        self.is_newest_first = (parameters.get("order") or "").startswith("-")

    def check(self, when: When) -> None:
        """Raises InvalidExportFilters: values that mean nothing to their operator."""
        try:
            self.conditions.where(when)
        except InvalidQuery as error:
            raise InvalidExportFilters("parameters.filters", str(error)) from None

    def rows_after(self, project_id: int, last_id: str | None, when: When, at_most: int) -> Select[Any]:
        """The next rows: the id first, then what the fields need."""
        own_id = self.exportable.model.id
        rows = self.exportable.rows(project_id).where(self.conditions.where(when))
        if self.campaign_id is not None:
            rows = rows.where(self.exportable.campaign_id == self.campaign_id)
        if last_id is not None:
            rows = rows.where(own_id < last_id if self.is_newest_first else own_id > last_id)
        columns = [column for field in self.fields for column in field.columns]
        return (
            rows.with_only_columns(own_id, *columns)
            .order_by(own_id.desc() if self.is_newest_first else own_id.asc())
            .limit(at_most)
        )

    def header(self) -> str:
        return lines_of([self.names])

    def lines(self, rows: Sequence[Sequence[Any]]) -> str:
        return lines_of([self._cells(row[1:]) for row in rows])

    def _cells(self, values: Sequence[Any]) -> list[str]:
        cells, start = [], 0
        for field in self.fields:
            end = start + len(field.columns)
            cells.append(cell_of(field.render(*values[start:end])))
            start = end
        return cells


def lines_of(rows: Sequence[Sequence[str]]) -> str:
    """Lines of CSV (RFC 4180)."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def cell_of(value: Any) -> str:
    """A value as text: instants as on the wire, objects as JSON, nothing as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict | list):
        return to_json(value)
    return str(value.normalize()) if isinstance(value, Decimal) else str(value)


def _fields_of(exportable: Exportable, names: Sequence[str]) -> list[Field]:
    fields = []
    for position, name in enumerate(names):
        field = exportable.field(name)
        if field is None:
            known = [*exportable.fields, *(["metadata.<key>"] if exportable.metadata is not None else [])]
            raise InvalidExportFields(
                f"parameters.fields[{position}]", f"There is no field {name}; there are {', '.join(known)}."
            )
        fields.append(field)
    return fields


def _conditions_of(exportable: Exportable, filters: Mapping[str, Any]) -> Conditions:
    try:
        return exportable.filterable.read({name: _tree(value, 1) for name, value in filters.items()})
    except (InvalidQuery, QueryTooLarge) as error:
        raise InvalidExportFilters("parameters.filters", str(error)) from None


def _tree(value: Any, depth: int) -> Tree:
    """JSON as the lists read query strings: values are lists of texts."""
    if depth > MOST_DEPTH:
        raise InvalidExportFilters("parameters.filters", "Filters are not nested as deep as this.")
    if isinstance(value, dict):
        return {name: _tree(member, depth + 1) for name, member in value.items()}
    values = value if isinstance(value, list) else [value]
    if any(isinstance(each, dict | list) for each in values):
        raise InvalidExportFilters("parameters.filters", "Values are texts, numbers, truths or lists of them.")
    return [cell_of(each) for each in values] or [""]
