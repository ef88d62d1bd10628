"""Deciding again when the world moved between reading and writing."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import Request

from app.access.authentication import caller_again
from app.access.callers import Caller
from app.kit.errors import Busy
from app.ledger.errors import Outdated, RanOut

MOST_ATTEMPTS = 8
Answer = TypeVar("Answer")


async def decide(
    request: Request, caller: Caller, permission: str, attempt: Callable[[Caller], Awaitable[Answer]]
) -> Answer:
    """Run `attempt` until what it read is still true when it writes.

    An attempt that loses the last use to somebody else, or meets a changed configuration, has written nothing: it
    reads again, and then either succeeds or is refused for a reason it can name. A key revoked in between is refused.

    Raises Busy after eight attempts, which takes a project whose configuration never rests.
    """
    for _ in range(MOST_ATTEMPTS):
        try:
            return await attempt(caller)
        except RanOut:
            continue
        except Outdated:
            caller = await caller_again(request, permission)
    raise Busy
