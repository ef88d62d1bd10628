"""What metadata may look like: definitions by key, and what is wrong with a given value. Pure.

Contract: surface.md section 19. What a schema does not define is accepted, unless it says `allow_defined_only`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import Field

from app.kit.errors import MAX_PROBLEMS, Invalid
from app.kit.wire import WireIn

MOST_DEFINITIONS = 100
DEEPEST = 8
DefinitionType = Literal["string", "number", "object", "date", "datetime", "geopoint", "boolean", "image_url"]
Count = Annotated[int, Field(ge=0, le=1_000_000)]

_GEOPOINT = re.compile(r"\s*(-?\d{1,3}(?:\.\d+)?)\s*,\s*(-?\d{1,3}(?:\.\d+)?)\s*")


class MetadataValidationFailed(Invalid):
    """400: metadata is not as the project's schema wants it; `errors` names the path of each thing that is wrong."""

    key = "metadata_validation_failed"
    message = "Metadata validation failed"


class Definition(WireIn):
    """What one key holds. Bounds and equalities are about each value, of a list about each element; lengths are in
    characters. A `deleted` definition defines nothing any more."""

    type: DefinitionType
    optional: bool = True
    array: bool = False
    deleted: bool | None = None
    object_type: Annotated[str | None, Field(max_length=300, description="Schema of a nested object.")] = None
    min_length: Count | None = None
    max_length: Count | None = None
    exact_length: Count | None = None
    eq: Annotated[list[Any] | None, Field(max_length=1000, description="The values there can be.")] = None
    ne: Annotated[list[Any] | None, Field(max_length=1000, description="Values there cannot be.")] = None
    lt: float | None = None
    lte: float | None = None
    gt: float | None = None
    gte: float | None = None


@dataclass(frozen=True, slots=True)
class MetadataSchema:
    """The definitions of one kind of resource. `others` are the schemas that nested objects may name."""

    definitions: Mapping[str, Definition]
    allow_defined_only: bool = False
    others: Mapping[str, "MetadataSchema"] = field(default_factory=dict, compare=False, repr=False)

    def check(self, metadata: Mapping[str, Any], path: str = "metadata") -> None:
        """Raises MetadataValidationFailed with the paths, beginning with `path`, of what is wrong."""
        problems = list(islice(self.problems(metadata, path, 1), MAX_PROBLEMS))
        if problems:
            raise MetadataValidationFailed(*problems[0], *problems[1:])

    def problems(self, metadata: Mapping[str, Any], path: str, depth: int) -> Iterator[tuple[str, str]]:
        """Path and sentence of each thing that is wrong."""
        for key, value in metadata.items():
            definition = self.definitions.get(key)
            if definition is not None:
                yield from self._of_values(definition, value, f"{path}.{key}", depth)
            elif self.allow_defined_only:
                yield f"{path}.{key}", "The metadata schema does not define this."
        for key, definition in self.definitions.items():
            if not definition.optional and metadata.get(key) is None:
                yield f"{path}.{key}", "The metadata schema requires this."

    def _of_values(self, definition: Definition, value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
        if not definition.array:
            yield from self._of_value(definition, value, path, depth)
        elif isinstance(value, list):
            for index, element in enumerate(value):
                yield from self._of_value(definition, element, f"{path}[{index}]", depth)
        else:
            yield path, "Should be a list."

    def _of_value(self, definition: Definition, value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
        wrong = _wrong_type(definition.type, value)
        if wrong is not None:
            yield path, wrong
            return
        if definition.type == "object":
            nested = self.others.get(definition.object_type or "")
            if nested is not None and depth < DEEPEST:
                yield from nested.problems(value, path, depth + 1)
            return
        yield from ((path, sentence) for sentence in _out_of_bounds(definition, value))


def compile_schemas(stored: Mapping[str, Mapping[str, Any]] | None) -> Mapping[str, MetadataSchema]:
    """Schemas by related object, from `{allow_defined_only, properties}` as they are stored."""
    schemas: dict[str, MetadataSchema] = {}
    for related_object, row in (stored or {}).items():
        schemas[related_object] = schema_of(row["properties"], schemas, allow_defined_only=row["allow_defined_only"])
    return schemas


def schema_of(
    properties: Mapping[str, Any],
    others: Mapping[str, MetadataSchema] | None = None,
    *,
    allow_defined_only: bool = False,
) -> MetadataSchema:
    """A schema from its stored definitions."""
    definitions = {name: Definition.model_validate(each) for name, each in properties.items()}
    known = {name: definition for name, definition in definitions.items() if not definition.deleted}
    return MetadataSchema(known, allow_defined_only, others if others is not None else {})


def _wrong_type(kind: DefinitionType, value: Any) -> str | None:
    """What is wrong with the type of `value`; None when nothing is."""
    if kind == "boolean":
        return None if isinstance(value, bool) else "Should be true or false."
    if kind == "number":
        return None if isinstance(value, int | float) and not isinstance(value, bool) else "Should be a number."
    if kind == "object":
        return None if isinstance(value, dict) else "Should be an object."
    if not isinstance(value, str):
        return "Should be text." if kind != "geopoint" else "Should be a latitude and a longitude, as text."
    if kind == "date":
        return None if _is_date(value) else "Should be a date, such as 2026-11-27."
    if kind == "datetime":
        return None if _is_instant(value) else "Should be an ISO 8601 instant, such as 2026-11-27T18:00:00Z."
    if kind == "image_url":
        return None if value.startswith(("https://", "http://")) else "Should be the URL of an image."
    if kind == "geopoint":
        return None if _is_geopoint(value) else "Should be a latitude and a longitude, such as 52.52,13.41."
    return None


def _out_of_bounds(definition: Definition, value: Any) -> Iterator[str]:
    if definition.eq and not any(_same(value, each) for each in definition.eq):
        yield f"Should be one of {', '.join(map(str, definition.eq[:20]))}."
    if definition.ne and any(_same(value, each) for each in definition.ne):
        yield f"Should not be {value}."
    if definition.type == "number":
        if definition.lt is not None and not value < definition.lt:
            yield f"Should be less than {definition.lt:g}."
        if definition.lte is not None and not value <= definition.lte:
            yield f"Should be at most {definition.lte:g}."
        if definition.gt is not None and not value > definition.gt:
            yield f"Should be more than {definition.gt:g}."
        if definition.gte is not None and not value >= definition.gte:
            yield f"Should be at least {definition.gte:g}."
    elif isinstance(value, str):
        if definition.min_length is not None and len(value) < definition.min_length:
            yield f"Should have at least {definition.min_length} characters."
        if definition.max_length is not None and len(value) > definition.max_length:
            yield f"Should have at most {definition.max_length} characters."
        if definition.exact_length is not None and len(value) != definition.exact_length:
            yield f"Should have {definition.exact_length} characters."


def _same(value: Any, other: Any) -> bool:
    """Python takes true for 1."""
    return value == other and isinstance(value, bool) == isinstance(other, bool)


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return len(value) == len("2026-11-27")


def _is_instant(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return len(value) > len("2026-11-27")


def _is_geopoint(value: str) -> bool:
    match = _GEOPOINT.fullmatch(value)
    return match is not None and abs(float(match[1])) <= 90 and abs(float(match[2])) <= 180
