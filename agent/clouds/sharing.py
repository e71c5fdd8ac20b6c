"""Calls that many callers need at once: one goes out, all get its answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from agent.clouds.clock import Clock

T = TypeVar("T")


class SharedCall(Generic[T]):
    """Answers many callers with few calls, and none with an answer older than its question.

    Callers that come while a call is under way share the one that follows it; so thirty-two
    boards that look at the same list cost at most two requests at a time.
    """

    def __init__(self, fetch: Callable[[], Coroutine[None, None, T]]) -> None:
        self._fetch = fetch
        self._current: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """The answer of a call that began after this one; a cancelled caller stops nobody else."""
        if self._next is not None:
            task = self._next
        elif self._current is None or self._current.done():
            task = self._current = self._start(self._fetch())
        else:
            task = self._next = self._start(self._follow(self._current))
        return await asyncio.shield(task)

    def cancel(self) -> None:
        """Stop what is under way."""
        for task in (self._current, self._next):
            if task is not None:
                task.cancel()
        self._current = self._next = None

    async def _follow(self, earlier: asyncio.Task[T]) -> T:
        await asyncio.wait([earlier])
        self._current, self._next = self._next, None
        return await self._fetch()

    def _start(self, call: Coroutine[None, None, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(call)
        task.add_done_callback(_look_at)
        return task


class Cached(Generic[T]):
    """One answer kept for a while; callers that come while it is fetched wait for it."""

    def __init__(self, fetch: Callable[[], Awaitable[tuple[T, float]]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = asyncio.Lock()
        self._kept: tuple[T, float] | None = None

    async def get(self) -> T:
        """The kept answer, or a new one; ``fetch`` also says for how many seconds it is good."""
        async with self._lock:
            if self._kept is None or self._clock.monotonic() >= self._kept[1]:
                asked_at = self._clock.monotonic()
                answer, good_for_s = await self._fetch()
                self._kept = (answer, asked_at + good_for_s)
            return self._kept[0]

    @property
    def kept(self) -> T | None:
        """What would be answered without fetching, if it is still good."""
        return self._kept[0] if self._kept is not None else None

    def drop(self, answer: T) -> None:
        """Forget ``answer`` if it is still the one that is kept."""
        if self._kept is not None and self._kept[0] is answer:
            self._kept = None


def _look_at(task: asyncio.Task[T]) -> None:
    """Every caller may have gone: nobody else would look at the error."""
    if not task.cancelled():
        task.exception()
