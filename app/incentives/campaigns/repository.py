"""SQL of campaigns, always inside one project."""

from collections.abc import Collection
from typing import ClassVar

from sqlalchemy import delete, literal, or_, select, update

from app.kit.repository import Repository
from app.models import Account, Campaign, Entry, PromotionTier, Redemption


class CampaignRepository(Repository[Campaign]):
    model: ClassVar = Campaign

    async def find_by_name(self, name_or_id: str, *, lock: bool = False) -> Campaign | None:
        """The campaign with this id, else the one with this name; not if it is deleted."""
        rows = (
            self.rows()
            .where(or_(Campaign.id == name_or_id, Campaign.name == name_or_id), Campaign.deleted_at.is_(None))
            .order_by((Campaign.id == name_or_id).desc())
            .limit(1)
        )
        return await self.session.scalar(rows.with_for_update() if lock else rows)

    async def by_id(self, campaign_ids: Collection[str]) -> dict[str, Campaign]:
        """These campaigns, deleted ones included; no statement when none is asked for."""
        if not campaign_ids:
            return {}
        rows = await self.session.scalars(self.rows().where(Campaign.id.in_(campaign_ids)))
        return {campaign.id: campaign for campaign in rows}

    async def count_vouchers(self, campaign_id: str, added: int) -> bool:
        """Add to the number of its vouchers; false if the campaign has been deleted in the meantime.

        Locks the campaign until the transaction ends, so it comes last.
        """
        counted = await self.session.scalar(
            update(Campaign)
            .where(Campaign.project_id == self.project_id, Campaign.id == campaign_id, Campaign.deleted_at.is_(None))
            .values(vouchers_count=Campaign.vouchers_count + added)
            .returning(Campaign.vouchers_count)
            .execution_options(synchronize_session=False)
        )
        return counted is not None

    async def was_used(self, campaign_id: str) -> bool:
        """Whether there is a redemption of one of its vouchers, failed and rolled back ones included, or an entry."""
        for table in (Redemption, Entry):
            rows = select(literal(1)).where(table.project_id == self.project_id, table.campaign_id == campaign_id)
            if await self.session.scalar(rows.limit(1)) is not None:
                return True
        return False

    async def remove(self, campaign_id: str) -> None:
        """Delete for good, with the accounts and, never redeemed like the campaign itself, the promotion tiers."""
        for table, column in (
            (Account, Account.owner_id),
            (PromotionTier, PromotionTier.campaign_id),
            (Campaign, Campaign.id),
        ):
            await self.session.execute(
                delete(table)
                .where(table.project_id == self.project_id, column == campaign_id)
                .execution_options(synchronize_session=False)
            )
