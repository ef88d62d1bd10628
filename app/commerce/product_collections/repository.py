"""Product collections and their members in the database."""

from collections.abc import Collection, Sequence

from sqlalchemy import delete, func, select

from app.kit.repository import Repository
from app.models import ProductCollection, ProductCollectionMember


class CollectionRepository(Repository[ProductCollection]):
    model = ProductCollection

    async def count(self) -> int:
        """How many collections the project has."""
        count = select(func.count()).where(ProductCollection.project_id == self.project_id)
        return await self.session.scalar(count) or 0

    async def members_of(self, collection_ids: Collection[str]) -> dict[str, list[ProductCollectionMember]]:
        """The members of each of these static collections, in their order; each id is a key."""
        found: dict[str, list[ProductCollectionMember]] = {collection_id: [] for collection_id in collection_ids}
        rows = select(ProductCollectionMember).where(
            ProductCollectionMember.project_id == self.project_id,
            ProductCollectionMember.collection_id.in_(collection_ids),
        )
        for member in await self.session.scalars(rows.order_by(ProductCollectionMember.position)):
            found[member.collection_id].append(member)
        return found

    async def replace_members(self, collection_id: str, members: Sequence[ProductCollectionMember]) -> None:
        await self.session.execute(
            delete(ProductCollectionMember)
            .where(
                ProductCollectionMember.project_id == self.project_id,
                ProductCollectionMember.collection_id == collection_id,
            )
            .execution_options(synchronize_session=False)
        )
        self.session.add_all(members)
        await self.session.flush()
