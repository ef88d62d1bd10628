"""What goes wrong becomes an answer: every exception has an AppError, every AppError has one shape."""

from typing import Any

import asyncpg
import msgspec
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from starlette.exceptions import HTTPException
from starlette.types import Scope

from app.kit.errors import (
    AppError,
    BodyTooLarge,
    Busy,
    Internal,
    InvalidPayload,
    InvalidQuery,
    MethodNotAllowed,
    NotFound,
    UnknownRoute,
    UnstorableValue,
    error_body,
)
from app.kit.wire import problems_of

log = structlog.get_logger()

_UNSTORABLE = {
    "22001",  # string too long
    "22003",  # number out of range
    "22007",  # date format
    "22008",  # date out of range
    "22021",  # character not in repertoire
    "22P02",  # text representation
    "22P05",  # untranslatable character
    "54000",  # an index entry would be too large
}
_BUSY = {
    "40001",  # serialization failure
    "40P01",  # deadlock
    "55P03",  # lock time-out
    "57014",  # statement time-out
    "57P01",  # the server is shutting down
    "57P02",
    "57P03",  # the server is starting up
}
_BUSY_CLASSES = ("08", "53")
"""Connection lost, and out of connections, memory or disk."""


def error_answer(error: AppError, scope: Scope, headers: dict[str, str] | None = None) -> Response:
    """`error` in the shape every error has, as the answer to the request of `scope`."""
    body = error_body(error, request_id=scope["state"]["request_id"], instance=path_as_sent(scope))
    content = msgspec.json.encode(body, enc_hook=str)
    return Response(content, error.status, {**error.headers, **(headers or {})}, "application/json")


def path_as_sent(scope: Scope) -> str:
    """The path of the request, still percent-encoded."""
    raw: bytes | None = scope.get("raw_path")
    return raw.decode("latin-1") if raw else scope["path"]


def app_error_of(problem: BaseException) -> AppError:
    """What the client is told about any exception; what nobody foresaw is Internal."""
    if isinstance(problem, AppError):
        return problem
    if isinstance(problem, PoolExhausted | ConnectionError):
        return Busy()
    if isinstance(problem, DBAPIError):
        return _database_error(problem.orig.__cause__ if problem.orig is not None else None)
    if isinstance(problem, asyncpg.PostgresError | asyncpg.InterfaceError):
        return _database_error(problem)
    return Internal()


def _database_error(problem: BaseException | None) -> AppError:
    state: str = getattr(problem, "sqlstate", None) or ""
    if state in _BUSY or state.startswith(_BUSY_CLASSES):
        return Busy()
    if state in _UNSTORABLE:
        return UnstorableValue(f"A value cannot be stored: {problem}.")
    if isinstance(problem, asyncpg.DataError):  # asyncpg refused to encode an argument, so it has no state
        return UnstorableValue("A number or a date lies outside what can be stored.")
    if isinstance(problem, asyncpg.InterfaceError | ConnectionError | TimeoutError):
        return Busy()
    return Internal()


def answer_to(problem: Exception, scope: Scope) -> Response:
    """The answer to an exception that no handler of its own took; bugs go to the log with their traceback."""
    error = app_error_of(problem)
    if error.status >= 500:
        level = log.error if isinstance(error, Internal) else log.warning
        level("request failed", path=path_as_sent(scope), error=type(problem).__name__, exc_info=problem)
    return error_answer(error, scope)


async def _answer_app_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AppError)
    return error_answer(error, request.scope)


async def _answer_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return error_answer(_invalid_request(error, request), request.scope)


def _invalid_request(error: RequestValidationError, request: Request) -> AppError:
    errors = error.errors()
    place = errors[0]["loc"][0]
    if place == "path":
        name = errors[0]["loc"][1]
        return NotFound("resource", str(request.path_params.get(name)))
    problems = problems_of([{**problem, "loc": problem["loc"][1:]} for problem in errors], _value_sent(error, place))
    return (InvalidPayload if place == "body" else InvalidQuery)(*problems[0], *problems[1:])


def _value_sent(error: RequestValidationError, place: Any) -> Any:
    """What the locations of the errors are about; of parameters only the name counts."""
    if place == "body":
        return error.body
    return {problem["loc"][1]: None for problem in error.errors() if len(problem["loc"]) > 1}


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return error_answer(_http_error(error, request), request.scope, dict(error.headers or {}))


def _http_error(error: HTTPException, request: Request) -> AppError:
    if isinstance(error.__cause__, AppError):  # FastAPI wraps what it meets while it reads a form
        return error.__cause__
    where = f"{request.method} {path_as_sent(request.scope)}"
    if error.status_code == 404:
        return UnknownRoute(f"There is no route {where}.")
    if error.status_code == 405:
        return MethodNotAllowed(f"There is no route {where}; see the Allow header.")
    if error.status_code == 413:
        return BodyTooLarge(request.app.state.settings.body_limit_bytes)
    return InvalidPayload("", str(error.detail))


def answer_failures(app: FastAPI) -> None:
    """Give `app` the handlers for what endpoints and routing raise; the rest arrives at `answer_to`."""
    app.add_exception_handler(AppError, _answer_app_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid_request)
    app.add_exception_handler(HTTPException, _answer_http_exception)
