"""HTTP for every room: the database of a request, and routes that read JSON the contract's way."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes

from fastapi import APIRouter, Depends, Request, Response, params
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from app.kit.db import Database
from app.kit.errors import InvalidQuery, UnsupportedMediaType
from app.kit.idempotency import IdempotentRoute
from app.kit.wire import decode, encode

ENCODED_SLASH = "\x00"
"""Stands for %2F in `scope["path"]` while routes are matched; a real NUL never gets that far."""


async def database_of(request: Request) -> Database:
    """The database this request works on; with an Idempotency-Key, one that joins the transaction of the key."""
    joined: Database | None = getattr(request.state, "database", None)
    database: Database = joined if joined is not None else request.app.state.database
    return database


Db = Annotated[Database, Depends(database_of)]


def routable(raw_path: bytes) -> str:
    """The decoded path, in which an encoded slash does not separate segments: JsonRoute turns it into a slash later.

    Raises InvalidQuery for a path that holds a NUL.
    """
    if b"%00" in raw_path:
        raise InvalidQuery("", "NUL characters are not accepted in a path.")
    kept = raw_path.replace(b"%2F", ENCODED_SLASH.encode()).replace(b"%2f", ENCODED_SLASH.encode())
    return unquote_to_bytes(kept).decode("utf-8", "replace")


async def json_bytes(request: Request) -> bytes:
    """The body, for endpoints that read it themselves with `wire.read` or `wire.decode`.

    Raises UnsupportedMediaType.
    """
    body = await request.body()
    if body:
        content_type = request.headers.get("content-type")
        if content_type is not None and not _is_json(content_type):
            raise UnsupportedMediaType(content_type)
    return body


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))


def answered(value: object, status: int = 200) -> Response:
    """The answer that is `value`, JSON values in the shape the route's `response_model` documents."""
    return Response(encode(value), status, media_type="application/json")


class JsonRequest(Request):
    """A request whose body was read the contract's way before FastAPI looks at it."""

    @classmethod
    async def of(cls, request: Request) -> "JsonRequest":
        """Raises UnsupportedMediaType, InvalidPayload."""
        body = await json_bytes(request)
        scope = request.scope if body else _without_content_type(request.scope)
        read = cls(scope, request.receive)
        read._body = body or b"{}"
        read._json = decode(body)
        return read


def _without_content_type(scope: Scope) -> Scope:
    """Without a body its type means nothing, yet FastAPI would go by it."""
    scope["headers"] = [header for header in scope["headers"] if header[0] != b"content-type"]
    return scope


class JsonRoute(IdempotentRoute):
    """A route of the API: JSON bodies are read strictly, an empty body is an empty object, %2F in the path is a slash.

    An endpoint that declares no body but takes the `Request` pays nothing for this: it reads `json_bytes` itself and
    returns a Response, and `openapi_extra=sends(Model)` documents what it reads.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.body_field is None or isinstance(self.body_field.field_info, params.Form):
            return handle

        async def handle_json(request: Request) -> Response:
            return await handle(await JsonRequest.of(request))

        return handle_json

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if ENCODED_SLASH in scope["path"]:
            scope["path_params"] = {
                name: value.replace(ENCODED_SLASH, "/") if isinstance(value, str) else value
                for name, value in scope["path_params"].items()
            }
        await super().handle(scope, receive, send)


class Router(APIRouter):
    """The router every room uses: its routes are JsonRoutes unless it asks for others, named after their functions."""

    def __init__(self, *, route_class: type[APIRoute] = JsonRoute, **options: Any) -> None:
        super().__init__(
            route_class=route_class,
            redirect_slashes=False,
            strict_content_type=False,
            generate_unique_id_function=operation_id,
            **options,
        )


def operation_id(route: APIRoute) -> str:
    """The function's name; what browsers may call too has a name of its own there."""
    return f"client_{route.name}" if route.path.startswith("/client/") else route.name
