"""The wire of a session with an nRF91 board: one conversation at a time, and its log beside it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from agent.errors import PortGone
from agent.protocols.nrf.at import AtMachine, Talk
from agent.protocols.nrf.logs import LogReader
from agent.sessions.turn import take_turn

if TYPE_CHECKING:
    from agent.links.link import Link
    from agent.protocols.nrf.logs import LogEvent

EVENTS: Final = 100
"""Events of the log that nobody has asked for; beyond it the oldest are forgotten."""

T = TypeVar("T")


class NrfWire:
    """Runs conversations over a link; what the log says meanwhile is kept."""

    def __init__(self, link: Link) -> None:
        self.machine = AtMachine()
        self._link = link
        self._log = LogReader()
        self._events: list[LogEvent] = []
        self._one = asyncio.Lock()
        self._closed = False

    @property
    def address(self) -> str:
        """The port."""
        return self._link.address

    async def run(self, talk: Talk[T]) -> T:
        """The result of a conversation; :class:`PortGone` when the port vanished."""
        async with self._one:
            self._require_open()
            machine = self.machine
            machine.start(talk, _now())
            try:
                while machine.running:
                    await self._turn()
            finally:
                machine.abandon()
                self._sort()
            result: T = machine.result
            return result

    async def listen(self, until: float) -> list[LogEvent]:
        """Events of the log, as soon as there is one; none when the loop's time is ``until``."""
        async with self._one:
            self._require_open()
            while not self._events:
                try:
                    async with asyncio.timeout_at(until):
                        data = await self._link.receive()
                except TimeoutError:
                    break
                self.machine.receive(data, _now())
                self._sort()
            events, self._events = self._events, []
            return events

    def heard(self) -> list[LogEvent]:
        """Events of the log up to now, also of a line that has not ended."""
        return [*self._events, *LogReader().feed(self.machine.pending)]

    def forget(self) -> None:
        """Of the log, only what comes from now on counts."""
        self._events.clear()

    async def close(self) -> None:
        """Release the port; never raises, may be called again."""
        self._closed = True
        await self._link.close()

    async def _turn(self) -> None:
        if await take_turn(self.machine, self._link):
            self._sort()

    def _sort(self) -> None:
        for line in self.machine.take_others():
            self._events += self._log.feed(line)
        del self._events[:-EVENTS]

    def _require_open(self) -> None:
        if self._closed:
            raise PortGone(port=self._link.address)


def _now() -> float:
    return asyncio.get_running_loop().time()
