from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from app.engine.application import NOTHING, Application
from app.engine.effects.base import Effect, EffectScope
from app.engine.effects.unit_effect import MOST_UNITS, UnitOff, missing_units, new_units
from app.engine.units import UnitName


class OneOfMany(UnitOff):
    """Units of one product or SKU among several that are given."""

    effect: Literal["ADD_NEW_ITEMS", "ADD_MISSING_ITEMS"]


class AddManyItems(Effect):
    """Give units of several products, one after the other, each on the order that the one before left."""

    type: Literal["UNIT"] = "UNIT"
    effect: Literal["ADD_MANY_ITEMS"]
    units: Annotated[tuple[OneOfMany, ...], Field(min_length=1, max_length=50)]

    giving: ClassVar[Mapping[str, Callable[[EffectScope, UnitOff], Application]]] = {
        "ADD_NEW_ITEMS": new_units,
        "ADD_MISSING_ITEMS": missing_units,
    }

    def application(self, scope: EffectScope) -> Application:
        given, cart = NOTHING, scope.cart
        units = tuple(unit.computed(scope) for unit in self.units)
        for unit in units:
            if unit.unit_off:
                application = self.giving[unit.effect](scope._replace(cart=cart), unit)
                given, cart = given + application, application.applied_to(cart)
        is_computed = any(unit is not fixed for unit, fixed in zip(units, self.units, strict=True))
        return replace(given, computed=self.model_copy(update={"units": units})) if is_computed else given

    @property
    def asked(self) -> frozenset[str]:
        return frozenset().union(*(unit.asked for unit in self.units))

    def times(self, count: int) -> "AddManyItems":
        units = [unit.model_copy(update={"unit_off": min(unit.unit_off * count, MOST_UNITS)}) for unit in self.units]
        return self.model_copy(update={"units": tuple(units)})

    def named_units(self) -> tuple[UnitName, ...]:
        return tuple(unit.unit_name for unit in self.units)
