"""What can go wrong when a member wants a reward."""

from app.kit.errors import AppError, NotFound


class RewardNotOffered(NotFound):
    """404: the member's loyalty program does not offer this reward."""

    def __init__(self, reward_id: str) -> None:
        super().__init__("reward", reward_id)


class OutOfStock(AppError):
    """400: nothing is left of the reward."""

    key = "reward_out_of_stock"
    message = "Reward out of stock"

    def __init__(self, reward_id: str) -> None:
        super().__init__("Nothing is left of it.", resource_id=reward_id, resource_type="reward")


class CardUsedUp(AppError):
    """400: the card was redeemed as often as it may be."""

    key = "quantity_exceeded"
    message = "quantity exceeded"


class RewardUsed(AppError):
    """400: what was given for the points is used already, so the redemption cannot be taken back."""

    key = "invalid_redemption"
    message = "Invalid redemption"
