"""What can go wrong with loyalty tiers."""

from app.kit.errors import AppError, NotFound


class LoyaltyTierNotFound(NotFound):
    """404: this program has no such tier."""

    def __init__(self, tier_id: str) -> None:
        super().__init__("loyalty_tier", tier_id)


class TooManyTiers(AppError):
    """400: a program may have 100 tiers."""

    key = "too_many_loyalty_tiers"
    message = "Too many loyalty tiers"
