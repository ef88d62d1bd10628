"""What can be wrong with merging customers."""

from app.kit.errors import AppError


class AlreadyMerged(AppError):
    """400: the guest was merged into another customer before."""

    key = "customer_already_merged"
    message = "Customer already merged"


class SameCustomer(AppError):
    """400: a customer cannot be merged into itself."""

    key = "same_customer"
    message = "Same customer"
