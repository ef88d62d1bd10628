"""The discounts. A new one is a class in this package and a name in `Discount`."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from app.engine.effects.add_many_items import AddManyItems
from app.engine.effects.add_missing_items import AddMissingItems
from app.engine.effects.add_new_items import AddNewItems
from app.engine.effects.add_same_items import AddSameItems
from app.engine.effects.amount_off import AmountOff
from app.engine.effects.base import DiscountCalculationMode, Effect, EffectScope, Hindrance
from app.engine.effects.fixed_price import FixedPrice
from app.engine.effects.gift_credits import GiftCredits
from app.engine.effects.percent_off import PercentOff
from app.engine.effects.replace_items import ReplaceItems


def _with_effect(definition: Any) -> Any:
    """Units without an effect are missing ones, as the contract has it."""
    if isinstance(definition, Mapping) and definition.get("effect") is None:
        return {**definition, "effect": "ADD_MISSING_ITEMS"}
    return definition


def _without_mapping(schema: dict[str, Any]) -> None:
    """OpenAPI's discriminator maps a value to one schema; units are five, told apart by `effect`."""
    schema.pop("discriminator", None)


UnitDiscount = Annotated[
    Annotated[
        AddMissingItems | AddNewItems | AddManyItems | AddSameItems | ReplaceItems, Field(discriminator="effect")
    ],
    BeforeValidator(_with_effect),
]
Discount = Annotated[
    AmountOff | PercentOff | FixedPrice | UnitDiscount,
    Field(discriminator="type", json_schema_extra=_without_mapping),
]

__all__ = [
    "AddManyItems",
    "AddMissingItems",
    "AddNewItems",
    "AddSameItems",
    "AmountOff",
    "Discount",
    "DiscountCalculationMode",
    "Effect",
    "EffectScope",
    "FixedPrice",
    "GiftCredits",
    "Hindrance",
    "PercentOff",
    "ReplaceItems",
    "UnitDiscount",
]
