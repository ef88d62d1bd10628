"""HTTP for every room: the database of a request, and routes that read JSON the contract's way."""

from typing import Annotated

from fastapi import Depends, Request

from app.kit.db import Database


async def database_of(request: Request) -> Database:
    """The database this request works on; with an Idempotency-Key, one that joins the transaction of the key."""
    joined: Database | None = getattr(request.state, "database", None)
    return joined if joined is not None else request.app.state.database


Db = Annotated[Database, Depends(database_of)]
