"""SQL of loyalty tiers and standings, always inside one project."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import ClassVar

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.repository import Repository
from app.models import LoyaltyStanding, LoyaltyTier, Voucher


class LoyaltyTierRepository(Repository[LoyaltyTier]):
    """Tiers that are not deleted."""

    model: ClassVar = LoyaltyTier

    def of_program(self, campaign_id: str) -> Select[LoyaltyTier]:
        return self.rows().where(LoyaltyTier.campaign_id == campaign_id, LoyaltyTier.deleted_at.is_(None))

    async def all_of(self, campaign_id: str) -> Sequence[LoyaltyTier]:
        """The tiers of a program, lowest first."""
        ordered = self.of_program(campaign_id).order_by(LoyaltyTier.points_from, LoyaltyTier.id)
        return (await self.session.scalars(ordered)).all()

    async def find_in_program(self, campaign_id: str, tier_id: str) -> LoyaltyTier | None:
        tier: LoyaltyTier | None = await self.session.scalar(
            self.of_program(campaign_id).where(LoyaltyTier.id == tier_id)
        )
        return tier

    async def by_id(self, tier_ids: Collection[str]) -> dict[str, LoyaltyTier]:
        """These tiers, deleted ones included; no statement for none."""
        if not tier_ids:
            return {}
        rows = await self.session.scalars(self.rows().where(LoyaltyTier.id.in_(tier_ids)))
        return {tier.id: tier for tier in rows}


class StandingRepository:
    """Where loyalty cards stand."""

    def __init__(self, session: AsyncSession, project_id: int) -> None:
        self.session = session
        self.project_id = project_id

    def rows(self) -> Select[LoyaltyStanding]:
        return select(LoyaltyStanding).where(LoyaltyStanding.project_id == self.project_id)

    async def find(self, card_id: str) -> LoyaltyStanding | None:
        row: LoyaltyStanding | None = await self.session.scalar(
            self.rows().where(LoyaltyStanding.voucher_id == card_id)
        )
        return row

    async def lock(self, card: Voucher, now: datetime, *, may_make: bool) -> LoyaltyStanding | None:
        """The row, which nobody else can change until the transaction ends; made if it `may_make` one."""
        row = await self._locked(card.id)
        if row is None and may_make:
            values = {"project_id": self.project_id, "voucher_id": card.id, "campaign_id": card.campaign_id}
            made = insert(LoyaltyStanding).values(**values, created_at=now)
            await self.session.execute(made.on_conflict_do_nothing())
            row = await self._locked(card.id)
        return row

    async def _locked(self, card_id: str) -> LoyaltyStanding | None:
        row: LoyaltyStanding | None = await self.session.scalar(
            self.rows()
            .where(LoyaltyStanding.voucher_id == card_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        return row

    async def due(self, now: datetime, *, at_most: int) -> Sequence[str]:
        """Cards that will not stand where they do any more, those that nobody is looking at just now."""
        rows = (
            select(LoyaltyStanding.voucher_id)
            .where(LoyaltyStanding.project_id == self.project_id, LoyaltyStanding.due_at <= now)
            .order_by(LoyaltyStanding.due_at)
            .limit(at_most)
            .with_for_update(skip_locked=True)
        )
        return (await self.session.scalars(rows)).all()

    async def cards_after(self, campaign_id: str, card_id: str, *, at_most: int) -> Sequence[Voucher]:
        """Cards of a program that somebody holds, by id."""
        rows = select(Voucher).where(
            Voucher.project_id == self.project_id,
            Voucher.campaign_id == campaign_id,
            Voucher.id > card_id,
            Voucher.holder_id.is_not(None),
            Voucher.deleted_at.is_(None),
        )
        return (await self.session.scalars(rows.order_by(Voucher.id).limit(at_most))).all()
