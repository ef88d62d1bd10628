"""What can go wrong with the catalogue."""

from app.kit.errors import DuplicateFound


class SkuOfAnotherProduct(DuplicateFound):
    """409: the SKU belongs to another product, and SKUs do not move."""

    def __init__(self, sku_id: str, product_id: str) -> None:
        super().__init__(
            f"The SKU {sku_id} belongs to the product {product_id}.", resource_id=sku_id, resource_type="sku"
        )
