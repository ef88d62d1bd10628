"""Time that passes without waiting."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from app.kit import clock


@contextmanager
def later(span: timedelta) -> Iterator[None]:
    """Let this process, and the servers in it, believe that it is so much later, as long as the block lasts."""
    clock.shift(int(span.total_seconds()))
    try:
        yield
    finally:
        clock.shift(0)
