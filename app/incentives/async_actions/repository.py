"""SQL of async actions, always inside one project."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from app.kit.repository import Repository
from app.models import AsyncAction

UNFINISHED = ("ENQUEUED", "IN_PROGRESS")


class AsyncActionRepository(Repository[AsyncAction]):
    model: ClassVar = AsyncAction

    async def lock_unfinished(self, action_id: str) -> AsyncAction | None:
        """The action if there is still something to do, held until the transaction ends."""
        unfinished = self.rows().where(AsyncAction.id == action_id, AsyncAction.status.in_(UNFINISHED))
        return await self.session.scalar(unfinished.with_for_update())

    async def unfinished(self) -> Sequence[AsyncAction]:
        """What is still to be done, oldest first."""
        rows = self.rows().where(AsyncAction.status.in_(UNFINISHED))
        return (await self.session.scalars(rows.order_by(AsyncAction.id))).all()

    async def unfinished_of(self, campaign_id: str) -> Sequence[AsyncAction]:
        """What is still being done to this campaign, oldest first."""
        rows = self.rows().where(
            AsyncAction.status.in_(UNFINISHED), AsyncAction.parameters["campaign_id"].astext == campaign_id
        )
        return (await self.session.scalars(rows.order_by(AsyncAction.id))).all()

    async def latest(self, limit: int, before: datetime | None) -> tuple[list[AsyncAction], bool]:
        """The newest actions, begun before `before` if given, and whether there are more."""
        rows = self.rows().order_by(AsyncAction.id.desc()).limit(limit + 1)
        if before is not None:
            rows = rows.where(AsyncAction.created_at < before)
        found = list((await self.session.scalars(rows)).all())
        return found[:limit], len(found) > limit
