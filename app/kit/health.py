"""For operators: is the process alive, can it serve, and what is it doing."""

import asyncio
from typing import Literal

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse
from sqlalchemy import select

from app.kit.errors import AppError
from app.kit.http import Db, Router
from app.kit.metrics import exposition
from app.kit.migrations import pending_migrations
from app.kit.wire import WireOut

PROBE_SECONDS = 3

router = Router(tags=["operations"])


class NotReady(AppError):
    """503: the process lives but cannot serve: the database is away or its schema is behind."""

    status = 503
    message = "Not ready"


class Health(WireOut):
    status: Literal["ok"] = "ok"


@router.get("/healthz")
async def check_health() -> Health:
    """Whether the process answers. Restart it when it does not."""
    return Health()


@router.get("/readyz")
async def check_readiness(request: Request, db: Db) -> Health:
    """Whether requests can be served: the database answers and its schema is that of this version.

    Raises NotReady.
    """
    state = request.app.state
    try:
        async with asyncio.timeout(PROBE_SECONDS), db.read() as session:
            await session.execute(select(1))
    except Exception as problem:
        raise NotReady(f"The database does not answer: {type(problem).__name__}.") from problem
    if not getattr(state, "is_migrated", False):
        missing = await pending_migrations(state.settings.database_url)
        if missing:
            raise NotReady(f"The schema lacks {len(missing)} migrations; run `guerdon migrate`.")
        state.is_migrated = True  # a schema only moves forward, so the costly look is needed once
    return Health()


@router.get("/metrics", response_class=PlainTextResponse)
async def read_metrics() -> Response:
    """Counts and durations in Prometheus' text format."""
    text, content_type = exposition()
    return Response(text, media_type=content_type)
