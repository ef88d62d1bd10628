"""Group commit: who is done together with whom, and that nobody pays for somebody else's failure."""

import asyncio
from collections.abc import Sequence

import pytest

from app.kit.grouping import MOST_TOGETHER, MOST_UNDER_WAY, Grouping


class Statements:
    """Doubles numbers, one group after the other, once `go` is set; refuses groups with a negative number."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.go = asyncio.Event()

    async def __call__(self, works: Sequence[int]) -> list[int]:
        self.groups.append(list(works))
        await self.go.wait()
        if any(work < 0 for work in works):
            raise ValueError(f"{works} cannot be done")
        return [2 * work for work in works]


async def started(grouping: Grouping, statements: Statements, works: Sequence[int]) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(grouping.done("doubling", work, statements)) for work in works]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def test_work_that_comes_to_an_idle_grouping_does_not_wait() -> None:
    grouping, statements = Grouping(), Statements()
    statements.go.set()

    assert await grouping.done("doubling", 21, statements) == 42
    assert statements.groups == [[21]]


async def test_work_that_comes_while_others_are_under_way_is_done_together_and_everybody_gets_his_own() -> None:
    grouping, statements = Grouping(), Statements()
    tasks = await started(grouping, statements, [1])
    tasks += await started(grouping, statements, [2])
    tasks += await started(grouping, statements, range(3, 10))

    statements.go.set()

    assert await asyncio.gather(*tasks) == [2 * work for work in range(1, 10)]
    assert statements.groups == [[1], [2], [3, 4, 5, 6, 7, 8, 9]]


async def test_no_more_than_two_groups_are_under_way_and_none_is_larger_than_allowed() -> None:
    grouping, statements = Grouping(), Statements()
    tasks = []
    for work in range(MOST_UNDER_WAY):
        tasks += await started(grouping, statements, [work])
    tasks += await started(grouping, statements, range(3 * MOST_TOGETHER))
    assert len(statements.groups) == MOST_UNDER_WAY

    statements.go.set()
    await asyncio.gather(*tasks)

    assert [len(group) for group in statements.groups[MOST_UNDER_WAY:]] == [MOST_TOGETHER] * 3


async def test_a_group_that_fails_is_done_each_by_itself_and_only_the_guilty_fails() -> None:
    grouping, statements = Grouping(), Statements()
    statements.go.set()
    tasks = [asyncio.create_task(grouping.done("doubling", work, statements)) for work in (1, 2, 3, -4, 5)]

    done = await asyncio.gather(*tasks, return_exceptions=True)

    assert [result for result in done if not isinstance(result, BaseException)] == [2, 4, 6, 10]
    assert isinstance(done[3], ValueError)
    assert [-4] in statements.groups


async def test_after_a_failed_group_nobody_waits_for_the_one_that_is_slow_by_itself() -> None:
    grouping, slow_may_end = Grouping(), asyncio.Event()

    async def write(works: Sequence[int]) -> list[int]:
        if len(works) > 1:
            raise TimeoutError
        if works == [-1]:
            await slow_may_end.wait()
        return list(works)

    tasks = [asyncio.create_task(grouping.done("slow", work, write)) for work in (0, -1, 1, 2)]

    async with asyncio.timeout(5):
        assert [await tasks[place] for place in (0, 2, 3)] == [0, 1, 2]
    assert not tasks[1].done()
    slow_may_end.set()
    assert await tasks[1] == -1


async def test_other_kinds_are_never_in_the_same_group() -> None:
    grouping, statements = Grouping(), Statements()
    tasks = await started(grouping, statements, [1, 2, 3])
    other = Statements()
    tasks += [asyncio.create_task(grouping.done("other", work, other)) for work in (1, 2, 3)]
    statements.go.set()
    other.go.set()

    await asyncio.gather(*tasks)

    for groups in (statements.groups, other.groups):
        assert sorted(work for group in groups for work in group) == [1, 2, 3]


async def test_who_stops_waiting_before_the_work_has_begun_takes_it_back() -> None:
    grouping, statements = Grouping(), Statements()
    tasks = []
    for work in range(MOST_UNDER_WAY):
        tasks += await started(grouping, statements, [work])
    (leaving,) = await started(grouping, statements, [100])
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving

    statements.go.set()
    await asyncio.gather(*tasks)
    await asyncio.sleep(0)

    assert [100] not in statements.groups


async def test_nothing_is_kept_of_kinds_that_are_done() -> None:
    grouping, statements = Grouping(), Statements()
    statements.go.set()

    await asyncio.gather(*(grouping.done(number, number, statements) for number in range(50)))
    await asyncio.sleep(0)

    assert not grouping._waiting
    assert not grouping._under_way
