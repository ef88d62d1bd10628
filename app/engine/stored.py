"""The base of what is stored in the shape in which it travels."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Stored(BaseModel):
    """A frozen value that is its own wire shape. Unknown fields are ignored and nulls count as absent."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, values: Any) -> Any:
        if isinstance(values, dict):
            return {name: value for name, value in values.items() if value is not None}
        return values
