from app.kit.errors import AppError


class InvalidAdjustment(AppError):
    """400: nothing would be added or taken away, or the voucher has no balance."""

    key = "invalid_add_balance_params"
    message = "Invalid add balance params"


class InvalidAmount(AppError):
    """400: more than the card holds cannot be taken away, nor more put in than can be counted."""

    key = "invalid_amount"
    message = "Invalid amount"


class DuplicateSourceId(AppError):
    """400: the source id was given to another change of this balance before."""

    key = "duplicate_source_id"
    message = "Duplicate source id"

    def __init__(self, source_id: str, amount: int) -> None:
        super().__init__(f"{source_id} was a change by {amount} minor units.", resource_id=source_id)
