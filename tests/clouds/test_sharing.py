"""Calls that many callers share."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.clouds.sharing import Cached, SharedCall

if TYPE_CHECKING:
    from tests.clouds.manual_clock import ManualClock


class Counter:
    """Answers with the number of the call, when it is let."""

    def __init__(self) -> None:
        self.calls = 0
        self.gate = asyncio.Event()
        self.error: Exception | None = None

    async def fetch(self) -> int:
        self.calls += 1
        mine = self.calls
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return mine


async def started(task: asyncio.Task[int]) -> asyncio.Task[int]:
    """The task, after it has run as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)
    return task


async def test_callers_during_a_call_share_the_one_that_follows() -> None:
    source = Counter()
    shared = SharedCall(source.fetch)
    first = await started(asyncio.create_task(shared.get()))
    later = [await started(asyncio.create_task(shared.get())) for _ in range(30)]
    source.gate.set()
    assert await first == 1
    assert set(await asyncio.gather(*later)) == {2}
    assert await shared.get() == 3


async def test_a_caller_that_gives_up_stops_nobody_else() -> None:
    source = Counter()
    shared = SharedCall(source.fetch)
    first = await started(asyncio.create_task(shared.get()))
    second = await started(asyncio.create_task(shared.get()))
    third = await started(asyncio.create_task(shared.get()))
    for task in (first, second):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    source.gate.set()
    assert await third == 2


async def test_an_error_reaches_everybody_and_the_next_call_is_a_new_one() -> None:
    source = Counter()
    source.error = ValueError("once")
    source.gate.set()
    shared = SharedCall(source.fetch)
    results = await asyncio.gather(*(shared.get() for _ in range(3)), return_exceptions=True)
    assert all(isinstance(result, ValueError) for result in results)
    source.error = None
    assert await shared.get() == source.calls


async def test_cancelled_work_ends_and_a_later_question_is_asked_anew() -> None:
    source = Counter()
    shared = SharedCall(source.fetch)
    tasks = [await started(asyncio.create_task(shared.get())) for _ in range(2)]
    shared.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    source.gate.set()
    assert await shared.get() == 2


async def test_an_answer_is_kept_as_long_as_it_is_good(clock: ManualClock) -> None:
    answers = iter(["one", "two"])

    async def fetch() -> tuple[str, float]:
        await asyncio.sleep(0)
        return next(answers), 10.0

    cached = Cached(fetch, clock)
    assert set(await asyncio.gather(*(cached.get() for _ in range(5)))) == {"one"}
    clock.now += 9.9
    assert await cached.get() == "one"
    clock.now += 0.2
    assert await cached.get() == "two"


async def test_only_the_answer_that_was_found_stale_is_dropped(clock: ManualClock) -> None:
    answers = iter([["one"], ["two"], ["three"]])

    async def fetch() -> tuple[list[str], float]:
        await asyncio.sleep(0)
        return next(answers), 10.0

    cached = Cached(fetch, clock)
    stale = await cached.get()
    cached.drop(stale)
    fresh = await cached.get()
    cached.drop(stale)  # a second caller that was refused with the old one
    assert await cached.get() is fresh
    assert cached.kept is fresh
