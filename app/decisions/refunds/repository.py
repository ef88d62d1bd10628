"""SQL of refunds and of what they are computed from, always inside one project."""

from collections.abc import Collection, Sequence
from typing import ClassVar

from sqlalchemy import Select, select

from app.kit.repository import Repository
from app.models import Order, Redemption, Refund


class RefundRepository(Repository[Refund]):
    model: ClassVar = Refund

    def of_order(self, order_id: str) -> Select[Refund]:
        return self.rows().where(Refund.order_id == order_id)

    async def made_for(self, order_id: str) -> Sequence[Refund]:
        """The refunds of an order, in their order."""
        return (await self.session.scalars(self.of_order(order_id).order_by(Refund.position))).all()

    async def order(self, order_id: str, *, lock: bool) -> Order | None:
        """The order; with `lock` held against everybody who redeems, rolls back or refunds it."""
        rows = select(Order).where(Order.project_id == self.project_id, Order.id == order_id)
        found: Order | None = await self.session.scalar(rows.with_for_update() if lock else rows)
        return found

    async def redemptions(self, ids: Collection[str]) -> dict[str, Redemption]:
        """Redemptions and rollbacks as they are now, whatever was read before the order was locked."""
        rows = select(Redemption).where(Redemption.project_id == self.project_id, Redemption.id.in_(ids))
        found = await self.session.scalars(rows.execution_options(populate_existing=True))
        return {row.id: row for row in found}
