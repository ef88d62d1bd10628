"""What can go wrong with earning rules."""

from app.kit.errors import AppError, NotFound


class EarningRuleNotFound(NotFound):
    """404: the loyalty program has no such earning rule."""

    def __init__(self, rule_id: str) -> None:
        super().__init__("earning_rule", rule_id)


class TooManyEarningRules(AppError):
    """400: the project would have more earning rules than there can be."""

    key = "too_many_earning_rules"
    message = "Too many earning rules"

    def __init__(self, most: int) -> None:
        super().__init__(f"A project can have {most} earning rules; delete some first.")


class InvalidEarningRule(AppError):
    """400: the parts of the rule do not go together. `errors` names the JSON path of what is wrong."""

    key = "invalid_earning_rule"
    message = "Invalid earning rule"

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}", errors=[{"path": path, "message": message}])
