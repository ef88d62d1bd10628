"""What the busy endpoints share."""

from fastapi import Request

from app.incentives.configuration import ConfigurationCache


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
