"""Browsers: answers of the client-side API may be read by the pages that called it."""

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CLIENT_API = "/client/"
_READABLE_HEADERS = (
    "X-Request-Id, Retry-After, Idempotent-Replayed, "
    "X-Rate-Limit-Limit, X-Rate-Limit-Remaining, X-Rate-Limit-Retry, X-Rate-Limit-Type"
)
_METHODS = "GET, POST, PUT, DELETE"
_PREFLIGHT_SECONDS = "600"


class ClientCors:
    """Cross-origin headers for /client/v1, and for nothing else: server keys have no place in a page.

    A preflight carries no key, so it is not known whose list of origins counts; it is allowed for every origin. The
    request itself is refused with 403 when its Origin is not in the project's list. The refusal may be read, so that
    the shop's developer sees why.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(CLIENT_API):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None:
            await self.app(scope, receive, send)
        elif scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await _preflight(origin, headers)(scope, receive, send)
        else:
            await self.app(scope, receive, _readable_by(origin, send))


def _preflight(origin: str, headers: Headers) -> Response:
    asked_for = headers.get("access-control-request-headers")
    answer = Response(
        status_code=204,
        headers={
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
            "Vary": "Origin, Access-Control-Request-Headers",
        },
    )
    if asked_for is not None:
        answer.headers["Access-Control-Allow-Headers"] = asked_for
    return answer


def _readable_by(origin: str, send: Send) -> Send:
    async def send_readable(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                *message["headers"],
                (b"access-control-allow-origin", origin.encode("latin-1")),
                (b"access-control-expose-headers", _READABLE_HEADERS.encode()),
                (b"vary", b"Origin"),
            ]
        await send(message)

    return send_readable
