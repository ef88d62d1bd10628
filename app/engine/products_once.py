"""Products that are discounted by one redeemable only (`redeemables_products_application_mode` ONCE)."""

from dataclasses import dataclass, replace

from app.engine.applicability import Applicability, Targets
from app.engine.application import Application
from app.engine.cart import Cart, Item
from app.engine.targets import Target, product_names, sku_names


@dataclass(frozen=True, slots=True)
class Discounted(Targets):
    """Every line that carries a discount, and every other line of the same product or SKU."""

    def cover(self, item: Item) -> bool:
        # Explicit base: a slotted dataclass is another class than the one super() would remember.
        return is_discounted(item) or Targets.cover(self, item)


def is_discounted(item: Item) -> bool:
    return item.discount_amount > 0 or item.discount_quantity > 0


def discounted_products(cart: Cart) -> Discounted | None:
    """What is closed to further redeemables, None when no line of the cart carries a discount."""
    lines = [item for item in cart.items if is_discounted(item)]
    if not lines:
        return None
    products = frozenset(name for item in lines for name in product_names(item) if name is not None)
    skus = frozenset(name for item in lines for name in sku_names(item) if name is not None)
    entries = (Target("product", products), Target("sku", skus))
    return Discounted(entries=entries, product_names=products, sku_names=skus)


def opened_for_the_rest(applicability: Applicability | None, closed: Discounted) -> Applicability | None:
    """The same lines without the closed ones, which are taken out first: the cheapest is the cheapest of the rest."""
    if applicability is None:
        return None
    inner = applicability.narrowed_by
    if inner is None:
        return replace(applicability, narrowed_by=Applicability(Targets(), excluded=closed, included_all=True))
    return replace(applicability, narrowed_by=opened_for_the_rest(inner, closed))


def touches(application: Application, cart: Cart, closed: Discounted) -> bool:
    """Whether a discount that picks its products itself, by adding or replacing units, meets a closed product."""
    items = (*cart.items, *application.added_items)
    figures = (application.item_discount_amounts, application.item_discount_quantities)
    return any(
        figure and closed.cover(item) for per_line in figures for figure, item in zip(per_line, items, strict=False)
    )
