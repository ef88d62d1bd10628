"""Things of the catalogue that a discount can put into an order."""

from dataclasses import dataclass
from typing import NamedTuple

from app.engine.cart import Product, Sku
from app.engine.targets import TargetKind


class UnitName(NamedTuple):
    """How a discount names what it gives: an id or source id, and of what."""

    kind: TargetKind
    name: str


@dataclass(frozen=True, slots=True)
class UnitSource:
    """A product, or a SKU and its product, as the catalogue knows it at the moment of the decision."""

    product: Product | None = None
    sku: Sku | None = None

    @property
    def price(self) -> int | None:
        """Minor units for one unit: the SKU's own price, else its product's; None when the catalogue has neither."""
        if self.sku is not None and self.sku.price is not None:
            return self.sku.price
        return self.product.price if self.product is not None else None
