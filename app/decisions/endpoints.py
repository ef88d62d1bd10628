"""What the busy endpoints share: bodies read once from bytes, answers written once to bytes."""

from typing import Any

from fastapi import Request, Response

from app.incentives.configuration import ConfigurationCache
from app.kit.wire import encode


def answered(value: dict[str, Any]) -> Response:
    return Response(encode(value), media_type="application/json")


def explains(request: Request) -> bool:
    """Whether the caller asks why: the `X-Guerdon-Explain: true` header."""
    return request.headers.get("x-guerdon-explain", "").lower() == "true"


def configuration_of(request: Request) -> ConfigurationCache:
    """The compiled configurations this process keeps."""
    state = request.app.state
    if not hasattr(state, "configuration"):
        state.configuration = ConfigurationCache()
    cache: ConfigurationCache = state.configuration
    return cache
