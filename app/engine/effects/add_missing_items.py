from typing import Literal

from app.engine.application import Application
from app.engine.effects.base import EffectScope
from app.engine.effects.unit_effect import UnitEffect, missing_units


class AddMissingItems(UnitEffect):
    """Make units free of charge, and add those that the order lacks: of three, an order with one gets two more."""

    effect: Literal["ADD_MISSING_ITEMS"] = "ADD_MISSING_ITEMS"

    def given(self, scope: EffectScope) -> Application:
        return missing_units(scope, self)
