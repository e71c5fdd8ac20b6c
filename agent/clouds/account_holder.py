"""The account of a cloud in use: read once, replaced as a whole, each client of it closed once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

T = TypeVar("T")


async def _nothing_open(_: Any) -> None:  # noqa: ANN401 - for accounts of any kind
    """There is nothing to be closed."""


class AccountHolder(Generic[T]):
    """What is stored and what is used are the same account, whatever fails or is cancelled.

    ``T`` is what is made of an account to be used: its client.
    """

    def __init__(
        self,
        load: Callable[[], Awaitable[T | None]],
        release: Callable[[T], Awaitable[None]] = _nothing_open,
    ) -> None:
        """``load`` opens what is stored; None: nobody is signed in. ``release`` closes it."""
        self._load = load
        self._release = release
        self._lock = asyncio.Lock()
        self.used: T | None = None
        """As far as it was read."""
        self._working: set[asyncio.Task[None]] = set()

    async def get(self) -> T | None:
        """What is used, read from where it is stored if it was not yet; None: nobody is signed in."""
        async with self._lock:
            if self.used is None:
                self.used = await self._load()
            return self.used

    async def replace(
        self,
        new: T,
        store: Callable[[], Awaitable[None]],
        check: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Check the new account, store it, then use it, and close the old one last.

        What fails leaves the old one stored and used, and closes the new one. Cancelled in the
        check, nothing was stored; later, it comes to its end all the same.
        """
        try:
            if check is not None:
                await check()
        except BaseException:
            await self._through(self._release_it(new))
            raise
        await self._through(self._swap(new, store))

    async def forget(self, delete: Callable[[], Awaitable[None]]) -> None:
        """Delete what is stored. If that fails, what is stored then is read again and used."""
        await self._through(self._drop(delete))

    async def update(self, used: T, store: Callable[[], Awaitable[None]]) -> None:
        """Store what has changed in the account in use; nothing, if ``used`` is not that (any more)."""
        async with self._lock:
            if self.used is used:
                await store()

    async def close(self) -> None:
        """Release connections; what is being stored is given up."""
        for task in list(self._working):
            task.cancel()
        if self._working:
            await asyncio.wait(list(self._working))
        if self.used is not None:
            await self._release(self.used)

    async def _swap(self, new: T, store: Callable[[], Awaitable[None]]) -> None:
        try:
            async with self._lock:
                await store()
                before, self.used = self.used, new
        except BaseException:
            await self._release(new)
            raise
        if before is not None:
            await self._release(before)

    async def _drop(self, delete: Callable[[], Awaitable[None]]) -> None:
        before: T | None = None
        try:
            async with self._lock:
                before, self.used = self.used, None
                await delete()
        finally:
            if before is not None:
                await self._release(before)

    async def _release_it(self, one: T) -> None:
        await self._release(one)

    async def _through(self, work: Coroutine[Any, Any, None]) -> None:
        """It comes to its end even if the caller is cancelled, who does not wait for it then."""
        task = asyncio.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._ended)
        await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        if not task.cancelled():
            # A caller that was cancelled does not look at it.
            task.exception()
