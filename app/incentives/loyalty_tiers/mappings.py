"""What the tier of a member makes of the points they earn, and of the prices they pay."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.engine.loyalty_tiers import PointsMapping
from app.models import LoyaltyStanding, LoyaltyTier

Kind = Literal["earning_rules", "rewards"]

_mapping: TypeAdapter[PointsMapping] = TypeAdapter(PointsMapping)


@dataclass(frozen=True, slots=True)
class TierMapping:
    """What a tier makes of one earning rule or reward. Without tier or mapping, points are what they are."""

    tier_id: str | None = None
    mapping: PointsMapping | None = None

    def points(self, points: int, steps: int = 1) -> int | None:
        """For members of the tier: what `steps` times `points` are, rounded half up; None when it is not for them.

        A PROPORTIONAL rule gives its points once for each step; what a tier sets instead counts for each, too.
        """
        return points * steps if self.mapping is None else self.mapping.points(points, steps)


NO_TIER = TierMapping()


async def tier_of_card(session: AsyncSession, project_id: int, card_id: str) -> LoyaltyTier | None:
    """The tier that the card is in."""
    tier: LoyaltyTier | None = await session.scalar(
        select(LoyaltyTier)
        .join(
            LoyaltyStanding,
            (LoyaltyStanding.project_id == LoyaltyTier.project_id) & (LoyaltyStanding.tier_id == LoyaltyTier.id),
        )
        .where(
            LoyaltyTier.project_id == project_id,
            LoyaltyStanding.voucher_id == card_id,
            LoyaltyTier.deleted_at.is_(None),
        )
    )
    return tier


async def mapping_for(session: AsyncSession, project_id: int, card_id: str, kind: Kind, *ids: str) -> TierMapping:
    """What the tier of the card makes of an earning rule or a reward, by the first of `ids` that it names."""
    return mapping_of(await tier_of_card(session, project_id, card_id), kind, *ids)


def mapping_of(tier: LoyaltyTier | None, kind: Kind, *ids: str) -> TierMapping:
    """The same for a tier that is known already."""
    if tier is None:
        return NO_TIER
    stored: Mapping[str, Any] = getattr(tier, kind)
    named = next((stored[each] for each in ids if each in stored), None)
    return TierMapping(tier.id, None if named is None else _mapping.validate_python(named))
