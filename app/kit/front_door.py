"""What every request passes before routing: an id, limits on size, number and time, a log line and a measurement."""

import asyncio
import os
import time
from typing import Any, Protocol

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kit.errors import BodyTooLarge, Busy, InvalidQuery, TimedOut
from app.kit.failures import answer_to
from app.kit.http import routable
from app.kit.logs import request_id_of_task
from app.kit.metrics import IN_FLIGHT, record_request

access_log = structlog.get_logger("access")

OPERATORS_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Answered even under overload, and not logged: they are asked every few seconds."""
UNKNOWN_ROUTE = "none"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
CLOSED_BY_CLIENT = 499
"""nginx's status for a request that got no answer because it was cut off."""


class KnownProject(Protocol):
    public_id: str


class KnownCaller(Protocol):
    """What the log wants to know of `request.state.caller`."""

    project: KnownProject
    api_key_id: str


class Deadline:
    """Cancels the task that makes it, after so many seconds. `asyncio.timeout` does the same in ten times the time."""

    __slots__ = ("_task", "_timer", "is_past")

    def __init__(self, seconds: float) -> None:
        self._task = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._pass)
        self.is_past = False

    def _pass(self) -> None:
        self.is_past = True
        if self._task is not None:
            self._task.cancel()

    def lift(self) -> None:
        """Call when the work is done: a task that answered is not a cancelled one."""
        self._timer.cancel()
        if self.is_past and self._task is not None:
            self._task.uncancel()


class FrontDoor:
    """The outermost layer. Plain ASGI and no allocation it can avoid: every checkout comes through here."""

    def __init__(self, app: ASGIApp, *, body_limit_bytes: int, request_seconds: float, requests_in_flight: int) -> None:
        self.app = app
        self.body_limit_bytes = body_limit_bytes
        self.request_seconds = request_seconds
        self.requests_in_flight = requests_in_flight
        self.running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = f"v-{os.urandom(9).hex()}"
        scope.setdefault("state", {})["request_id"] = request_id
        request_id_of_task.set(request_id)
        status = 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        self.running += 1
        IN_FLIGHT.inc()
        deadline = Deadline(self.request_seconds)
        try:
            await self.app(scope, self._admit(scope, receive), send_marked)
        except ClientDisconnect:
            pass  # nobody is left to answer
        except Exception as problem:
            if status:  # half an answer is out; only closing the connection can say that it is not whole
                raise
            await answer_to(problem, scope)(scope, receive, send_marked)
        except asyncio.CancelledError:
            if status or not deadline.is_past:
                raise
            await answer_to(TimedOut(), scope)(scope, receive, send_marked)
        finally:
            deadline.lift()
            self.running -= 1
            IN_FLIGHT.dec()
            _record(scope, status or CLOSED_BY_CLIENT, time.perf_counter() - started)

    def _admit(self, scope: Scope, receive: Receive) -> Receive:
        """Let the request in, its path ready for routing and its body counted.

        Raises Busy, BodyTooLarge, InvalidQuery.
        """
        if self.running > self.requests_in_flight and scope["path"] not in OPERATORS_PATHS:
            raise Busy("More requests are waiting than can be answered in time.")
        raw_path: bytes = scope.get("raw_path") or b""
        if b"%" in raw_path:
            scope["path"] = routable(raw_path)
        if b"%00" in scope["query_string"] or b"\x00" in scope["query_string"]:
            raise InvalidQuery("", "NUL characters are not accepted in a query.")
        length = next((value for name, value in scope["headers"] if name == b"content-length"), None)
        if length is None:
            return counted(receive, self.body_limit_bytes)
        if not length.isdigit() or int(length[:20]) > self.body_limit_bytes:
            raise BodyTooLarge(self.body_limit_bytes)
        return receive


def counted(receive: Receive, limit_bytes: int) -> Receive:
    """`receive` for a body of unknown length, which raises BodyTooLarge as soon as it is too long."""
    received = 0

    async def receive_counted() -> Message:
        nonlocal received
        message = await receive()
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            if received > limit_bytes:
                raise BodyTooLarge(limit_bytes)
        return message

    return receive_counted


def _record(scope: Scope, status: int, seconds: float) -> None:
    method = scope["method"] if scope["method"] in METHODS else "other"
    route: str = getattr(scope.get("route"), "path", UNKNOWN_ROUTE)
    record_request(method, route, status, seconds)
    if route in OPERATORS_PATHS:
        return
    line: dict[str, Any] = {"method": method, "route": route, "status": status}
    caller: KnownCaller | None = scope["state"].get("caller")
    if caller is not None:
        line["project"] = caller.project.public_id
        line["key"] = caller.api_key_id
    access_log.info("request", **line, milliseconds=round(seconds * 1000, 2))
