"""Products and SKUs on the wire."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from app.commerce.customers.schemas import Line, Reference, SourceId
from app.engine.money import Currency
from app.kit.lists import PageBody
from app.kit.wire import Amount, Instant, Metadata, WireIn, WireOut, WirePatch

Attributes = Annotated[list[Line], Field(max_length=100, description="Names of what SKUs can differ in.")]
ImageUrl = Annotated[str, Field(max_length=2000)]


class ProductIn(WireIn):
    """A product: found by `id`, else by `source_id`, else new."""

    id: Reference | None = None
    source_id: SourceId | None = None
    name: Line | None = None
    price: Amount | None = None
    attributes: Attributes | None = None
    image_url: ImageUrl | None = None
    metadata: Metadata | None = None


class ProductUpdate(WirePatch):
    """What may change. Metadata is merged key by key, a null removes its key."""

    name: Line | None = None
    price: Amount | None = None
    attributes: Attributes | None = None
    image_url: ImageUrl | None = None
    metadata: Metadata | None = None


class SkuIn(WireIn):
    """A variant of a product: found by `id`, else by `source_id`, else new."""

    id: Reference | None = None
    source_id: SourceId | None = None
    sku: Annotated[Line | None, Field(description="The name of the variant.")] = None
    price: Amount | None = None
    currency: Currency | None = None
    attributes: Metadata | None = None
    image_url: ImageUrl | None = None
    metadata: Metadata | None = None


class SkuUpdate(WirePatch):
    """What may change. Attributes are replaced as a whole, metadata is merged key by key."""

    sku: Line | None = None
    price: Amount | None = None
    currency: Currency | None = None
    attributes: Metadata | None = None
    image_url: ImageUrl | None = None
    metadata: Metadata | None = None


class SkuRead(WireOut):
    nullable: ClassVar[frozenset[str]] = frozenset({"source_id", "sku", "price", "image_url", "updated_at"})

    id: str
    source_id: str | None
    product_id: str
    sku: str | None
    price: int | None
    currency: str | None
    attributes: Metadata
    image_url: str | None
    metadata: Annotated[Metadata, Field(validation_alias="sku_metadata")]
    created_at: Instant
    updated_at: Instant | None
    object: Literal["sku"] = "sku"


class SkusOfProduct(WireOut):
    """The oldest hundred SKUs of a product; GET /v1/products/{id}/skus has the rest."""

    object: Literal["list"] = "list"
    data_ref: Literal["data"] = "data"
    data: list[SkuRead]
    total: int


class ProductWithoutSkus(WireOut):
    nullable: ClassVar[frozenset[str]] = frozenset({"source_id", "name", "price", "image_url", "updated_at"})

    id: str
    source_id: str | None
    name: str | None
    price: int | None
    attributes: list[str]
    metadata: Metadata
    image_url: str | None
    created_at: Instant
    updated_at: Instant | None
    object: Literal["product"] = "product"


class ProductRead(ProductWithoutSkus):
    skus: SkusOfProduct


class ProductList(PageBody):
    data_ref: Literal["products"] = "products"
    products: list[ProductRead]


class SkuList(PageBody):
    data_ref: Annotated[Literal["data"], Field(description="Not the name of the array; clients rely on it.")] = "data"
    skus: list[SkuRead]
