"""SQL of categories, always inside one project."""

from collections.abc import Collection
from typing import ClassVar

from sqlalchemy import update

from app.kit.repository import Repository
from app.models import Campaign, Category, PromotionStack, PromotionTier


class CategoryRepository(Repository[Category]):
    model: ClassVar = Category

    async def find_by_name(self, name: str) -> Category | None:
        category: Category | None = await self.session.scalar(self.rows().where(Category.name == name))
        return category

    async def by_id(self, ids: Collection[str | None]) -> dict[str | None, Category]:
        """Those of these categories that exist; no statement for none."""
        wanted = {id_ for id_ in ids if id_ is not None}
        if not wanted:
            return {}
        found = await self.session.scalars(self.rows().where(Category.id.in_(wanted)))
        return {category.id: category for category in found}

    async def leave(self, category_id: str) -> None:
        """Take the category from campaigns and promotions.

        Vouchers keep its id, which means nothing then: there may be a million of them, and redemptions wait meanwhile.
        """
        for model in (Campaign, PromotionTier, PromotionStack):
            await self.session.execute(
                update(model)
                .where(model.project_id == self.project_id, model.category_id == category_id)
                .values(category_id=None)
                .execution_options(synchronize_session=False)
            )
