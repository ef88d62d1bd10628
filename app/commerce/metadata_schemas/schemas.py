"""Metadata schemas on the wire: snake_case for the management surface, camelCase for the older one."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.kit.metadata_schema import MOST_DEFINITIONS, Definition
from app.kit.wire import Instant, WireIn, WireOut

RelatedObject = Annotated[
    str,
    Field(
        min_length=1,
        max_length=300,
        description="Whose metadata it is: `campaign`, `customer`, `earning_rule`, `order`, `order_item`, `product`, "
        "`promotion_tier`, `publication`, `redemption`, `voucher`; any other name is that of a nested object.",
        examples=["customer"],
    ),
]
PropertyName = Annotated[str, Field(min_length=1, max_length=300)]
Definitions = Annotated[dict[PropertyName, Definition], Field(max_length=MOST_DEFINITIONS)]

CAMEL_CASE = {
    "object_type": "objectType",
    "min_length": "minLength",
    "max_length": "maxLength",
    "exact_length": "exactLength",
}


class MetadataSchemaCreate(WireIn):
    """Definitions by key. With `allow_defined_only` no other keys are accepted."""

    related_object: RelatedObject
    allow_defined_only: bool = False
    properties: Definitions = Field(default_factory=dict)


class MetadataSchemaUpdate(WireIn):
    """Definitions are merged by key; one that is `deleted` defines nothing any more."""

    allow_defined_only: bool | None = None
    properties: Definitions = Field(default_factory=dict)


class MetadataSchemaRead(WireOut):
    id: Annotated[str, Field(examples=["ms_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    related_object: str
    properties: Annotated[dict[str, dict[str, Any]], Field(description="Definitions by key.")]
    allow_defined_only: bool
    created_at: Instant
    updated_at: Instant | None = None
    object: Literal["metadata_schema"] = "metadata_schema"


class MetadataSchemaList(WireOut):
    object: Literal["list"] = "list"
    data_ref: Literal["schemas"] = "schemas"
    schemas: list[MetadataSchemaRead]
    total: int
