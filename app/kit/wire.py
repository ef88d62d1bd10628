"""The wire: bytes to values and back, with the contract's tolerances in one place."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

import msgspec
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    model_serializer,
    model_validator,
)

from app.kit.errors import InvalidPayload

MAX_DEPTH = 32
_SUSPICIOUS = re.compile(rb"\\u0000|\x00|\d{18}")
_decoder = msgspec.json.Decoder()
_INT64 = range(-(2**63), 2**63)


def decode(body: bytes) -> Any:
    """The value of a JSON body; an empty body is an empty object.

    Refused with the JSON path: malformed text, NaN and infinities, NUL characters, integers past 64 bits, nesting
    deeper than 32. The walk through the value is only made when the bytes give reason to.
    """
    if not body or body.isspace():
        return {}
    try:
        value = _decoder.decode(body)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidPayload("", f"The body is not valid JSON: {error}") from None
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH or _SUSPICIOUS.search(body):
        for path, problem in _problems(value, "", 1):
            raise InvalidPayload(path, problem)
    return value


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


def json_path(location: tuple[int | str, ...]) -> str:
    """`("items", 0, "price")` as `items[0].price`."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def format_instant(instant: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and Z, as the contract writes it."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _in_range(instant: datetime) -> datetime:
    """Keep a day's distance from the ends of the calendar, so that no time zone can push an instant over them."""
    if not 2 <= instant.year <= 9998:
        raise ValueError("Years must lie between 2 and 9998.")
    return instant


Instant = Annotated[
    AwareDatetime,
    AfterValidator(_in_range),
    PlainSerializer(format_instant, return_type=str, when_used="json-unless-none"),
]
"""A moment: ISO 8601 with an offset on the way in, UTC with milliseconds on the way out."""

Int64 = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
Amount = Annotated[int, Field(ge=0, le=2**63 - 1, description="An amount in minor currency units.")]
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
