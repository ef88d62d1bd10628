"""The discounts. A new one is a class in this package and a name in `Discount`."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Tag

from app.engine.effects.add_many_items import AddManyItems
from app.engine.effects.add_missing_items import AddMissingItems
from app.engine.effects.add_new_items import AddNewItems
from app.engine.effects.add_same_items import AddSameItems
from app.engine.effects.amount_off import AmountOff
from app.engine.effects.base import DiscountCalculationMode, Effect, EffectScope, Hindrance
from app.engine.effects.fixed_price import FixedPrice
from app.engine.effects.gift_credits import GiftCredits
from app.engine.effects.pay_with_points import Coin, PayWithPoints
from app.engine.effects.percent_off import PercentOff
from app.engine.effects.replace_items import ReplaceItems


def _tag(definition: Any) -> Any:
    """What tells discounts apart: the type, and of those in units the effect, missing ones unless it says otherwise."""
    members = (
        definition if isinstance(definition, Mapping) else vars(definition) if isinstance(definition, Effect) else {}
    )
    kind = members.get("type")
    return members.get("effect") or "ADD_MISSING_ITEMS" if kind == "UNIT" else kind


# A discriminator that is no field: OpenAPI has no nested ones, and one field does not tell all of them apart.
Discount = Annotated[
    Annotated[AmountOff, Tag("AMOUNT")]
    | Annotated[PercentOff, Tag("PERCENT")]
    | Annotated[FixedPrice, Tag("FIXED")]
    | Annotated[AddMissingItems, Tag("ADD_MISSING_ITEMS")]
    | Annotated[AddNewItems, Tag("ADD_NEW_ITEMS")]
    | Annotated[AddManyItems, Tag("ADD_MANY_ITEMS")]
    | Annotated[AddSameItems, Tag("ADD_SAME_ITEMS")]
    | Annotated[ReplaceItems, Tag("REPLACE_ITEMS")],
    Discriminator(
        _tag,
        custom_error_type="discount",
        custom_error_message="A discount has the type AMOUNT, PERCENT, FIXED or UNIT; one of the type UNIT has the "
        "effect ADD_MISSING_ITEMS, ADD_NEW_ITEMS, ADD_MANY_ITEMS, ADD_SAME_ITEMS or REPLACE_ITEMS.",
    ),
]

__all__ = [
    "AddManyItems",
    "AddMissingItems",
    "AddNewItems",
    "AddSameItems",
    "AmountOff",
    "Coin",
    "Discount",
    "DiscountCalculationMode",
    "Effect",
    "EffectScope",
    "FixedPrice",
    "GiftCredits",
    "Hindrance",
    "PayWithPoints",
    "PercentOff",
    "ReplaceItems",
]
