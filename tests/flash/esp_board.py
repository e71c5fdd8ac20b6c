"""A simulated ESP chip in its loader, on a port of its own."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from agent.simulator.ports import open_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.simulator.esp_rom import EspRom
    from agent.simulator.ports import BoardPort


class EspBoard:
    """The port of a chip; ``unplug_at`` pulls the cable at that block."""

    def __init__(self, rom: EspRom, unplug_at: int | None) -> None:
        self.rom = rom
        self._unplug_at = unplug_at
        self._port: BoardPort | None = None

    async def plug(self) -> str:
        """Make the port; its address."""
        # A pseudo-terminal has no reset lines: that the host closes it stands for them.
        self._port = await open_port(
            tcp=False, dtr=True, not_at=None, on_data=self._on_data, on_host=self._on_host
        )
        return self._port.address

    def close(self) -> None:
        """Pull the cable."""
        if self._port is not None:
            self._port.close()

    def _on_data(self, data: bytes) -> None:
        answer = self.rom.feed(data)
        if self._unplug_at is not None and self.rom.blocks >= self._unplug_at:
            self.close()
        elif self._port is not None:
            self._port.write(answer)

    def _on_host(self, there: bool) -> None:
        if not there:
            self.rom.reset()


@contextlib.asynccontextmanager
async def esp_board(rom: EspRom, unplug_at: int | None = None) -> AsyncIterator[str]:
    """The address of a board that is plugged in for a while."""
    board = EspBoard(rom, unplug_at)
    try:
        yield await board.plug()
    finally:
        board.close()
