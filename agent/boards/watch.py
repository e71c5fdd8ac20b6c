"""Watches the sources of ports and hands over the whole list whenever it changed."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.boards.sighting import Sighting
    from agent.errors import MooringError

LOOK_GAP_S: Final = 0.1
"""Least time between two looks: 32 boards on one hub cause some hundred events within a second."""
RETRY_S: Final = 0.2
"""After a look that failed because a device left meanwhile."""
RETRIES: Final = 5
"""Failed looks in a row that are repeated so soon; then the normal pace returns."""

_log = logging.getLogger(__name__)


class PortSource(Protocol):
    """Somewhere ports are found."""

    @property
    def in_thread(self) -> bool:
        """A look takes long enough to keep the event loop from its other work."""

    @property
    def poll_s(self) -> float:
        """Seconds between two looks when no event comes."""

    def start(self, wake: Callable[[], None]) -> None:
        """Begin to call ``wake`` in the event loop when ports may have changed."""

    def look(self) -> list[Sighting]:
        """All ports now; :class:`OSError` if the look has to be repeated."""

    def close(self) -> None:
        """Stop; may be called more than once."""


@runtime_checkable
class LoaderSource(Protocol):
    """A source whose looks cost something: it looks often only while a loader is expected."""

    expecting: bool


class AirSource(PortSource, Protocol):
    """A source that finds ports only while somebody looks."""

    @property
    def problem(self) -> MooringError | None:
        """Why nothing is heard although somebody looks; None: it listens, or nobody looks."""

    def attend(self) -> Callable[[], None]:
        """Somebody looks from now on; the result, called once or more often, ends that."""


class PortWatcher:
    """Keeps one task per source. ``on_ports`` gets the complete list, in the event loop."""

    def __init__(
        self, sources: Sequence[PortSource], on_ports: Callable[[Sequence[Sighting]], None]
    ) -> None:
        self._watched = [_Watched(source, self._changed) for source in sources]
        self._on_ports = on_ports
        self._tasks: list[asyncio.Task[None]] = []
        self._reporting = False

    async def start(self) -> None:
        """Take the first look at all sources, report it once, and keep watching."""
        for watched in self._watched:
            watched.listen()
        await self.refresh()
        self._reporting = True
        self._changed()
        self._tasks = [asyncio.create_task(watched.run()) for watched in self._watched]
        for task in self._tasks:
            task.add_done_callback(_report_defect)

    async def refresh(self) -> None:
        """Look at all sources now; changes are reported before this returns."""
        await asyncio.gather(*(watched.look() for watched in self._watched))

    def expect_loader(self, expecting: bool) -> None:
        """Somebody waits for a bootloader, or nobody does any more."""
        for watched in self._watched:
            watched.expect_loader(expecting)

    async def close(self) -> None:
        """Stop watching; may be called more than once."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        for watched in self._watched:
            watched.source.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _changed(self) -> None:
        if self._reporting:
            self._on_ports([sighting for watched in self._watched for sighting in watched.latest])


class _Watched:
    """One source and what it showed last."""

    def __init__(self, source: PortSource, on_change: Callable[[], None]) -> None:
        self.source = source
        self.latest: list[Sighting] = []
        self._on_change = on_change
        self._woken = asyncio.Event()
        self._looking = asyncio.Lock()
        self._failures = 0

    def listen(self) -> None:
        self.source.start(self._woken.set)

    def expect_loader(self, expecting: bool) -> None:
        if isinstance(self.source, LoaderSource) and self.source.expecting is not expecting:
            self.source.expecting = expecting
            self._woken.set()

    async def run(self) -> None:
        while True:
            woken = await self._wait()
            await self.look()
            if woken:
                await asyncio.sleep(LOOK_GAP_S)

    async def _wait(self) -> bool:
        """Until an event came (true) or the pause is over."""
        try:
            async with asyncio.timeout(self._pause_s()):
                await self._woken.wait()
        except TimeoutError:
            return False
        return True

    async def look(self) -> None:
        async with self._looking:
            self._woken.clear()
            try:
                found = (
                    await asyncio.to_thread(self.source.look)
                    if self.source.in_thread
                    else self.source.look()
                )
            except OSError as error:
                self._failures += 1
                _log.debug("the ports could not be listed: %s", error)
                return
            self._failures = 0
            if found != self.latest:
                self.latest = found
                self._on_change()

    def _pause_s(self) -> float:
        return RETRY_S if 0 < self._failures <= RETRIES else self.source.poll_s


def _report_defect(task: asyncio.Task[None]) -> None:
    """A source that raised what it must not would else end its watch in silence."""
    if not task.cancelled() and (error := task.exception()):
        _log.error("ports are no longer watched", exc_info=error)
