"""The wire shapes of categories."""

from typing import Annotated, Literal

from pydantic import Field

from app.kit.wire import Instant, WireIn, WireOut

Name = Annotated[str, Field(min_length=1, max_length=255, examples=["Welcome offers"])]
Hierarchy = Annotated[int, Field(ge=0, le=2**31 - 1, description="Lower ones are applied earlier.")]
CategoryName = Annotated[str, Field(max_length=255, description="Name of a category; not together with `category_id`.")]
CategoryId = Annotated[str, Field(max_length=255, description="Id of a category; not together with `category`.")]


class CategoryCreate(WireIn):
    name: Name
    hierarchy: Hierarchy


class CategoryUpdate(WireIn):
    """A partial change."""

    name: Name | None = None
    hierarchy: Hierarchy | None = None


class CategoryRead(WireOut):
    id: Annotated[str, Field(examples=["cat_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    name: str
    hierarchy: int
    object: Literal["category"] = "category"
    created_at: Instant
    updated_at: Annotated[Instant | None, Field(description="Absent until the first change.")] = None


class StackedCategoryRead(CategoryRead):
    """A category as stacking rules see it; a common one has no `stacking_rules_type`."""

    stacking_rules_type: Literal["JOINT", "EXCLUSIVE"] | None = None
