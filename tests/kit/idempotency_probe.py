"""Routes whose effect can be counted, behind the real application; run as a program it is a server that dies."""

import asyncio
import os
import sys
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Response

from app.access.authentication import requires
from app.access.callers import Caller
from app.kit.errors import AppError, Busy
from app.kit.http import Db, Router
from app.kit.idempotency import kept_for_good
from app.kit.outbox import announce
from app.kit.wire import WireIn
from app.main import create_app
from app.settings import Settings

Writer = Annotated[Caller, requires("vouchers:write")]


class Effect(WireIn):
    """`name` is announced in the outbox; then the request ends as `end` says."""

    name: str = "once"
    end: str = "well"
    seconds: float = 0


class Refused(AppError):
    """400: the effect was recorded, and then refused."""

    key = "refused_on_purpose"


class Banned(AppError):
    """403: refused for a reason that may pass."""

    status = 403
    key = "forbidden"


def probe_router() -> Router:
    router = Router()

    @router.post("/v1/effects")
    @router.post("/v1/other-effects")
    @router.put("/v1/effects/{name}")
    async def make_effect(db: Db, caller: Writer, body: Effect, name: str = "") -> dict[str, str]:
        return await _make_effect(db, caller, body)

    @router.post("/v1/lasting-effects")
    @kept_for_good
    async def make_lasting_effect(db: Db, caller: Writer, body: Effect) -> dict[str, str]:
        return await _make_effect(db, caller, body)

    @router.delete("/v1/effects/{name}", status_code=204)
    async def delete_effect(db: Db, caller: Writer, name: str) -> None:
        await _make_effect(db, caller, Effect(name=name))

    @router.post("/v1/secrets")
    async def make_secret(db: Db, caller: Writer, body: Effect, response: Response) -> dict[str, str]:
        response.headers["Cache-Control"] = "no-store"
        return {**await _make_effect(db, caller, body), "secret": "s3cret"}

    return router


async def _make_effect(db: Db, caller: Caller, body: Effect) -> dict[str, str]:
    async with db.write() as session:
        announce(session, caller.project_id, "probe.effect", body.name, {})
    await asyncio.sleep(body.seconds)
    if body.end == "refused":
        raise Refused("Refused on purpose.")
    if body.end == "banned":
        raise Banned("Not now.")
    if body.end == "busy":
        raise Busy("Too much to do.")
    if body.end == "bug":
        raise RuntimeError("a bug")
    if body.end == "death":
        os._exit(9)
    return {"name": body.name, "request_id": caller.request_id}


def probed_app(database_url: str) -> FastAPI:
    application = create_app(Settings(database_url=database_url, log_level="error"))
    application.router.routes.extend(probe_router().routes)
    return application


if __name__ == "__main__":
    uvicorn.run(probed_app(sys.argv[1]), port=int(sys.argv[2]), log_level="warning")
