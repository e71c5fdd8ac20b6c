"""Watches the sources of ports and hands over the whole list whenever it changed."""

from __future__ import annotations

import asyncio
import logging
import math
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
        """Seconds between two looks when no event comes; infinite: nothing to find until then."""

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

    def switched_off(self, address: str) -> None:
        """The board at this address is not there until it is heard again."""


class PortWatcher:
    """Keeps a task per source, as long as there is something to watch.

    ``on_ports`` gets the complete list, in the event loop.
    """

    def __init__(
        self, sources: Sequence[PortSource], on_ports: Callable[[Sequence[Sighting]], None]
    ) -> None:
        self._watched = [_Watched(source, self._changed) for source in sources]
        self._on_ports = on_ports
        self._reporting = False

    async def start(self) -> None:
        """Take the first look at all sources, report it once, and keep watching."""
        for watched in self._watched:
            watched.listen()
        await self.refresh()
        self._reporting = True
        self._changed()
        for watched in self._watched:
            watched.begin()

    async def refresh(self) -> None:
        """Look at all sources now; changes are reported before this returns."""
        await asyncio.gather(*(watched.look() for watched in self._watched))

    def expect_loader(self, expecting: bool) -> None:
        """Somebody waits for a bootloader, or nobody does any more."""
        for watched in self._watched:
            watched.expect_loader(expecting)

    async def close(self) -> None:
        """Stop watching; may be called more than once."""
        tasks = [task for watched in self._watched if (task := watched.end())]
        for task in tasks:
            task.cancel()
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
        self._begun = False
        self._task: asyncio.Task[None] | None = None

    def listen(self) -> None:
        self.source.start(self._wake)

    def begin(self) -> None:
        self._begun = True
        self._keep_watching()

    def end(self) -> asyncio.Task[None] | None:
        """Close the source; the task that is to be cancelled."""
        self._begun = False
        self.source.close()
        task, self._task = self._task, None
        return task

    def expect_loader(self, expecting: bool) -> None:
        if isinstance(self.source, LoaderSource) and self.source.expecting is not expecting:
            self.source.expecting = expecting
            self._wake()

    def _wake(self) -> None:
        self._woken.set()
        self._keep_watching()

    def _keep_watching(self) -> None:
        if self._begun and self._task is None and self._has_work():
            self._task = asyncio.create_task(self._run())
            self._task.add_done_callback(_report_defect)

    def _has_work(self) -> bool:
        return self._woken.is_set() or self._pause_s() < math.inf

    async def _run(self) -> None:
        while self._has_work():
            woken = await self._wait()
            await self.look()
            if woken:
                await asyncio.sleep(LOOK_GAP_S)
        self._task = None

    async def _wait(self) -> bool:
        """Until an event came (true) or the pause is over."""
        try:
            async with asyncio.timeout(self._pause_s() if not self._woken.is_set() else None):
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
