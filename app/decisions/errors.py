"""What can go wrong at the checkout."""

from app.engine.decision import Failure
from app.kit.errors import AppError


class DuplicatedRedeemables(AppError):
    """400: one redeemable is named twice."""

    key = "duplicated_redeemables"
    message = "Duplicated redeemables"

    def __init__(self, redeemable_id: str) -> None:
        super().__init__(f"{redeemable_id} is named more than once.", resource_id=redeemable_id)


class TooManyRedeemables(AppError):
    """400: the project's stacking rules allow fewer redeemables in one request (`redeemables_limit`)."""

    key = "invalid_redeemables"
    message = "Invalid redeemables"

    def __init__(self, count: int, limit: int) -> None:
        super().__init__(f"One request may have up to {limit} redeemables, this one has {count}.")


class StackNotAlone(AppError):
    """400: a promotion stack is redeemed by itself, not together with others."""

    key = "invalid_redeemables"
    message = "Invalid redeemables"

    def __init__(self, stack_id: str) -> None:
        super().__init__(
            f"{stack_id} is a promotion stack; it must be the only redeemable of a request.", resource_id=stack_id
        )


class RedemptionFailed(AppError):
    """400 or 404: what was asked for cannot be redeemed; key and message are those of the first failure.

    The attempt is recorded as a failed redemption. `unknown_codes_count` tells how many of the codes there are none of.
    """

    def __init__(
        self,
        failure: Failure,
        redeemable_type: str | None,
        redeemable_id: str | None,
        unknown_codes_count: int = 0,
    ) -> None:
        super().__init__(
            failure.details,
            resource_id=failure.resource_id,
            resource_type=failure.resource_type,
            error={"message": failure.custom_message} if failure.custom_message else None,
            redeemable_type=redeemable_type,
            redeemable_id=redeemable_id,
        )
        self.status = failure.status
        self.key = failure.key
        self.message = failure.message
        self.unknown_codes_count = unknown_codes_count


class AlreadyRolledBack(AppError):
    """400: the redemption was rolled back before."""

    key = "already_rolled_back"
    message = "Already rolled back"


class InvalidRedemption(AppError):
    """400: only a successful redemption can be rolled back, and a rollback cannot."""

    key = "invalid_redemption"
    message = "Invalid redemption"


class InvalidRedemptionParent(AppError):
    """400: a part of a stack cannot be rolled back alone, nor a stack through the address for single redemptions."""

    key = "invalid_redemption_parent"
    message = "Invalid redemption parent"


class InvalidCustomer(AppError):
    """400: the customer named is not the one of the redemption."""

    key = "invalid_customer"
    message = "Invalid customer"


class InvalidOrder(AppError):
    """400: the order named is not the one of the redemption."""

    key = "invalid_order"
    message = "Invalid order"
