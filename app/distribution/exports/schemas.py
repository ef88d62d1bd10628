"""Exports on the wire."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from app.distribution.exports.objects import ExportedObject
from app.kit.wire import Instant, WireIn, WireOut

MOST_FIELDS = 100
Order = Annotated[
    Literal["created_at", "-created_at", "id", "-id"] | None, Field(description="By birth; with `-` the newest first.")
]


class ExportParameters(WireIn):
    """What goes into the file. Without `fields` it has the usual ones."""

    order: Order = None
    fields: Annotated[list[Annotated[str, Field(max_length=300)]] | None, Field(max_length=MOST_FIELDS)] = None
    filters: Annotated[
        dict[str, Any] | None,
        Field(description="As in the lists: `{junction, <attribute>: {conditions: {<operator>: values}}}`."),
    ] = None
    campaign_id: Annotated[str | None, Field(max_length=64, description="Only what is of this campaign.")] = None


class ExportCreate(WireIn):
    exported_object: ExportedObject
    parameters: ExportParameters = ExportParameters()


class ExportOf(WireIn):
    """An export whose object the path names."""

    parameters: ExportParameters = ExportParameters()


class ExportQuery(WireIn):
    limit: Annotated[int, Field(ge=1, le=100, description="At most this many.")] = 10
    page: Annotated[int, Field(ge=1, le=100, description="Which page, from 1.")] = 1
    order: Annotated[
        Literal["created_at", "-created_at", "status", "-status"], Field(description="With `-` the newest first.")
    ] = "-created_at"


class ExportResult(WireOut):
    url: Annotated[str, Field(description="Where the file is, for whoever has a key that may read exports.")]


class ExportRead(WireOut):
    nullable: ClassVar[frozenset[str]] = frozenset({"result", "user_id"})

    id: str
    object: Literal["export"] = "export"
    created_at: Instant
    status: Literal["SCHEDULED", "IN_PROGRESS", "DONE", "ERROR"]
    channel: Literal["API"] = "API"
    result: ExportResult | None = None
    user_id: str | None = None
    exported_object: ExportedObject
    parameters: dict[str, Any]


class ExportList(WireOut):
    object: Literal["list"] = "list"
    data_ref: Literal["exports"] = "exports"
    exports: list[ExportRead]
    total: int
