"""Product collections on the wire."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from app.commerce.filters import FilterDefinition
from app.commerce.products.schemas import ProductWithoutSkus
from app.kit.lists import ListBody
from app.kit.wire import Instant, Metadata, WireIn, WireOut, WirePatch

MOST_PRODUCTS = 1_000
CollectionType = Literal["STATIC", "AUTO_UPDATE"]
Name = Annotated[str, Field(min_length=1, max_length=500, examples=["Running shoes"])]


class MemberIn(WireIn):
    """A product or SKU by its id or `source_id`. A product brings its SKUs along."""

    id: Annotated[str, Field(min_length=1, max_length=500)]
    product_id: str | None = None
    object: Literal["product", "sku"]


Members = Annotated[list[MemberIn], Field(max_length=MOST_PRODUCTS)]


class CollectionCreate(WireIn):
    """`STATIC` has `products`, `AUTO_UPDATE` has a `filter`: whatever it accepts belongs to the collection."""

    type: CollectionType
    name: Name
    products: Members | None = None
    filter: FilterDefinition | None = None


class CollectionUpdate(WirePatch):
    """What may change; a static collection stays static. Products are replaced as a whole."""

    name: Name | None = None
    products: Members | None = None
    filter: FilterDefinition | None = None


class MemberRead(WireOut):
    id: str
    product_id: str | None = None
    object: Literal["product", "sku"]


class CollectionRead(WireOut):
    id: Annotated[str, Field(examples=["pc_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    name: str
    type: CollectionType
    filter: dict[str, Any] | None = None
    products: list[MemberRead] | None = None
    created_at: Instant
    updated_at: Instant | None = None
    object: Literal["products_collection"] = "products_collection"


class SkuInCollection(WireOut):
    """A SKU with its product. `attributes` are left out when there are none: clients cannot read an empty object."""

    nullable: ClassVar[frozenset[str]] = frozenset({"source_id", "sku", "price", "image_url", "updated_at"})

    id: str
    source_id: str | None
    product_id: str
    sku: str | None
    price: int | None
    currency: str | None
    attributes: Metadata | None
    image_url: str | None
    metadata: Metadata
    created_at: Instant
    updated_at: Instant | None
    object: Literal["sku"] = "sku"
    product: ProductWithoutSkus


CollectedItem = Annotated[ProductWithoutSkus | SkuInCollection, Field(discriminator="object")]


class CollectedItems(ListBody[CollectedItem]):
    """The products and SKUs in a collection; the page's own class gives generated clients a name for it."""
