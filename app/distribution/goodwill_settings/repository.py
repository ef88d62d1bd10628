"""SQL of reasons and budgets, always inside one project."""

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.kit.repository import Repository
from app.models import ApiKey, GoodwillBudget, GoodwillReason

REASONS_LOCK = 0x676F_6F64
"""Seed that keeps this family of advisory locks apart."""


class ReasonRepository(Repository[GoodwillReason]):
    model = GoodwillReason

    async def wait_for_room(self) -> int:
        """How many reasons the project has, which nobody else adds to until the transaction ends."""
        key = func.hashtextextended(str(self.project_id), REASONS_LOCK)
        await self.session.execute(select(func.pg_advisory_xact_lock(key)))
        count = select(func.count()).where(GoodwillReason.project_id == self.project_id)
        return await self.session.scalar(count) or 0

    async def find_by_key(self, key: str, *, held: bool = False) -> GoodwillReason | None:
        """The reason; with `held` it stays as it is until the transaction ends, for others who hold it too."""
        rows = self.rows().where(GoodwillReason.key == key)
        reason: GoodwillReason | None = await self.session.scalar(rows.with_for_update(read=True) if held else rows)
        return reason


class BudgetRepository(Repository[GoodwillBudget]):
    model = GoodwillBudget

    async def find_held(self, api_key_id: str) -> GoodwillBudget | None:
        """The budget of the key, which stays as it is until the transaction ends."""
        rows = self.rows().where(GoodwillBudget.id == api_key_id)
        budget: GoodwillBudget | None = await self.session.scalar(rows.with_for_update(read=True))
        return budget

    async def has_key(self, api_key_id: str) -> bool:
        """Whether the project has such a server key."""
        keys = select(ApiKey.id).where(
            ApiKey.id == api_key_id, ApiKey.project_id == self.project_id, ApiKey.kind == "server"
        )
        return await self.session.scalar(keys) is not None

    async def put(self, budget: GoodwillBudget) -> None:
        """Keep the budget instead of an earlier one of the key."""
        changed = {"amount": budget.amount, "period": budget.period, "updated_at": budget.updated_at}
        row = insert(GoodwillBudget).values(project_id=self.project_id, id=budget.id, **changed)
        await self.session.execute(row.on_conflict_do_update(index_elements=["project_id", "id"], set_=changed))

    async def remove(self, api_key_id: str) -> None:
        await self.session.execute(
            delete(GoodwillBudget).where(GoodwillBudget.project_id == self.project_id, GoodwillBudget.id == api_key_id)
        )
