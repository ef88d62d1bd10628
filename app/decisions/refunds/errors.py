from app.kit.errors import AppError, Invalid


class RefundExceeded(Invalid):
    """400: more units are to come back than the customer still has. Of many who return the same unit at once, one
    succeeds. Paths are JSON paths such as `lines[0].quantity`."""

    key = "refund_exceeded"
    message = "More units than are left to return"


class NothingToRefund(AppError):
    """400: everything that was paid for the order was given back before."""

    key = "nothing_to_refund"
    message = "Nothing is left to give back"


class NotRefundable(AppError):
    """400: the redemption has no order with an amount, was made before allocations were kept, or a rollback has changed
    its order since."""

    key = "not_refundable"
    message = "Redemption cannot be refunded"


class RefundPolicyMixed(AppError):
    """400: all refunds of an order follow the policy of the first."""

    key = "refund_policy_mixed"
    message = "Another refund policy is in use"


class RefundPolicyUnavailable(AppError):
    """400: what is kept cannot be evaluated again: discounts replaced units or came from elsewhere, the order was
    redeemed on more than once, or a redeemable is gone. `paid_share` is always possible."""

    key = "refund_policy_unavailable"
    message = "Refund policy is not available for this redemption"


class TooManyRefunds(AppError):
    """400: an order can be refunded in up to 1000 parts."""

    key = "too_many_refunds"
    message = "Too many refunds"
