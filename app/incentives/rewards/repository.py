"""SQL of rewards and their assignments, always inside one project."""

from collections.abc import Collection, Sequence
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, Select, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.incentives.rewards.stock import STOCK
from app.kit.repository import Repository
from app.ledger.movements import Holdings
from app.models import Account, Milestone, Reward, RewardAssignment


class RewardRepository(Repository[Reward]):
    model: ClassVar = Reward

    async def by_id(self, reward_ids: Collection[str]) -> dict[str, Reward]:
        """These rewards; no statement for none."""
        if not reward_ids:
            return {}
        rows: Sequence[Reward] = (await self.session.scalars(self.rows().where(Reward.id.in_(reward_ids)))).all()
        return {reward.id: reward for reward in rows}

    async def stocks(self, rewards: Collection[Reward]) -> dict[str, Holdings]:
        """What is left of the rewards that have a stock, and what became of the rest; at most one statement."""
        stocked = [reward.id for reward in rewards if reward.is_stocked]
        if not stocked:
            return {}
        rows = await self.session.execute(
            select(Account.owner_id, Account.balance, Account.totals).where(
                Account.project_id == self.project_id,
                Account.owner_id.in_(stocked),
                Account.measure == STOCK,
                Account.subject == "",
                Account.period == "",
            )
        )
        found = {owner_id: Holdings(balance, totals or {}) for owner_id, balance, totals in rows}
        return {reward_id: found.get(reward_id, Holdings(0, {})) for reward_id in stocked}


class RewardAssignmentRepository(Repository[RewardAssignment]):
    model: ClassVar = RewardAssignment

    async def find_in(self, owner: ColumnElement[bool], assignment_id: str) -> RewardAssignment | None:
        """The assignment with this id, of the reward or campaign that `owner` asks for."""
        row: RewardAssignment | None = await self.session.scalar(
            self.rows().where(owner, RewardAssignment.id == assignment_id)
        )
        return row

    async def is_assigned(self, reward_id: str) -> bool:
        rows = self.rows().where(RewardAssignment.reward_id == reward_id)
        return await self.session.scalar(rows.with_only_columns(literal(1)).limit(1)) is not None

    def with_rewards(self, campaign_id: str) -> Select[RewardAssignment, Reward]:
        """The assignments of a loyalty program and what they offer."""
        return (
            select(RewardAssignment, Reward)
            .join(
                Reward, (Reward.project_id == RewardAssignment.project_id) & (Reward.id == RewardAssignment.reward_id)
            )
            .where(RewardAssignment.project_id == self.project_id, RewardAssignment.campaign_id == campaign_id)
        )

    async def offered(self, campaign_id: str, reward_or_assignment_id: str) -> tuple[RewardAssignment, Reward] | None:
        """How the program offers this reward, if it does; named by the reward's id or the assignment's."""
        named = or_(Reward.id == reward_or_assignment_id, RewardAssignment.id == reward_or_assignment_id)
        row: Any = (await self.session.execute(self.with_rewards(campaign_id).where(named))).first()
        return None if row is None else (row[0], row[1])


async def is_given(session: AsyncSession, project_id: int, reward_id: str) -> str | None:
    """What gives the reward to somebody, for people; None when nothing does."""
    assignments = RewardAssignmentRepository(session, project_id)
    if await assignments.is_assigned(reward_id):
        return "a loyalty program"
    naming = select(literal(1)).where(
        Milestone.project_id == project_id, Milestone.deleted_at.is_(None), Milestone.reward_ids.contains([reward_id])
    )
    return "a milestone" if await session.scalar(naming.limit(1)) is not None else None
