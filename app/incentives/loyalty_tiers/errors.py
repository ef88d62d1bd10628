"""What can go wrong with loyalty tiers."""

from app.incentives.campaigns.errors import InvalidCampaign
from app.kit.errors import AppError, NotFound


class LoyaltyTierNotFound(NotFound):
    """404: this program has no such tier."""

    def __init__(self, tier_id: str) -> None:
        super().__init__("loyalty_tier", tier_id)


class MemberNotFound(NotFound):
    """404: the project has no loyalty card with this code or id."""

    def __init__(self, member_id: str) -> None:
        super().__init__("loyalty_card", member_id)


class NoProgram(InvalidCampaign):
    """400: only campaigns of the type LOYALTY_PROGRAM have loyalty tiers."""

    def __init__(self, campaign_name: str, campaign_type: str) -> None:
        super().__init__(f"{campaign_name} is of the type {campaign_type}; tiers belong to a LOYALTY_PROGRAM.")


class TooManyTiers(AppError):
    """400: a program may have 100 tiers."""

    key = "too_many_loyalty_tiers"
    message = "Too many loyalty tiers"
