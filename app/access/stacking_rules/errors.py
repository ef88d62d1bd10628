"""What can go wrong with stacking rules."""

from app.kit.errors import AppError, NotFound


class StackingRulesExist(AppError):
    """409: the project has stacking rules, and can have one set of them."""

    status = 409
    key = "stacking_rules_exist"
    message = "Stacking rules exist"

    def __init__(self, rules_id: str) -> None:
        super().__init__(
            f"The project already has stacking rules; change or delete {rules_id}.",
            resource_id=rules_id,
            resource_type="stacking_rules",
        )


class StackingRulesNotFound(NotFound):
    """404: the project has no such stacking rules."""

    def __init__(self, rules_id: str) -> None:
        super().__init__("stacking_rules", rules_id)
