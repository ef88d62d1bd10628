"""Routes that browsers call: the number of requests and of codes tried in vain is limited."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import Request, Response

from app.access.authentication import authenticate
from app.access.callers import Caller
from app.access.client_side.allowances import Named, Taken, digest_of, give_back, network_of, take
from app.access.errors import OverLimit, TooManyFailedLookups, TooManyRequests
from app.kit.db import Database
from app.kit.errors import AppError
from app.kit.failures import error_answer
from app.kit.http import JsonRoute, Router
from app.settings import Settings

QUANTUM_SECONDS: Final = 0.05
"""Answers about codes tried in vain leave at whole multiples of this after the look-up began: how long it took to find
out, which depends on whether there is such a code, cannot be measured from outside."""


class ClientRoute(JsonRoute):
    """A route of /client/v1: every request counts against its address, also one that is refused or replayed."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_counted(request: Request) -> Response:
            caller = await authenticate(request)
            counted = await _count(request, caller)
            headers = _headers(request, counted)
            try:
                if not counted.is_taken:
                    raise TooManyRequests(counted.seconds_left)
                response = await handle(request)
            except OverLimit as error:
                return error_answer(error, request.scope, headers | {"Retry-After": str(error.retry_seconds)})
            except AppError as error:
                if error.status >= 500:
                    raise
                return error_answer(error, request.scope, headers)
            response.headers.update(headers)
            return response

        return handle_counted


class ClientRouter(Router):
    """The router of everything under /client/v1."""

    def __init__(self, **options: Any) -> None:
        super().__init__(prefix="/client/v1", tags=["client side"], route_class=ClientRoute, **options)


class Lookups:
    """Codes that a request tries; `failed_count` of them turned out to be of no use."""

    def __init__(self) -> None:
        self.failed_count = 0


@asynccontextmanager
async def limited_lookups(
    request: Request, caller: Caller, codes_count: int, customer: Named | None
) -> AsyncIterator[Lookups]:
    """The block in which a request tries so many codes, and notes how many of them failed.

    All of them are taken from what the address, the key and the customer may try in vain before anything is looked at,
    and those that did not fail are given back: however many try at once, none learns more than it may.

    Raises TooManyFailedLookups.
    """
    lookups = Lookups()
    if not codes_count:
        yield lookups
        return
    began_at = time.monotonic()
    taken = await _take_lookups(request, caller, codes_count, customer)
    try:
        yield lookups
    finally:
        if codes_count > lookups.failed_count:
            await give_back(_database(request), caller.project_id, taken, codes_count - lookups.failed_count)
        if lookups.failed_count:
            await asyncio.sleep(QUANTUM_SECONDS - (time.monotonic() - began_at) % QUANTUM_SECONDS)


async def _take_lookups(request: Request, caller: Caller, codes_count: int, customer: Named | None) -> Taken:
    """Raises TooManyFailedLookups."""
    settings = _settings(request)
    limits = {
        f"failures:address:{_address(request)}": settings.client_failures_per_address,
        f"failures:key:{caller.api_key_id}": settings.client_failures_per_key,
    }
    taken = await take(
        _database(request),
        caller.project_id,
        limits,
        codes_count,
        settings.client_failures_seconds,
        customer=customer,
        per_customer=settings.client_failures_per_customer,
    )
    if not taken.is_taken:
        raise TooManyFailedLookups(taken.seconds_left)
    return taken


async def _count(request: Request, caller: Caller) -> Taken:
    """Count the request against its address."""
    settings, subject = _settings(request), f"requests:address:{_address(request)}"
    limits = {subject: settings.client_requests_per_address}
    return await take(_database(request), caller.project_id, limits, 1, settings.client_requests_seconds)


def _headers(request: Request, counted: Taken) -> dict[str, str]:
    """How many more requests there may be, and the second since 1970 from which on there may be all of them again."""
    limit, used = _settings(request).client_requests_per_address, counted.used[0] + counted.is_taken
    return {
        "X-Rate-Limit-Type": "api_calls",
        "X-Rate-Limit-Limit": str(limit),
        "X-Rate-Limit-Remaining": str(max(0, limit - used)),
        "X-Rate-Limit-Retry": str(math.ceil(counted.ends_at[0].timestamp())),
    }


def _address(request: Request) -> str:
    """The digest of the address; the HTTP server has put in that of `X-Forwarded-For` where it trusts the proxy."""
    return digest_of(network_of(request.client.host if request.client else None))


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _database(request: Request) -> Database:
    """The application's own database: a refusal must not undo the count, nor a retried write repeat it."""
    database: Database = request.app.state.database
    return database
