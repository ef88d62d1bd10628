"""The one place that reads the wall clock; everything below takes `now` as an argument."""

from datetime import UTC, datetime, timedelta

import structlog

_offset = timedelta()

log = structlog.get_logger(__name__)


def now() -> datetime:
    """The present instant in UTC."""
    return datetime.now(UTC) + _offset


def shift(seconds: int) -> None:
    """Let this process believe that it is so much later than it is, or earlier: for tests of what takes months."""
    global _offset
    _offset = timedelta(seconds=seconds)
    if seconds:
        log.warning("THE CLOCK IS SHIFTED: this is for tests only", seconds=seconds, now=now())
