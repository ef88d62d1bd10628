"""Metrics for Prometheus: how many requests, how they ended, how long they took."""

import os
from collections.abc import Callable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

_REQUESTS = Counter("guerdon_http_requests", "Answers sent.", ("method", "route", "status"))
_DURATIONS = Histogram("guerdon_http_request_seconds", "Time to answer.", ("method", "route"), buckets=_SECONDS)
_FOLLOWED = Histogram(
    "guerdon_follower_delay_seconds", "Time from an event to its being handled.", ("follower",), buckets=_SECONDS
)
_FAILURES = Counter("guerdon_follower_failures", "Attempts of followers that failed.", ("follower",))
_DEAD_LETTERS = Counter("guerdon_dead_letters", "Events that a follower has failed on for good.", ("follower",))
IN_FLIGHT = Gauge("guerdon_http_requests_in_flight", "Requests being worked on.", multiprocess_mode="livesum")

_recorders: dict[tuple[str, str, int], Callable[[float], None]] = {}


def record_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answer. `route` is the template such as `/v1/vouchers/{code}`, never a path with codes in it."""
    key = (method, route, status)
    record = _recorders.get(key)
    if record is None:
        record = _recorders[key] = _recorder(*key)
    record(seconds)


def _recorder(method: str, route: str, status: int) -> Callable[[float], None]:
    count = _REQUESTS.labels(method, route, str(status)).inc
    observe = _DURATIONS.labels(method, route).observe

    def record(seconds: float) -> None:
        count()
        observe(seconds)

    return record


def record_followed(follower: str, seconds: float) -> None:
    """Count an event that a follower has handled, so long after it happened."""
    _FOLLOWED.labels(follower).observe(seconds)


def record_follower_failure(follower: str, *, is_dead: bool) -> None:
    """Count an attempt that failed; `is_dead` when it was the last."""
    _FAILURES.labels(follower).inc()
    if is_dead:
        _DEAD_LETTERS.labels(follower).inc()


def exposition() -> tuple[bytes, str]:
    """All metrics as text, and its content type; of all worker processes when they share a directory.

    With more than one process, `PROMETHEUS_MULTIPROC_DIR` names a directory that is emptied before they start.
    """
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST
