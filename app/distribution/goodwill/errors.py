"""What can go wrong when support gives something away."""

from app.kit.errors import AppError, NotFound


class GoodwillNotFound(NotFound):
    """404: support of this project gave nothing under this id."""

    def __init__(self, goodwill_id: str) -> None:
        super().__init__("goodwill", goodwill_id)


class ReasonInactive(AppError):
    """400: the reason is in the catalogue, but nothing is given for it now."""

    key = "goodwill_reason_inactive"
    message = "Reason is not active"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Nothing is given for {reason} at present.", resource_id=reason, resource_type="goodwill_reason"
        )


class BudgetMissing(AppError):
    """400: a support key may give nothing until it has a budget."""

    key = "goodwill_budget_missing"
    message = "Goodwill budget missing"

    def __init__(self, api_key_id: str) -> None:
        super().__init__(
            "This support key has no budget; an operator sets one with "
            f"PUT /management/v1/projects/{{project_id}}/keys/{api_key_id}/goodwill-budget.",
            resource_id=api_key_id,
            resource_type="api_key",
        )


class BudgetExceeded(AppError):
    """400: the budget of the key or of the reason has not so much left. Nothing was given."""

    key = "goodwill_budget_exceeded"
    message = "Goodwill budget exceeded"


class GoodwillUsed(AppError):
    """400: what the customer has used cannot be taken away any more."""

    key = "goodwill_used"
    message = "Goodwill was used"

    def __init__(self, goodwill_id: str, code: str) -> None:
        super().__init__(f"{code} was redeemed.", resource_id=goodwill_id, resource_type="goodwill")
