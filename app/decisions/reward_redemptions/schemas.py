"""Redeeming rewards on the wire."""

from pydantic import Field

from app.commerce.orders.schemas import OrderIn
from app.decisions.schemas import RewardIn
from app.kit.wire import Metadata, WireIn


class RewardRedemptionIn(WireIn):
    """Which reward the member wants; for paying with points also the order, and how many points."""

    reward: RewardIn
    order: OrderIn | None = None
    metadata: Metadata = Field(default_factory=dict)
