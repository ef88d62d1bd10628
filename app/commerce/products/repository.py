"""Products and SKUs in the database. What lies in the bin is not found."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.orm import aliased

from app.commerce.sourced import SourcedRepository
from app.models import Product, Sku

SHOWN_SKUS = 100
"""How many of its SKUs a product's answer carries."""


class ProductRepository(SourcedRepository[Product]):
    model = Product
    resource_type = "product"
    prefix = "prod"
    metadata_name = "product_metadata"

    def rows(self) -> Select[Product]:
        return self.every_row().where(Product.deleted_at.is_(None))


class SkuRepository(SourcedRepository[Sku]):
    model = Sku
    resource_type = "sku"
    prefix = "sku"
    metadata_name = "sku_metadata"

    def rows(self) -> Select[Sku]:
        return self.every_row().where(Sku.deleted_at.is_(None))

    async def of_products(self, product_ids: Sequence[str]) -> dict[str, tuple[list[Sku], int]]:
        """The oldest SKUs of each product and how many there are, in one statement."""
        ranked = (
            self.rows()
            .where(Sku.product_id.in_(product_ids))
            .add_columns(
                func.row_number().over(partition_by=Sku.product_id, order_by=Sku.id).label("place"),
                func.count().over(partition_by=Sku.product_id).label("total"),
            )
            .subquery()
        )
        sku = aliased(Sku, ranked)
        statement = select(sku, ranked.c.total).where(ranked.c.place <= SHOWN_SKUS).order_by(ranked.c.id)
        found: dict[str, tuple[list[Sku], int]] = {product_id: ([], 0) for product_id in product_ids}
        for row, total in await self.session.execute(statement):
            skus, _ = found[row.product_id]
            skus.append(row)
            found[row.product_id] = (skus, total)
        return found

    async def bin_of_product(self, product_id: str, now: datetime) -> None:
        """Put the SKUs of a product into the bin with it."""
        of_product = (Sku.project_id == self.project_id, Sku.product_id == product_id, Sku.deleted_at.is_(None))
        await self.session.execute(update(Sku).where(*of_product).values(deleted_at=now))

    async def erase_of_product(self, product_id: str) -> None:
        of_product = (Sku.project_id == self.project_id, Sku.product_id == product_id)
        await self.session.execute(delete(Sku).where(*of_product))
