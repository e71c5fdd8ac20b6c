"""Puts a simulated SAM-BA loader on a pseudo-terminal, or on a socket where there are none."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from agent.simulator.ports import open_port

if TYPE_CHECKING:
    from types import TracebackType

    from agent.simulator.ports import BoardPort
    from agent.simulator.samba import End, SambaLoader


class SambaPort:
    """A loader on a port; ``async with`` plugs it in. It unplugs itself when the loader ends.

    ``stays``: the port stays after a reset, as behind the bridge of an UNO R4 WiFi.
    """

    def __init__(self, loader: SambaLoader, *, tcp: bool = False, stays: bool = False) -> None:
        self.loader = loader
        self._tcp = tcp
        self._stays = stays
        self._port: BoardPort | None = None
        self._ended: asyncio.Future[End] = asyncio.get_running_loop().create_future()

    @property
    def address(self) -> str:
        """What a host opens; empty once unplugged."""
        return self._port.address if self._port else ""

    async def __aenter__(self) -> Self:
        """Plug in."""
        self._port = await open_port(
            tcp=self._tcp, dtr=False, not_at=None, on_data=self._hear, on_host=lambda _: None
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Unplug."""
        self.unplug()

    def unplug(self) -> None:
        """Pull the cable."""
        if self._port is not None:
            self._port.close()
            self._port = None

    async def wait_ended(self) -> End:
        """Return when the loader was reset or its cable pulled by a fault."""
        return await asyncio.shield(self._ended)

    def _hear(self, data: bytes) -> None:
        if self.loader.ended is not None:
            return
        answer = self.loader.receive(data)
        delay_s = self.loader.faults.delay_s
        if answer and delay_s:
            asyncio.get_running_loop().call_later(delay_s, self._say, answer)
        elif answer:
            self._say(answer)
        if self.loader.ended is not None:
            self._end(self.loader.ended)

    def _say(self, answer: bytes) -> None:
        if self._port is not None:
            self._port.write(answer)

    def _end(self, how: End) -> None:
        if not self._ended.done():
            self._ended.set_result(how)
        if not (self._stays and how.value == "reset"):
            self.unplug()
