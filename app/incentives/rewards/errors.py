"""What can go wrong with rewards and their assignments."""

from app.kit.errors import AppError, DuplicateFound, NotFound


class RewardNotFound(NotFound):
    """404: the project has no such reward."""

    def __init__(self, reward_id: str) -> None:
        super().__init__("reward", reward_id)


class RewardAssignmentNotFound(NotFound):
    """404: there is no such assignment of this reward, or to this campaign."""

    def __init__(self, assignment_id: str) -> None:
        super().__init__("reward_assignment", assignment_id)


class RewardInUse(AppError):
    """400: loyalty programs or milestones give the reward; take it from them first."""

    key = "resource_in_use"
    message = "Resource in use"

    def __init__(self, reward_id: str, by: str) -> None:
        super().__init__(
            f"The reward is given by {by}; take it from there first.", resource_id=reward_id, resource_type="reward"
        )


class RewardAlreadyAssigned(DuplicateFound):
    """409: the campaign offers this reward already; change that assignment instead."""

    def __init__(self, reward_id: str, campaign_name: str) -> None:
        super().__init__(f"{campaign_name} offers this reward already.", resource_id=reward_id, resource_type="reward")


class InvalidBalance(AppError):
    """400: a reward of credits or points must give some."""

    key = "invalid_balance"
    message = "Invalid balance"

    def __init__(self, campaign_type: str) -> None:
        what = "points" if campaign_type == "LOYALTY_PROGRAM" else "credits"
        super().__init__(
            f"parameters.campaign.balance: A reward of a campaign of the type {campaign_type} gives {what}; say how "
            "many, more than 0.",
            errors=[{"path": "parameters.campaign.balance", "message": f"Say how many {what}, more than 0."}],
        )


class InvalidStock(AppError):
    """400: more units than the stock shall have were redeemed already."""

    key = "invalid_payload"
    message = "Invalid payload"

    def __init__(self, redeemed: int) -> None:
        sentence = f"{redeemed} units were redeemed already; the stock cannot be less."
        super().__init__(f"stock: {sentence}", errors=[{"path": "stock", "message": sentence}])


class NoLoyaltyProgram(AppError):
    """400: only loyalty programs offer rewards."""

    key = "invalid_payload"
    message = "Invalid payload"

    def __init__(self, campaign_name: str, campaign_type: str) -> None:
        super().__init__(f"{campaign_name} is a campaign of the type {campaign_type}; loyalty programs offer rewards.")
