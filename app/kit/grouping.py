"""Group commit: work that arrives while work of its kind is under way is done together, in one statement."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, Final

MOST_UNDER_WAY: Final = 2
"""Statements of one kind at a time. With a second one the next group is on its way while the first commits; more would
only wait for the same rows, and make the groups smaller."""
MOST_TOGETHER: Final = 32

Together = Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]
"""Does all of the given works or none: gives what came of each, in their sequence, or raises."""
Waiting = tuple[Any, asyncio.Future[Any]]


class Grouping:
    """The works that wait, by kind.

    There is no timer: what comes first goes at once, and groups are as large as the load makes them. Who stops waiting
    before their work has begun takes it back.
    """

    def __init__(self) -> None:
        self._waiting: dict[Hashable, deque[Waiting]] = {}
        self._under_way: dict[Hashable, set[asyncio.Task[None]]] = {}

    async def done(self, kind: Hashable, work: Any, together: Together) -> Any:
        """What came of `work`, done by `together` with others of its kind, or what it raised.

        A group that fails is done again, each work by itself and all at once: nobody fails for somebody else's work,
        nor waits for it. `together` must therefore refuse a work that is done already.
        """
        outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(kind, deque()).append((work, outcome))
        under_way = self._under_way.setdefault(kind, set())
        if len(under_way) < MOST_UNDER_WAY:
            under_way.add(asyncio.create_task(self._work_off(kind, together)))
        return await outcome

    async def _work_off(self, kind: Hashable, together: Together) -> None:
        waiting, under_way = self._waiting[kind], self._under_way[kind]
        while waiting:
            taken = [waiting.popleft() for _ in range(min(len(waiting), MOST_TOGETHER))]
            if group := [each for each in taken if not each[1].done()]:
                await _settle(group, together)
        under_way.discard(asyncio.current_task())
        if not under_way:
            del self._waiting[kind], self._under_way[kind]


async def _settle(group: Sequence[Waiting], together: Together) -> None:
    """Do it, and tell everybody in the group what came of theirs."""
    try:
        results = await together([work for work, _ in group])
    except Exception as failure:
        if len(group) > 1:
            await asyncio.gather(*(_settle([each], together) for each in group if not each[1].done()))
        elif not group[0][1].done():
            group[0][1].set_exception(failure)
        return
    for (_, outcome), result in zip(group, results, strict=True):
        if not outcome.done():
            outcome.set_result(result)
