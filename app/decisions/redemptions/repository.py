"""SQL of stored redemptions and rollbacks, always inside one project."""

from collections.abc import Collection, Sequence
from typing import Any, ClassVar

from sqlalchemy import func, select

from app.incentives.vouchers.standing import Standing, standings
from app.kit.repository import Repository
from app.models import Campaign, Customer, Redemption, Voucher


class RedemptionRepository(Repository[Redemption]):
    """Redemptions and rollbacks; `object` tells them apart."""

    model: ClassVar = Redemption

    async def locked(self, redemption_id: str) -> Redemption | None:
        """The row, held against everybody else until the transaction ends."""
        row: Redemption | None = await self.session.scalar(
            self.rows().where(Redemption.id == redemption_id).with_for_update()
        )
        return row

    async def locked_parts(self, parent_id: str) -> Sequence[Redemption]:
        """The redemptions of a stack, held likewise."""
        parts = self.rows().where(Redemption.parent_id == parent_id, Redemption.object == "redemption")
        return (await self.session.scalars(parts.order_by(Redemption.id).with_for_update())).all()

    async def count_of(self, related_object_id: str) -> int:
        rows = self.rows().where(Redemption.related_object_id == related_object_id)
        return await self.session.scalar(rows.with_only_columns(func.count())) or 0

    async def newest_of(self, related_object_id: str, most: int) -> Sequence[Redemption]:
        """Redemptions and rollbacks of a voucher, newest first."""
        rows = self.rows().where(Redemption.related_object_id == related_object_id)
        return (
            await self.session.scalars(rows.order_by(Redemption.created_at.desc(), Redemption.id).limit(most))
        ).all()

    async def related_to(self, ids: Collection[str]) -> Sequence[Redemption]:
        """Rollbacks of these redemptions, and the parts of those that are stacks."""
        parts = self.rows().where(Redemption.parent_id.in_(ids), Redemption.object == "redemption")
        rollbacks = self.rows().where(
            Redemption.redemption_id.in_(ids),
            Redemption.object == "redemption_rollback",
            Redemption.result == "SUCCESS",
        )
        return [
            *(await self.session.scalars(parts.order_by(Redemption.id))),
            *(await self.session.scalars(rollbacks.order_by(Redemption.id))),
        ]

    async def customers(self, ids: Collection[str]) -> dict[str, Customer]:
        rows = select(Customer).where(Customer.project_id == self.project_id, Customer.id.in_(ids))
        return {customer.id: customer for customer in await self.session.scalars(rows)}

    async def vouchers(self, ids: Collection[str]) -> dict[str, tuple[Voucher, Campaign | None, Standing]]:
        """Vouchers, deleted ones included, with their campaigns and where they stand now."""
        rows: Any = (
            select(Voucher, Campaign)
            .outerjoin(Campaign, (Campaign.project_id == Voucher.project_id) & (Campaign.id == Voucher.campaign_id))
            .where(Voucher.project_id == self.project_id, Voucher.id.in_(ids))
        )
        standing = await standings(self.session, self.project_id, ids)
        return {
            voucher.id: (voucher, campaign, standing[voucher.id])
            for voucher, campaign in await self.session.execute(rows)
        }
