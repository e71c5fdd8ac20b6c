"""A simulated board with MicroPython or CircuitPython, on a port."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.simulator.announcement import INTERFACES, Announcement, announce, withdraw
from agent.simulator.config import LineFaults
from agent.simulator.line import Line
from agent.simulator.ports import open_port
from agent.simulator.repl_disk import Disk, PowerLost
from agent.simulator.repl_firmware import ReplConfig, ReplFirmware

if TYPE_CHECKING:
    from agent.simulator.ports import BoardPort

USB_IDS: Final = {"micropython": (0x2E8A, 0x0005), "circuitpython": (0x239A, 0x8120)}
"""MicroPython on an RP2040; CircuitPython on a Pico W."""


class SimulatedRepl:
    """The board and its cable: its files stay while it has no power.

    ``folder``: where the port is announced, under ``serial_number``. ``faults``: what the cable
    does to what travels. :attr:`disk` is where power is taken away at a step
    (:attr:`agent.simulator.repl_disk.Disk.power_for`), which pulls the cable too.
    """

    def __init__(
        self,
        config: ReplConfig | None = None,
        *,
        tcp: bool = False,
        folder: str | None = None,
        serial_number: str = "PYTHON-0001",
        location: str = "9-95",
        faults: LineFaults | None = None,
        seed: int = 0,
    ) -> None:
        self.config = config or ReplConfig()
        self.serial_number = serial_number
        self.received = bytearray()
        """Everything that hosts wrote."""
        circuitpython = self.config.firmware == "circuitpython"
        self.disk = Disk(
            fat=self.config.fat or circuitpython, room=self.config.room, drive=self.config.drive
        )
        self.firmware: ReplFirmware | None = None
        """None while it has no power."""
        self._tcp = tcp
        self._folder = Path(folder) if folder else None
        self._location = location
        self._line = Line(faults or LineFaults(), random.Random(seed), self._deliver)  # noqa: S311 - faults
        self._port: BoardPort | None = None
        self._file: Path | None = None

    @property
    def address(self) -> str:
        """What is opened; empty while it is not plugged in."""
        return self._port.address if self._port is not None else ""

    @property
    def announcement(self) -> Announcement:
        """The port as it is announced."""
        vid, pid = USB_IDS[self.config.firmware]
        return Announcement(
            address=self.address,
            vid=vid,
            pid=pid,
            serial_number=self.serial_number,
            location=self._location,
            manufacturer="",
            product=self.config.machine,
            interface=INTERFACES.get(self.config.firmware, ""),
            process=os.getpid(),
        )

    async def start(self) -> None:
        """Plug in, which is when its program starts."""
        self._port = await open_port(
            tcp=self._tcp, dtr=False, not_at=None, on_data=self._hear, on_host=lambda _there: None
        )
        self.disk.power_on()
        self.firmware = ReplFirmware(self.config, self.disk, self._line.to_host)
        if self._folder is not None:
            self._file = announce(self._folder, self.announcement, self.serial_number)

    def unplug(self) -> None:
        """Pull the cable; it may be plugged in again with :meth:`start`."""
        self.firmware = None
        self._line.close()
        if self._file is not None:
            with contextlib.suppress(OSError):
                withdraw(self._file)
            self._file = None
        if self._port is not None:
            self._port.close()
            self._port = None

    def _hear(self, data: bytes) -> None:
        self.received += data
        try:
            if self.firmware is not None:
                self.firmware.receive(self._line.to_board(data))
        except PowerLost:
            self.firmware = None
            # Not inside the port's own call.
            asyncio.get_running_loop().call_soon(self.unplug)

    def _deliver(self, data: bytes) -> None:
        if self._port is not None:
            self._port.write(data)
