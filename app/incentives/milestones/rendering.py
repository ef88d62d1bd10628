"""Crossings of milestones on the wire."""

from typing import Any

from app.incentives.milestones.schemas import CrossingRead, GivenRead
from app.models import MilestoneCrossing


def crossing_read(row: MilestoneCrossing) -> CrossingRead:
    """A customer who reached a milestone, with the ids of what was given."""
    status: Any = row.status
    return CrossingRead(
        id=row.id,
        milestone_id=row.milestone_id,
        customer_id=row.customer_id,
        number=row.number,
        status=status,
        problem=row.problem,
        reward_id=row.reward_id,
        given=GivenRead(
            voucher_id=row.given.get("given", {}).get("voucher_id"),
            product_id=(row.given.get("product") or {}).get("id"),
            sku_id=(row.given.get("sku") or {}).get("id"),
        ),
        created_at=row.created_at,
        settled_at=row.settled_at,
    )
