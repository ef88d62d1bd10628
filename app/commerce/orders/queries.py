"""What the list of orders can be asked."""

from typing import Any, ClassVar

from sqlalchemy import ColumnElement

from app.kit.lists import Between, ListQuery
from app.models import Order


class OrderQuery(ListQuery):
    orders: ClassVar = {"created_at": Order.created_at, "updated_at": Order.updated_at}

    created_at: Between | None = None
    updated_at: Between | None = None

    def order_by(self, id_column: Any) -> list[ColumnElement[Any]]:
        """An order may be older than its row: the shop can say when it was made."""
        if self.order == "created_at":
            return [Order.created_at.asc(), id_column.asc()]
        if self.order == "-created_at":
            return [Order.created_at.desc(), id_column.desc()]
        return super().order_by(id_column)
