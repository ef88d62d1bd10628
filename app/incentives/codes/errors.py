from app.kit.errors import AppError


class InvalidCodeConfig(AppError):
    """400: codes cannot be made this way; the details say why, with figures."""

    key = "invalid_code_config"
    message = "Invalid code config"


class InvalidCode(AppError):
    """400: this text cannot be a code."""

    key = "invalid_voucher"
    message = "Invalid voucher"

    def __init__(self, problem: str) -> None:
        super().__init__(f"code {problem}")
