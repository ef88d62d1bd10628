from typing import Literal

from app.engine.application import Application
from app.engine.effects.base import EffectScope
from app.engine.effects.unit_effect import UnitEffect, new_units


class AddNewItems(UnitEffect):
    """Add units free of charge, whatever the order has: buy three, get one more."""

    effect: Literal["ADD_NEW_ITEMS"] = "ADD_NEW_ITEMS"

    def given(self, scope: EffectScope) -> Application:
        return new_units(scope, self)
