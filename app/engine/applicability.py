"""Which lines of an order a discount on lines may touch, and how that is told on the wire."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import field_validator
from pydantic_core import PydanticCustomError

from app.engine.cart import Cart, Item
from app.engine.money import Amount, Count
from app.engine.stored import Stored


class ApplicableTo(Stored):
    """A product or SKU that a validation rule includes or excludes, as written and as returned.

    Choosing a product chooses its SKUs too. Everything from `price` to `target` narrows how the entry is used (prices,
    caps, the cheapest only, every second unit); these options are kept and returned as they are, and applied by the
    release that brings targets.
    """

    object: Literal["product", "sku", "products_collection"]
    id: str
    source_id: str | None = None
    product_id: str | None = None
    product_source_id: str | None = None
    effect: Literal[
        "APPLY_TO_EVERY",
        "APPLY_TO_CHEAPEST",
        "APPLY_FROM_CHEAPEST",
        "APPLY_TO_MOST_EXPENSIVE",
        "APPLY_FROM_MOST_EXPENSIVE",
    ] = "APPLY_TO_EVERY"
    price: Amount | None = None
    price_formula: str | float | None = None
    quantity_limit: Count | None = None
    aggregated_quantity_limit: Count | None = None
    amount_limit: Count | None = None
    aggregated_amount_limit: Count | None = None
    product_campaign_quantity_limit: Count | None = None
    product_campaign_quantity_limit_formula: str | None = None
    product_customer_campaign_quantity_limit: Count | None = None
    product_customer_campaign_quantity_limit_formula: str | None = None
    product_in_collection_campaign_quantity_limit: Count | None = None
    product_in_collection_campaign_quantity_limit_formula: str | None = None
    product_in_collection_customer_campaign_quantity_limit: Count | None = None
    product_in_collection_customer_campaign_quantity_limit_formula: str | None = None
    product_promotion_tier_quantity_limit: Count | None = None
    product_promotion_tier_quantity_limit_formula: str | None = None
    product_customer_promotion_tier_quantity_limit: Count | None = None
    product_customer_promotion_tier_quantity_limit_formula: str | None = None
    product_in_collection_promotion_tier_quantity_limit: Count | None = None
    product_in_collection_promotion_tier_quantity_limit_formula: str | None = None
    product_in_collection_customer_promotion_tier_quantity_limit: Count | None = None
    product_in_collection_customer_promotion_tier_quantity_limit_formula: str | None = None
    repeat: Count | None = None
    skip_initially: Count | None = None
    target: Literal["ITEM", "UNIT"] | None = None

    @field_validator("object")
    @classmethod
    def _is_resolvable(cls, value: str) -> str:
        if value == "products_collection":
            raise PydanticCustomError(
                "products_collection", "There are no product collections in this project; name products or SKUs."
            )
        return value


class ApplicabilityDefinition(Stored):
    """The `applicable_to` of a validation rule."""

    included: tuple[ApplicableTo, ...] = ()
    excluded: tuple[ApplicableTo, ...] = ()
    included_all: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """One entry: the names it goes by (ids and source ids) and its wire shape."""

    is_sku: bool
    names: frozenset[str]
    wire: Mapping[str, Any]

    def covers(self, item: Item) -> bool:
        return not self.names.isdisjoint(_sku_names(item) if self.is_sku else _product_names(item))


@dataclass(frozen=True, slots=True)
class Targets:
    """Entries with the names of all of them gathered, so that a line is looked up once, not entry by entry."""

    entries: tuple[Target, ...] = ()
    product_names: frozenset[str] = frozenset()
    sku_names: frozenset[str] = frozenset()

    def cover(self, item: Item) -> bool:
        return bool(self.product_names and not self.product_names.isdisjoint(_product_names(item))) or bool(
            self.sku_names and not self.sku_names.isdisjoint(_sku_names(item))
        )


@dataclass(frozen=True, slots=True)
class Applicability:
    """Which lines the discount may touch: all or the included ones, without the excluded ones.

    Naming only what is excluded includes everything else. `narrowed_by` is the applicability of a further rule of the
    same redeemable: rules add up, so a line must be covered by each.
    """

    included: Targets
    excluded: Targets = Targets()
    included_all: bool = False
    narrowed_by: "Applicability | None" = None

    def covers(self, item: Item) -> bool:
        if not self.included_all and not self.included.cover(item):
            return False
        if self.excluded.cover(item):
            return False
        return self.narrowed_by is None or self.narrowed_by.covers(item)


def applicability_of(definition: ApplicabilityDefinition | None) -> Applicability | None:
    """What `definition` means at checkout. None when it names no target, which discounts no line."""
    if definition is None or not (definition.included or definition.excluded or definition.included_all):
        return None
    return Applicability(
        included=_targets(definition.included),
        excluded=_targets(definition.excluded),
        included_all=definition.included_all or not definition.included,
    )


def narrowed(applicabilities: Iterable[Applicability | None]) -> Applicability | None:
    """One applicability for the rules of a campaign and of a voucher; rules without targets do not narrow."""
    combined: Applicability | None = None
    for applicability in applicabilities:
        if applicability is not None:
            combined = applicability if combined is None else replace(applicability, narrowed_by=combined)
    return combined


def applicable_to(applicability: Applicability | None, cart: Cart) -> list[dict[str, Any]]:
    """The entries of the wire's `applicable_to` list, each with the lines of `cart` that it reaches.

    Where everything is included there are no entries to repeat, so the products and SKUs of the cart are named.
    """
    if applicability is None:
        return []
    covered = [index for index, item in enumerate(cart.items) if applicability.covers(item)]
    listed: list[dict[str, Any]] = []
    step: Applicability | None = applicability
    while step is not None:
        listed += _entries(step.included, cart.items, covered)
        step = step.narrowed_by
    return listed or _named(cart.items, covered)


def inapplicable_to(applicability: Applicability | None, cart: Cart) -> list[dict[str, Any]]:
    """The entries of the wire's `inapplicable_to` list: what is excluded, each with the lines it takes out."""
    lines = range(len(cart.items))
    listed: list[dict[str, Any]] = []
    while applicability is not None:
        listed += _entries(applicability.excluded, cart.items, lines)
        applicability = applicability.narrowed_by
    return listed


