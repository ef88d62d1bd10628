"""The wire: bytes to values and back, with the contract's tolerances in one place."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, TypeVar, Union, get_args, get_origin

import msgspec
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from app.kit.errors import MAX_PROBLEMS, InvalidPayload

MAX_DEPTH = 32
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_AS_BRACES = bytes.maketrans(b"[]", b"{}")
_DIGITS_AS_ZERO = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 18
_decoder = msgspec.json.Decoder()
_INT64 = range(-(2**63), 2**63)
_NOT_AN_OBJECT = {"model_type", "model_attributes_type", "dict_type"}
ModelT = TypeVar("ModelT", bound=BaseModel)


def decode(body: bytes) -> Any:
    """The value of a JSON body; an empty body is an empty object.

    Refused with the JSON path: malformed text, NaN and infinities, NUL characters, integers past 64 bits, nesting
    deeper than 32. The walk through the value is only made when the bytes give reason to.

    Raises InvalidPayload.
    """
    if not body or body.isspace():
        return {}
    try:
        value = _decoder.decode(body)
    except RecursionError:
        raise InvalidPayload("", f"Nesting deeper than {MAX_DEPTH} levels is not accepted.") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidPayload("", f"The body is not valid JSON: {error}") from None
    if _may_hold_what_postgres_refuses(body) or _may_be_deep(body):
        problems = list(islice(_problems(value, "", 1), MAX_PROBLEMS))
        if problems:
            raise InvalidPayload(*problems[0], *problems[1:])
    return value


def _may_hold_what_postgres_refuses(body: bytes) -> bool:
    """Whether a NUL or a number past 64 bits may be in there; a regular expression would take ten times as long."""
    return b"\\u0000" in body or b"\x00" in body or _LONG_NUMBER in body.translate(_DIGITS_AS_ZERO)


def _may_be_deep(body: bytes) -> bool:
    """Whether brackets nest deeper than MAX_DEPTH, counting those in strings too; so a yes needs a closer look.

    Every round takes the innermost pairs away. All of it runs in C; a cart needs five rounds.
    """
    brackets = body.translate(_AS_BRACES, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        if not brackets:
            return False
        brackets = brackets.replace(b"{}", b"")
    return bool(brackets)


def _problems(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if "\x00" in value:
            yield path, "NUL characters cannot be stored."
    elif isinstance(value, int):
        if value not in _INT64:
            yield path, "Integers must fit in 64 bits."
    elif isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            yield path, f"Nesting deeper than {MAX_DEPTH} levels is not accepted."
            return
        pairs = value.items() if isinstance(value, dict) else ((f"[{n}]", item) for n, item in enumerate(value))
        for name, item in pairs:
            inner = path + name if isinstance(value, list) else f"{path}.{name}" if path else name
            if isinstance(value, dict) and "\x00" in name:
                yield path, "NUL characters cannot be stored."
            yield from _problems(item, inner, depth + 1)


def encode(value: Any) -> bytes:
    """JSON bytes of plain values."""
    return msgspec.json.encode(value)


def read(model: type[ModelT], body: bytes) -> ModelT:
    """The request that the bytes mean, for endpoints that read them themselves.

    Raises InvalidPayload.
    """
    value = decode(body)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        problems = problems_of(error.errors(include_url=False, include_context=False), value)
        raise InvalidPayload(*problems[0], *problems[1:]) from None


def problems_of(errors: Sequence[Any], value: Any) -> list[tuple[str, str]]:
    """Pydantic's errors about `value` as pairs of JSON path and sentence."""
    return [(_path_in(value, error["loc"], error["type"]), _sentence(error)) for error in errors]


def _sentence(error: Any) -> str:
    """`Value error, must be even` as `Must be even.`"""
    if error["type"] in _NOT_AN_OBJECT:
        return "Input should be an object."
    message: str = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return message[:1].upper() + message[1:] + ("" if message.endswith(".") else ".")


def _path_in(value: Any, location: tuple[int | str, ...], error_type: str) -> str:
    """The JSON path of an error. Pydantic's locations also name the union members it tried; the value has none."""
    path: list[int | str] = []
    for part in location:
        is_inside = part in value if isinstance(value, dict) else isinstance(value, list) and part in range(len(value))
        if is_inside:
            value = value[part]
        elif not (error_type == "missing" and part == location[-1]):
            continue
        path.append(part)
    return json_path(tuple(path))


def json_path(location: tuple[int | str, ...]) -> str:
    """`("items", 0, "price")` as `items[0].price`."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def format_instant(instant: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and Z, as the contract writes it."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def within_calendar(instant: datetime) -> datetime:
    """Keep a day's distance from the ends of the calendar, so that no time zone can push an instant over them."""
    if not 2 <= instant.year <= 9998:
        raise ValueError("Years must lie between 2 and 9998.")
    return instant


Instant = Annotated[
    AwareDatetime,
    AfterValidator(within_calendar),
    PlainSerializer(format_instant, return_type=str, when_used="json-unless-none"),
]
"""A moment: ISO 8601 with an offset on the way in, UTC with milliseconds on the way out."""


def no_truth_value(value: Any) -> Any:
    """Pydantic takes true for 1; a cart that says so has a bug."""
    if value is True or value is False:
        raise ValueError("Input should be a valid integer.")
    return value


# The bounds stand before the validator: after it, Pydantic documents them by names that JSON Schema does not know.
Int64 = Annotated[int, Field(ge=-(2**63), le=2**63 - 1), BeforeValidator(no_truth_value)]
Amount = Annotated[
    int,
    Field(ge=0, le=2**63 - 1, description="An amount in minor currency units."),
    BeforeValidator(no_truth_value),
]
Metadata = dict[str, Any]


class WireIn(BaseModel):
    """A request: unknown members are ignored and an explicit null is the same as leaving the member out."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        if isinstance(value, dict) and None in value.values():
            return {name: member for name, member in value.items() if member is not None}
        return value


class WirePatch(BaseModel):
    """A partial update: a member left out stays as it is, an explicit null clears it."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    def changes(self) -> dict[str, Any]:
        """The members that were sent, nulls included."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class WireOut(BaseModel):
    """An answer: members without a value are left out, except those the contract wants as null (`nullable`)."""

    model_config = ConfigDict(from_attributes=True)
    nullable: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _omit_empty(self, serialize: Any):  # type: ignore[no-untyped-def]  # an annotation would replace the JSON schema
        members = serialize(self)
        return {name: value for name, value in members.items() if value is not None or name in self.nullable}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """What a reader can rely on: a member that may be left out is never null, all others are there."""
        schema = handler(core_schema)
        described = handler.resolve_ref_schema(schema)
        members = described.get("properties", {})
        for name, field in cls.model_fields.items():
            if isinstance(field.validation_alias, str):  # where a row has it, which need not be its name in answers
                members[field.serialization_alias or name] = members.pop(field.validation_alias)
        left_out = {
            field.serialization_alias or name
            for name, field in cls.model_fields.items()
            if name not in cls.nullable and _may_be_null(field.annotation)
        }
        for name in left_out:
            members[name] = _without_null(members[name])
        described["required"] = [name for name in members if name not in left_out]
        return schema


def _may_be_null(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return _may_be_null(get_args(annotation)[0])
    return annotation is NoneType or any(_may_be_null(choice) for choice in _choices(annotation))


def _choices(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else ()


def _without_null(schema: JsonSchemaValue) -> JsonSchemaValue:
    """The schema of a member that is left out rather than null."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    if len(choices) == 1:
        return {**choices[0], **rest}
    return {"anyOf": choices, **rest} if choices else rest
