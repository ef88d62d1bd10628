"""Filters of a qualification: which candidates are looked at."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from app.kit.wire import WireIn

Text = Annotated[str, Field(max_length=500)]
Texts = Annotated[list[Text], Field(max_length=100)]

FIELDS = (
    "category_id",
    "campaign_id",
    "campaign_type",
    "resource_id",
    "resource_type",
    "voucher_type",
    "code",
    "holder_role",
)
INDEXED = ("campaign_id", "resource_id", "code")
"""Fields by which the database finds candidates without looking at others."""


class ConditionsIn(WireIn):
    """All that are given must hold. `$is` and `$in` mean one of the values, `$is_not` and `$not_in` none of them."""

    is_: Annotated[Texts | None, Field(alias="$is")] = None
    is_not: Annotated[Texts | None, Field(alias="$is_not")] = None
    in_: Annotated[Texts | None, Field(alias="$in")] = None
    not_in: Annotated[Texts | None, Field(alias="$not_in")] = None
    has_value: Annotated[Any, Field(alias="$has_value", description="Whatever its value: there must be one.")] = None
    is_unknown: Annotated[Any, Field(alias="$is_unknown", description="Whatever its value: there must be none.")] = None

    @property
    def allowed(self) -> set[str] | None:
        """The only values that can be right; None when the conditions name none."""
        named = [set(values) for values in (self.is_, self.in_) if values is not None]
        return set.intersection(*named) if named else None

    def hold(self, value: str | None) -> bool:
        allowed = self.allowed
        if allowed is not None and value not in allowed:
            return False
        if value in (self.is_not or ()) or value in (self.not_in or ()):
            return False
        if "has_value" in self.model_fields_set and value is None:
            return False
        return "is_unknown" not in self.model_fields_set or value is None


class FieldFilterIn(WireIn):
    conditions: ConditionsIn = Field(default_factory=ConditionsIn)


def _in_capitals(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


class FiltersIn(WireIn):
    """Only redeemables for which all filters hold, or any of them with the junction `OR`."""

    junction: Annotated[Literal["AND", "OR"], BeforeValidator(_in_capitals)] = "AND"
    category_id: FieldFilterIn | None = None
    campaign_id: FieldFilterIn | None = None
    campaign_type: FieldFilterIn | None = None
    resource_id: FieldFilterIn | None = None
    resource_type: FieldFilterIn | None = None
    voucher_type: FieldFilterIn | None = None
    code: FieldFilterIn | None = None
    holder_role: Annotated[
        FieldFilterIn | None, Field(description="OWNER for codes that the customer holds; other codes have none.")
    ] = None

    @property
    def given(self) -> dict[str, ConditionsIn]:
        filters = {name: getattr(self, name) for name in FIELDS}
        return {name: each.conditions for name, each in filters.items() if each is not None}

    @property
    def names(self) -> dict[str, list[str]]:
        """The only values that indexed fields can have."""
        if self.junction == "OR":
            return {}
        allowed = {name: conditions.allowed for name, conditions in self.given.items() if name in INDEXED}
        return {name: sorted(values) for name, values in allowed.items() if values is not None}

    def hold(self, candidate: Mapping[str, Any]) -> bool:
        """Whether they hold for a candidate with these values of `FIELDS`."""
        held = (conditions.hold(candidate[name]) for name, conditions in self.given.items())
        return not self.given or (any(held) if self.junction == "OR" else all(held))
