from collections.abc import Iterator
from contextlib import contextmanager

from app.kit.errors import AppError


class InvalidCodeConfig(AppError):
    """400: codes cannot be made this way; the details say why, with figures, and `errors` where."""

    key = "invalid_code_config"
    message = "Invalid code config"

    def __init__(self, problem: str, member: str | None = None) -> None:
        path = f"code_config.{member}" if member else "code_config"
        super().__init__(problem, errors=[{"path": path, "message": problem}])


@contextmanager
def inside(parent: str) -> Iterator[None]:
    """Refusals that come out of this block name a path below `parent`, where this request has its code config."""
    try:
        yield
    except InvalidCodeConfig as error:
        error.extra["errors"] = [
            {**problem, "path": f"{parent}.{problem['path']}"} for problem in error.extra["errors"]
        ]
        raise


class InvalidCode(AppError):
    """400: this text cannot be a code."""

    key = "invalid_voucher"
    message = "Invalid voucher"

    def __init__(self, problem: str) -> None:
        super().__init__(f"code {problem}")
