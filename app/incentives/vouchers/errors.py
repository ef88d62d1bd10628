from app.kit.errors import AppError, NotFound


class VoucherNotFound(NotFound):
    """404: the project has no voucher with this code or id."""

    def __init__(self, code: str) -> None:
        super().__init__("voucher", code)


class InvalidVoucher(AppError):
    """400: a voucher cannot be like this."""

    key = "invalid_voucher"
    message = "Invalid voucher"


class CodeTaken(AppError):
    """400: another voucher of this project has the code; deleted vouchers keep theirs."""

    key = "duplicate_resource_key"
    message = "Duplicate resource key"

    def __init__(self, code: str) -> None:
        super().__init__(f"A voucher with the code {code} already exists.", resource_id=code, resource_type="voucher")


class NoCodeLeft(AppError):
    """400: no free code of this form was found."""

    key = "invalid_code_config"
    message = "Invalid code config"

    def __init__(self, template: str, capacity: int) -> None:
        super().__init__(f"No free code of the form {template} was found; {capacity:,} are possible.")
