"""The links over Bluetooth LE that this program has now, and how each comes to its end."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING, Final

from agent.links.ble_failures import library_errors, shown
from agent.links.ble_library import take_note, within
from agent.links.ble_service import watch_service

if TYPE_CHECKING:
    from collections.abc import Callable

    from bleak import BleakClient

END_LIMIT_S: Final = 12.0
"""bleak itself waits 10 s for the system to confirm the end of a link."""
ENDED_LIMIT: Final = 512
"""Ends remembered until somebody asks; the oldest is forgotten."""

_log = logging.getLogger(__name__)


class HeldLinks:
    """To be used in one event loop."""

    def __init__(self) -> None:
        self._links: dict[object, tuple[str, Callable[[], None]]] = {}
        self._ended: dict[str, float] = {}
        self._ending: dict[asyncio.Task[None], str] = {}
        self._watch: asyncio.Task[None] | None = None

    @property
    def addresses(self) -> frozenset[str]:
        """To which there is a link."""
        return frozenset(address for address, _ in self._links.values())

    def hold(self, address: str, on_end: Callable[[], None]) -> Callable[[], None]:
        """There is a link to ``address`` from now on; the result, called once, ends that.

        ``on_end`` is called when the system's Bluetooth service ends, and the link with it.
        """
        key = object()
        self._links[key] = (address, on_end)
        if self._watch is None and sys.platform == "linux":
            watching = watch_service(self._service_ended)
            self._watch = asyncio.create_task(watching, name="Bluetooth service watch")

        def release() -> None:
            self._links.pop(key, None)
            self._ended[address] = asyncio.get_running_loop().time()
            if len(self._ended) > ENDED_LIMIT:
                del self._ended[next(iter(self._ended))]
            if not self._links and self._watch is not None:
                self._watch.cancel()
                self._see_to_its_end(self._watch, "")
                self._watch = None

        return release

    def take_ended(self, address: str) -> float | None:
        """When a link to ``address`` ended since this was asked last, on the event loop's clock."""
        return self._ended.pop(address, None)

    def end(self, client: BleakClient, limit_s: float = END_LIMIT_S) -> asyncio.Task[None]:
        """End the link of ``client`` and free what it holds, also if nobody waits for it."""
        task = asyncio.create_task(_disconnect(client, limit_s), name="Bluetooth link ends")
        self._see_to_its_end(task, client.address)
        return task

    async def give_up(self, client: BleakClient, beginning: asyncio.Task[None]) -> None:
        """Undo what ``beginning`` does, which is to give ``client`` its link or to leave nothing.

        If this is cancelled, it is undone all the same.
        """
        if not beginning.done():
            beginning.add_done_callback(take_note)
            beginning.cancel()
            self._see_to_its_end(beginning, client.address)
        elif beginning.exception() is None:
            beginning = self.end(client)
        await asyncio.wait({beginning})

    async def wait_ended(self, address: str = "") -> None:
        """Return when no link (to ``address``) is on its way to its end any more.

        Each has its limits. What one of them still asks of the system would else end a new link.
        """
        wanted = address.upper()
        while under_way := {
            task for task, other in self._ending.items() if not wanted or wanted == other
        }:
            await asyncio.wait(under_way)

    def _see_to_its_end(self, task: asyncio.Task[None], address: str) -> None:
        self._ending[task] = address.upper()
        task.add_done_callback(self._ending.pop)

    def _service_ended(self) -> None:
        for _, on_end in list(self._links.values()):
            on_end()


async def _disconnect(client: BleakClient, limit_s: float) -> None:
    try:
        await within(limit_s, client.disconnect())
    except library_errors() as error:
        _log.debug("a Bluetooth link did not end properly: %s", shown(error))
