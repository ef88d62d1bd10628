"""Writes that can be retried: the key, the request's fingerprint and the answer commit with the effect.

A write with an `Idempotency-Key` header runs in one transaction: the key is locked, the handler works on a database
that joins that transaction, its answer is stored, and only after the commit does the answer leave. A process that dies
in between leaves nothing behind, so the retry does the work. Services know nothing of this.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeAlias, TypeVar

from fastapi import Request, Response
from sqlalchemy import CursorResult, Index, Integer, delete, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kit import clock
from app.kit.db import Database, JoinedDatabase
from app.kit.errors import AppError
from app.kit.failures import error_answer, path_as_sent
from app.kit.plain_route import PlainRoute
from app.kit.tables import Base, Id

HEADER = "Idempotency-Key"
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
KEPT_FOR = timedelta(days=7)
KEY_PATTERN = r"^[\x21-\x7e]{1,255}$"
_NEVER_KEPT = frozenset({401, 403, 429})
"""Refusals that say nothing about the request itself; the same request may do better later."""

Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]
ClaimantOf: TypeAlias = Callable[[Request], Awaitable[tuple[int, str]]]
"""Authenticates: the project and the credential that a key counts for. The application sets `app.state.claimant_of`."""

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class IdempotencyRecord(Base):
    """The answer given to one key of one credential on one route. Without `expires_at` it is kept for good.

    Without a body the answer held a secret, which is shown once and kept nowhere.
    """

    __tablename__ = "idempotency_records"
    __table_args__ = (Index(None, "project_id", "expires_at"),)

    project_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    credential: Mapped[Id] = mapped_column(primary_key=True)
    route: Mapped[Id] = mapped_column(primary_key=True)
    key: Mapped[Id] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    status: Mapped[int]
    media_type: Mapped[str | None]
    body: Mapped[bytes | None]
    expires_at: Mapped[datetime | None]


class InvalidIdempotencyKey(AppError):
    """400: an Idempotency-Key is 1 to 255 visible ASCII characters."""

    key = "invalid_idempotency_key"
    message = "Invalid Idempotency-Key"


class IdempotencyKeyInUse(AppError):
    """409: a request with this key is still running; its answer can be had a moment later."""

    status = 409
    key = "idempotency_key_in_use"
    message = "A request with this Idempotency-Key is still running"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


class IdempotencyKeyReused(AppError):
    """422: the key was used for another request before. A new request needs a new key."""

    status = 422
    key = "idempotency_key_reused"
    message = "This Idempotency-Key was used for another request"


class AnswerNotKept(AppError):
    """409: the request was carried out; its answer held a secret, which is shown only once."""

    status = 409
    key = "idempotency_answer_not_kept"
    message = "This request was carried out before, and its answer held a secret that is shown only once"


@dataclass(frozen=True, slots=True)
class Claim:
    """A key and what it counts for."""

    project_id: int
    credential: str
    route: str
    key: str

    def lock_number(self) -> int:
        text = f"{self.project_id}\0{self.credential}\0{self.route}\0{self.key}"
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), signed=True)


def kept_for_good(endpoint: Endpoint) -> Endpoint:
    """Mark an endpoint whose answers are kept as long as what it made: redemptions and their rollbacks.

    Goes under the route's decorator, next to the function.
    """
    endpoint.answers_kept_for_good = True  # type: ignore[attr-defined]
    return endpoint


class IdempotentRoute(PlainRoute):
    """A route whose writes honour `Idempotency-Key`; without the header nothing changes."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        methods = self.methods or set()
        if not methods & WRITES:
            return handle
        route = f"{'|'.join(sorted(methods))} {self.path_format}"
        kept_for = None if getattr(self.endpoint, "answers_kept_for_good", False) else KEPT_FOR

        async def handle_once(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if key is None:
                return await handle(request)
            if not re.fullmatch(KEY_PATTERN, key):
                raise InvalidIdempotencyKey("An Idempotency-Key is 1 to 255 visible ASCII characters.")
            claimant_of: ClaimantOf = request.app.state.claimant_of
            project_id, credential = await claimant_of(request)
            return await _answer_once(request, handle, Claim(project_id, credential, route, key), kept_for)

        return handle_once


async def delete_expired(session: AsyncSession, project_id: int, now: datetime, *, at_most: int = 1000) -> int:
    """Forget answers of one project whose time is over; fewer than `at_most` forgotten means none is left."""
    record = IdempotencyRecord
    primary_key = tuple_(record.project_id, record.credential, record.route, record.key)
    expired = select(record.project_id, record.credential, record.route, record.key)
    expired = expired.where(record.project_id == project_id, record.expires_at <= now).limit(at_most)
    statement = delete(record).where(record.project_id == project_id, primary_key.in_(expired))
    result = await session.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    return result.rowcount


async def _answer_once(request: Request, handle: Handler, claim: Claim, kept_for: timedelta | None) -> Response:
    """The answer of the first request with this key, made now or replayed.

    Raises IdempotencyKeyInUse, IdempotencyKeyReused, AnswerNotKept, and what the handler raises and is not kept.
    """
    fingerprint = await _fingerprint_of(request)
    database: Database = request.app.state.database
    async with database.write() as session:
        await _lock(session, claim)
        now = clock.now()
        known = await _find(session, claim, now)
        if known is not None:
            return _replay(known, fingerprint)
        request.state.database = JoinedDatabase(session)
        try:
            response = await handle(request)
        except AppError as error:
            if not _is_kept(error.status):
                raise
            response = error_answer(error, request.scope)
        if _is_kept(response.status_code):
            await _store(session, claim, fingerprint, response, now + kept_for if kept_for else None)
        else:
            await session.rollback()
    return response


async def _fingerprint_of(request: Request) -> bytes:
    head = f"{request.method}\0{path_as_sent(request.scope)}\0".encode() + request.scope["query_string"] + b"\0"
    return hashlib.sha256(head + await request.body()).digest()


async def _lock(session: AsyncSession, claim: Claim) -> None:
    """Hold the claim to the end of the transaction.

    A statement of its own: the next one then sees what a former holder committed, which one that began before the lock
    was free would not.

    Raises IdempotencyKeyInUse.
    """
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(claim.lock_number()))):
        raise IdempotencyKeyInUse


