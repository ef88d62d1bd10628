"""The one place that reads the wall clock; everything below takes `now` as an argument."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present instant in UTC."""
    return datetime.now(UTC)
