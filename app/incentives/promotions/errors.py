"""What can go wrong with promotion tiers and stacks."""

from app.incentives.campaigns.errors import InvalidCampaign
from app.kit.errors import NotFound


class TierNotFound(NotFound):
    """404: the project, or this campaign, has no such promotion tier."""

    def __init__(self, tier_id: str) -> None:
        super().__init__("promotion_tier", tier_id)


class StackNotFound(NotFound):
    """404: this campaign has no such promotion stack."""

    def __init__(self, stack_id: str) -> None:
        super().__init__("promotion_stack", stack_id)


class NoPromotion(InvalidCampaign):
    """400: only campaigns of the type PROMOTION have tiers and stacks."""

    def __init__(self, campaign_name: str, campaign_type: str) -> None:
        super().__init__(f"{campaign_name} is of the type {campaign_type}; tiers and stacks belong to PROMOTION.")
