"""What can be done with dead letters."""

import re

from app.access.audit import record
from app.access.callers import Caller
from app.distribution.dead_letters.repository import DeadLetterRepository, LetterKey
from app.distribution.dead_letters.schemas import (
    DeadLetterList,
    DeadLetterQuery,
    DeadLetterRead,
    EventOfLetter,
    Replayed,
)
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import InvalidQuery, NotFound
from app.kit.outbox import OutboxDelivery, OutboxEvent

RESOURCE = "dead_letter"
_ID = re.compile(r"dl_([0-9]{1,18})_([a-z0-9_.]{1,100})")


async def search(db: Database, caller: Caller, query: DeadLetterQuery) -> DeadLetterList:
    """Raises InvalidQuery."""
    before = None
    if query.starting_after_id is not None:
        before = key_of(query.starting_after_id)
        if before is None:
            raise InvalidQuery("starting_after_id", "This is not the id of a dead letter.")
    async with db.read() as session:
        letters = DeadLetterRepository(session, caller.project_id)
        rows = await letters.page(before=before, follower=query.follower, limit=query.limit + 1)
        total = await letters.count(query.follower)
        since = await letters.waiting_since()
    shown = [_read(delivery, event) for delivery, event in rows[: query.limit]]
    has_more = len(rows) > query.limit
    return DeadLetterList(
        data=shown,
        total=total,
        has_more=has_more,
        more_starting_after=shown[-1].id if has_more else None,
        lag_seconds=0.0 if since is None else max(0.0, (clock.now() - since).total_seconds()),
    )


async def replay(db: Database, caller: Caller, letter_id: str) -> Replayed:
    """Have the worker try it again, with all its attempts. Raises NotFound."""
    key = key_of(letter_id)
    async with db.write() as session:
        if key is None or not await DeadLetterRepository(session, caller.project_id).revive(key):
            raise NotFound(RESOURCE, letter_id)
        record(session, caller, f"{RESOURCE}.replayed", RESOURCE, letter_id)
    return Replayed(id=letter_id)


def key_of(letter_id: str) -> LetterKey | None:
    """What an id such as `dl_812_earning` names; None for what is no such id."""
    match = _ID.fullmatch(letter_id)
    return match and LetterKey(int(match[1]), match[2])


def _read(delivery: OutboxDelivery, event: OutboxEvent) -> DeadLetterRead:
    assert delivery.died_at is not None, "only dead letters are asked for"
    return DeadLetterRead(
        id=f"dl_{delivery.event_id}_{delivery.follower}",
        follower=delivery.follower,
        event=EventOfLetter(id=str(event.id), type=event.type, entity_id=event.entity_id, created_at=event.created_at),
        attempts=delivery.attempts,
        error=delivery.last_error or "",
        died_at=delivery.died_at,
    )