async def _find(session: AsyncSession, claim: Claim, now: datetime) -> IdempotencyRecord | None:
    record = IdempotencyRecord
    found: IdempotencyRecord | None = await session.scalar(
        select(record).where(
            record.project_id == claim.project_id,
            record.credential == claim.credential,
            record.route == claim.route,
            record.key == claim.key,
            or_(record.expires_at.is_(None), record.expires_at > now),
        )
    )
    return found


def _replay(known: IdempotencyRecord, fingerprint: bytes) -> Response:
    """Raises IdempotencyKeyReused, AnswerNotKept."""
    if known.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    if known.body is None:
        raise AnswerNotKept
    return Response(known.body, known.status, {"Idempotent-Replayed": "true"}, known.media_type)


def _is_kept(status: int) -> bool:
    return status < 500 and status not in _NEVER_KEPT


async def _store(
    session: AsyncSession, claim: Claim, fingerprint: bytes, response: Response, expires_at: datetime | None
) -> None:
    """Keep the answer; only an expired record can be in the way, since the claim is locked."""
    answer = {
        "fingerprint": fingerprint,
        "status": response.status_code,
        "media_type": response.headers.get("content-type"),
        "body": None if "no-store" in response.headers.get("cache-control", "") else bytes(response.body),
        "expires_at": expires_at,
    }
    place = {
        "project_id": claim.project_id,
        "credential": claim.credential,
        "route": claim.route,
        "key": claim.key,
    }
    statement = insert(IdempotencyRecord).values({**place, **answer})
    await session.execute(statement.on_conflict_do_update(index_elements=list(place), set_=answer))
