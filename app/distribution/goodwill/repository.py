"""SQL of what support gave away, always inside one project."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from app.kit.repository import Repository
from app.models import Goodwill, Redemption, Voucher


class GoodwillRepository(Repository[Goodwill]):
    model = Goodwill

    async def find_locked(self, goodwill_id: str) -> Goodwill | None:
        """What was given, kept from changing until the transaction ends."""
        rows = self.rows().where(Goodwill.id == goodwill_id).with_for_update()
        found: Goodwill | None = await self.session.scalar(rows.execution_options(populate_existing=True))
        return found

    async def given_to(self, customer_ids: Sequence[str], limit: int) -> Sequence[Goodwill]:
        """What these customers were given, newest first."""
        rows = self.rows().where(Goodwill.customer_id.in_(customer_ids))
        return (await self.session.scalars(rows.order_by(Goodwill.id.desc()).limit(limit))).all()

    async def vouchers_of(self, given: Sequence[Goodwill]) -> dict[str, Voucher]:
        """The vouchers, those in the bin included, by id."""
        ids = [goodwill.voucher_id for goodwill in given]
        rows = select(Voucher).where(Voucher.project_id == self.project_id, Voucher.id.in_(ids))
        return {voucher.id: voucher for voucher in await self.session.scalars(rows)}

    async def refused_attempts(self, customer_ids: Sequence[str], limit: int) -> Sequence[Any]:
        """The redemptions of these customers that failed, newest first."""
        rows = select(Redemption).where(
            Redemption.project_id == self.project_id,
            Redemption.customer_id.in_(customer_ids),
            Redemption.object == "redemption",
            Redemption.result == "FAILURE",
        )
        return (await self.session.scalars(rows.order_by(Redemption.id.desc()).limit(limit))).all()
