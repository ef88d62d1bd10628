"""Routes of dead letters."""

from typing import Annotated

from fastapi import Path, Query

from app.access.authentication import requires
from app.access.callers import Caller
from app.distribution.dead_letters import service
from app.distribution.dead_letters.schemas import DeadLetterList, DeadLetterQuery, Replayed
from app.kit.http import Db, Router

router = Router(prefix="/x/v1/dead-letters", tags=["dead letters"])
Reader = Annotated[Caller, requires("dead_letters:read")]
Writer = Annotated[Caller, requires("dead_letters:write")]


@router.get("")
async def list_dead_letters(db: Db, caller: Reader, query: Annotated[DeadLetterQuery, Query()]) -> DeadLetterList:
    """List what should have followed from events and failed for good; the newest event first.

    The worker tries ten times, over some minutes. What happened to the same object later does not wait any longer than
    that. `lag_seconds` tells whether the worker keeps up.
    """
    return await service.search(db, caller, query)


@router.post("/{deadLetterId}/replay", status_code=202)
async def replay_dead_letter(db: Db, caller: Writer, letter_id: Annotated[str, Path(alias="deadLetterId")]) -> Replayed:
    """Try it again, once the reason for its failing is mended.

    It is done at most once, like everything that follows from events: what has failed has left nothing.
    """
    return await service.replay(db, caller, letter_id)
