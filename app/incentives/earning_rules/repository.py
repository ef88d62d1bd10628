"""SQL of earning rules, always inside one project."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from sqlalchemy import func, select, update

from app.engine.earning import Trigger
from app.kit.repository import Repository
from app.models import Campaign, EarningRule


class EarningRuleRepository(Repository[EarningRule]):
    """Rules that are not deleted; those of a deleted campaign are deleted with it."""

    model: ClassVar = EarningRule

    async def find_in(self, campaign_id: str, rule_id: str) -> EarningRule | None:
        rows = self.rows().where(
            EarningRule.campaign_id == campaign_id, EarningRule.id == rule_id, EarningRule.deleted_at.is_(None)
        )
        return await self.session.scalar(rows)

    async def count(self) -> int:
        """How many the project has."""
        rows = select(func.count()).where(EarningRule.project_id == self.project_id, EarningRule.deleted_at.is_(None))
        return await self.session.scalar(rows) or 0

    async def waiting_for(self, trigger: Trigger, event: str) -> Sequence[tuple[EarningRule, Campaign]]:
        """The rules that such an event may earn by, with their programs, oldest first."""
        rows = (
            select(EarningRule, Campaign)
            .join(Campaign, (Campaign.project_id == EarningRule.project_id) & (Campaign.id == EarningRule.campaign_id))
            .where(
                EarningRule.project_id == self.project_id,
                EarningRule.trigger == trigger,
                EarningRule.event == event,
                EarningRule.active,
                EarningRule.deleted_at.is_(None),
                Campaign.active,
                Campaign.deleted_at.is_(None),
            )
            .order_by(EarningRule.id)
        )
        return [(rule, campaign) for rule, campaign in await self.session.execute(rows)]

    async def delete_of_campaign(self, campaign_id: str, now: datetime) -> Sequence[str]:
        """Delete what is left of a campaign's rules; gives their ids."""
        deleted = await self.session.scalars(
            update(EarningRule)
            .where(
                EarningRule.project_id == self.project_id,
                EarningRule.campaign_id == campaign_id,
                EarningRule.deleted_at.is_(None),
            )
            .values(deleted_at=now)
            .returning(EarningRule.id)
            .execution_options(synchronize_session=False)
        )
        return deleted.all()
