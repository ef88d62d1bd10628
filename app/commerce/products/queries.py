"""What the lists of products and SKUs can be asked."""

from typing import Annotated, Any, ClassVar

from pydantic import Field
from sqlalchemy import ColumnElement

from app.kit.filters import When
from app.kit.lists import ListQuery, QueryInstant
from app.models import Product, Sku


class _CatalogueQuery(ListQuery):
    start_date: Annotated[QueryInstant | None, Field(description="Only what was created then or later.")] = None
    end_date: Annotated[QueryInstant | None, Field(description="Only what was created then or earlier.")] = None

    def where(self, when: When) -> list[ColumnElement[Any]]:
        created_at = self.orders["created_at"]
        conditions = super().where(when)
        if self.start_date is not None:
            conditions.append(created_at >= when.localise(self.start_date))
        if self.end_date is not None:
            conditions.append(created_at <= when.localise(self.end_date))
        return conditions


class ProductQuery(_CatalogueQuery):
    orders: ClassVar = {"created_at": Product.created_at, "updated_at": Product.updated_at}


class SkuQuery(_CatalogueQuery):
    orders: ClassVar = {"created_at": Sku.created_at, "updated_at": Sku.updated_at}