def _targets(entries: Sequence[ApplicableTo]) -> Targets:
    targets = tuple(
        Target(
            is_sku=entry.object == "sku",
            names=frozenset(name for name in (entry.id, entry.source_id) if name),
            wire=entry.model_dump(mode="json", exclude_none=True),
        )
        for entry in entries
    )
    return Targets(
        entries=targets,
        product_names=frozenset().union(*(target.names for target in targets if not target.is_sku)),
        sku_names=frozenset().union(*(target.names for target in targets if target.is_sku)),
    )


def _product_names(item: Item) -> tuple[str | None, ...]:
    product = item.product
    own = item.source_id if item.related_object != "sku" else None
    return (item.product_id, own) if product is None else (item.product_id, own, product.id, product.source_id)


def _sku_names(item: Item) -> tuple[str | None, ...]:
    sku = item.sku
    own = item.source_id if item.related_object == "sku" else None
    return (item.sku_id, own) if sku is None else (item.sku_id, own, sku.id, sku.source_id)


def _entries(targets: Targets, items: Sequence[Item], lines: Iterable[int]) -> list[dict[str, Any]]:
    lines = tuple(lines)
    listed = []
    for target in targets.entries:
        indices = [index for index in lines if target.covers(items[index])]
        listed.append({**target.wire, "order_item_indices": indices} if indices else dict(target.wire))
    return listed


def _named(items: Sequence[Item], lines: Iterable[int]) -> list[dict[str, Any]]:
    """The products and SKUs on these lines, each once, in the order of their first line."""
    named: dict[tuple[str, str], dict[str, Any]] = {}
    for index in lines:
        item = items[index]
        kind = "sku" if item.sku_id or item.related_object == "sku" else "product"
        name = (item.sku_id if kind == "sku" else item.product_id) or item.source_id
        if name is None:
            continue
        entry = named.setdefault(
            (kind, name), {"object": kind, "id": name, "effect": "APPLY_TO_EVERY", "order_item_indices": []}
        )
        if item.source_id:
            entry["source_id"] = item.source_id
        entry["order_item_indices"].append(index)
    return list(named.values())
