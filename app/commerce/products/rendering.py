"""Products as answers."""

from collections.abc import Sequence
from typing import Any

from app.commerce.products.schemas import ProductRead, ProductWithoutSkus, SkuRead, SkusOfProduct
from app.models import Product, Sku


def product_read(product: Product, skus: Sequence[Sku], total: int) -> ProductRead:
    """The product with its oldest SKUs, of which there are `total`."""
    listed = SkusOfProduct(data=[SkuRead.model_validate(sku) for sku in skus], total=total)
    return ProductRead(**_members(product), skus=listed)


def product_without_skus(product: Product) -> ProductWithoutSkus:
    """The product alone."""
    return ProductWithoutSkus(**_members(product))


def _members(product: Product) -> dict[str, Any]:
    return {
        "id": product.id,
        "source_id": product.source_id,
        "name": product.name,
        "price": product.price,
        "attributes": product.attributes,
        "metadata": product.product_metadata,
        "image_url": product.image_url,
        "created_at": product.created_at,
        "updated_at": product.updated_at,
    }
