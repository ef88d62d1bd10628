"""Segments on the wire."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.commerce.filters import FilterDefinition
from app.kit.wire import Instant, WireIn, WireOut

MOST_MEMBERS = 20_000
SegmentType = Literal["static", "auto-update", "passive"]


class SegmentCreate(WireIn):
    """`static` has `customers`; the others have a `filter`, and are worked out whenever they are asked for."""

    name: Annotated[str, Field(min_length=1, max_length=500, examples=["Regulars in Berlin"])]
    type: SegmentType
    customers: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=500)]] | None,
        Field(max_length=MOST_MEMBERS, description="Ids of the customers, or your `source_id`s."),
    ] = None
    filter: FilterDefinition | None = None


class SegmentRead(WireOut):
    id: Annotated[str, Field(examples=["seg_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    name: str
    type: SegmentType
    filter: dict[str, Any] | None = None
    created_at: Instant
    updated_at: Instant | None = None
    object: Literal["segment"] = "segment"


class SimpleSegment(WireOut):
    id: str
    name: str
    object: Literal["segment"] = "segment"
