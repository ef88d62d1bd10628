"""The discounts. A new one is a class in this package and a name in `Discount`."""

from typing import Annotated

from pydantic import Field

from app.engine.effects.amount_off import AmountOff
from app.engine.effects.base import DiscountCalculationMode, Effect, EffectScope, Hindrance
from app.engine.effects.fixed_price import FixedPrice
from app.engine.effects.gift_credits import GiftCredits
from app.engine.effects.percent_off import PercentOff

Discount = Annotated[AmountOff | PercentOff | FixedPrice, Field(discriminator="type")]

__all__ = [
    "AmountOff",
    "Discount",
    "DiscountCalculationMode",
    "Effect",
    "EffectScope",
    "FixedPrice",
    "GiftCredits",
    "Hindrance",
    "PercentOff",
]
