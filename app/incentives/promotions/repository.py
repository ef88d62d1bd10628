"""SQL of promotion tiers and stacks, always inside one project."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import ClassVar

from sqlalchemy import delete, func, select, update

from app.incentives.promotions.rendering import Summary
from app.kit.repository import Repository
from app.models import Account, Campaign, PromotionStack, PromotionTier

SUMMED_UP = ("uses", "ordered", "discounted")


class PromotionTierRepository(Repository[PromotionTier]):
    """Tiers that are not deleted; those of a deleted campaign are deleted with it."""

    model: ClassVar = PromotionTier

    async def find_with_campaign(self, tier_id: str) -> tuple[PromotionTier, Campaign] | None:
        found = await self.with_campaigns([tier_id])
        tier_and_campaign = found.get(tier_id)
        return None if tier_and_campaign is None or tier_and_campaign[0].deleted_at else tier_and_campaign

    async def with_campaigns(self, tier_ids: Collection[str]) -> dict[str, tuple[PromotionTier, Campaign]]:
        """These tiers and their campaigns, deleted ones included; no statement for none."""
        if not tier_ids:
            return {}
        rows = await self.session.execute(
            select(PromotionTier, Campaign)
            .join(
                Campaign, (Campaign.project_id == PromotionTier.project_id) & (Campaign.id == PromotionTier.campaign_id)
            )
            .where(PromotionTier.project_id == self.project_id, PromotionTier.id.in_(tier_ids))
        )
        return {tier.id: (tier, campaign) for tier, campaign in rows}

    async def of_campaign(self, campaign_id: str) -> Sequence[PromotionTier]:
        """The tiers of a campaign, first in hierarchy first."""
        rows = self.rows().where(PromotionTier.campaign_id == campaign_id, PromotionTier.deleted_at.is_(None))
        return (await self.session.scalars(rows.order_by(PromotionTier.hierarchy, PromotionTier.id))).all()

    async def next_hierarchy(self, campaign_id: str) -> int:
        """One more than the last of the campaign has. Only after `change_configuration`, or two tiers get the same."""
        last = await self.session.scalar(
            select(func.max(PromotionTier.hierarchy)).where(
                PromotionTier.project_id == self.project_id,
                PromotionTier.campaign_id == campaign_id,
                PromotionTier.deleted_at.is_(None),
            )
        )
        return (last or 0) + 1

    async def summaries(self, tier_ids: Collection[str]) -> dict[str, Summary]:
        """What was redeemed of these tiers, each id a key, from the accounts that every redemption posts to."""
        rows = await self.session.execute(
            select(Account.owner_id, Account.measure, Account.balance).where(
                Account.project_id == self.project_id,
                Account.owner_id.in_(tier_ids),
                Account.measure.in_(SUMMED_UP),
                Account.subject == "",
                Account.period == "",
            )
        )
        figures = {(owner_id, measure): -balance for owner_id, measure, balance in rows}
        return {
            tier_id: Summary(*(figures.get((tier_id, measure), 0) for measure in SUMMED_UP)) for tier_id in tier_ids
        }

    async def delete_of_campaign(self, campaign_id: str, now: datetime) -> Sequence[str]:
        """Delete what is left of a campaign's tiers; gives their ids."""
        deleted = await self.session.scalars(
            update(PromotionTier)
            .where(
                PromotionTier.project_id == self.project_id,
                PromotionTier.campaign_id == campaign_id,
                PromotionTier.deleted_at.is_(None),
            )
            .values(deleted_at=now)
            .returning(PromotionTier.id)
            .execution_options(synchronize_session=False)
        )
        return deleted.all()


class PromotionStackRepository(Repository[PromotionStack]):
    model: ClassVar = PromotionStack

    async def find_in_campaign(self, campaign_id: str, stack_id: str) -> PromotionStack | None:
        rows = self.rows().where(PromotionStack.campaign_id == campaign_id, PromotionStack.id == stack_id)
        stack: PromotionStack | None = await self.session.scalar(rows)
        return stack

    async def naming(self, tier: PromotionTier) -> Sequence[PromotionStack]:
        """The stacks that the tier is part of."""
        rows = self.rows().where(
            PromotionStack.campaign_id == tier.campaign_id, PromotionStack.tier_ids.contains([tier.id])
        )
        return (await self.session.scalars(rows.order_by(PromotionStack.id))).all()

    async def delete_of_campaign(self, campaign_id: str) -> None:
        await self.session.execute(
            delete(PromotionStack)
            .where(PromotionStack.project_id == self.project_id, PromotionStack.campaign_id == campaign_id)
            .execution_options(synchronize_session=False)
        )
