"""Which product collections a line of an order belongs to.

A collection has products and SKUs that were put into it, or those its filter accepts. A product brings its SKUs along.
A SKU is looked at as its product with what the SKU itself says put over it, so a red variant of a shirt is red whatever
colour the shirt has.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.engine.cart import Cart, Item, Product, Sku
from app.engine.filters import Filter, Vocabulary
from app.engine.filters.kinds import JSON, MOMENT, NUMBER, TEXT, TEXTS

ALL_PRODUCTS = "pc_all_products"
"""The collection that every project has: everything."""

DETAILS = frozenset({"attributes", "image_url", "currency", "created_at", "updated_at"})
"""What only the catalogue knows of a product or SKU; a cart does not carry it."""

CATALOGUE = Vocabulary(
    attributes={
        "id": TEXTS,
        "source_id": TEXTS,
        "product_id": TEXT,
        "name": TEXT,
        "sku": TEXT,
        "price": NUMBER,
        "object": TEXT,
        "attributes": TEXTS,
        "image_url": TEXT,
        "currency": TEXT,
        "created_at": MOMENT,
        "updated_at": MOMENT,
    },
    families={("metadata.", ""): JSON, ("attributes.", ""): JSON},
)
"""What a collection may ask of a product or SKU. A SKU goes by the ids of its product too; `name` is the product's and
`sku` the variant's; `attributes` are the names of what SKUs differ in, `attributes.<name>` the SKU's value."""

Details = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection with a filter, or a static one (None), whose members are known by name."""

    id: str
    filter: Filter | None

    @property
    def needs_details(self) -> bool:
        """Whether the catalogue has to be asked, because the cart does not know enough."""
        names = self.filter.attributes if self.filter is not None else frozenset()
        return any(name.partition(".")[0] in DETAILS for name in names)


@dataclass(frozen=True, slots=True)
class Entry:
    """A product, or a SKU over its product. `details` are those of the catalogue; instants are ISO 8601 text."""

    product: Product | None = None
    sku: Sku | None = None
    price: int | None = None
    product_details: Details = field(default_factory=dict)
    sku_details: Details = field(default_factory=dict)

    def value(self, name: str) -> Any:
        """The value of an attribute of CATALOGUE."""
        start, _, rest = name.partition(".")
        product, sku = self.product, self.sku
        if start == "metadata":
            own = sku.metadata.get(rest) if sku is not None else None
            return own if own is not None or product is None else product.metadata.get(rest)
        if rest:
            return self.sku_details.get("attributes", {}).get(rest)
        if name in ("id", "source_id"):
            return tuple(found for each in (sku, product) if each is not None and (found := getattr(each, name)))
        if name == "product_id":
            return product.id if product is not None else None
        if name == "name":
            return product.name if product is not None else None
        if name == "sku":
            return sku.sku if sku is not None else None
        if name == "object":
            return "product" if sku is None else "sku"
        if name == "price":
            return self.price
        if name == "attributes":
            return tuple(self.product_details.get("attributes", ()))
        own = self.sku_details.get(name)
        return own if own is not None else self.product_details.get(name)


def entry_of(item: Item, details: Mapping[str, Details]) -> Entry:
    """The product or SKU of a line, as the cart sees it. `details` has those of the catalogue by id."""
    product = item.product
    if product is None and (item.product_id or (item.source_id and item.related_object != "sku")):
        product = Product(item.product_id, item.source_id if item.related_object != "sku" else None)
    sku = item.sku
    if sku is None and (item.sku_id or item.related_object == "sku"):
        sku = Sku(item.sku_id, item.source_id if item.related_object == "sku" else None)
    price = sku.price if sku is not None else None
    if price is None:
        price = product.price if product is not None and product.price is not None else item.price or None
    return Entry(
        product,
        sku,
        price,
        details.get(product.id or "", {}) if product is not None else {},
        details.get(sku.id or "", {}) if sku is not None else {},
    )


def catalogue_ids(items: Iterable[Item]) -> list[str]:
    """Under which ids the lines may be in a collection, or in the catalogue."""
    return sorted({name for item in items for name in _ids(item)})


def collection_ids_of(
    item: Item,
    collections: Iterable[Collection],
    members: Mapping[str, frozenset[str]],
    details: Mapping[str, Details],
    cart: Cart,
) -> frozenset[str]:
    """Which of `collections` the line belongs to. `members` has the static ones of each product and SKU id."""
    joined = frozenset[str]().union(*(members.get(name, frozenset()) for name in _ids(item)))
    entry: Entry | None = None
    found = []
    for collection in collections:
        if collection.filter is None:
            if collection.id in joined or collection.id == ALL_PRODUCTS:
                found.append(collection.id)
            continue
        entry = entry or entry_of(item, details)
        if collection.filter.accepts(entry.value, cart):
            found.append(collection.id)
    return frozenset(found)


def _ids(item: Item) -> set[str]:
    ids = {
        item.product_id,
        item.sku_id,
        item.product.id if item.product is not None else None,
        item.sku.id if item.sku is not None else None,
    }
    return {each for each in ids if each}
