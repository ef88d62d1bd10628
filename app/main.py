"""The HTTP application: routers, error answers, and what lives as long as the process."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from app import __version__
from app.access.authentication import Keyring, claimant_of
from app.kit.db import Database
from app.kit.failures import answer_failures
from app.settings import Settings

ROUTERS: tuple[APIRouter, ...] = ()
"""Every router of the service; the busiest first, because routes are tried in this order."""


class RequestIds:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["request_id"] = f"v-{os.urandom(9).hex()}"
        await self.app(scope, receive, send)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application on the database of `settings`; without them, those of the environment."""
    settings = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        assert settings.database_url is not None, "the launcher sets the URL of the embedded database"
        app.state.database = Database(
            settings.database_url,
            pool_size=settings.pool_size,
            statement_seconds=settings.statement_seconds,
            lock_seconds=settings.lock_seconds,
            pool_seconds=settings.pool_seconds,
        )
        yield
        await app.state.database.close()

    app = FastAPI(title="Guerdon", version=__version__, lifespan=lifespan, redirect_slashes=False)
    app.state.settings = settings
    app.state.keyring = Keyring()
    app.state.claimant_of = claimant_of
    app.add_middleware(RequestIds)
    answer_failures(app)
    for router in ROUTERS:
        app.include_router(router)
    return app
