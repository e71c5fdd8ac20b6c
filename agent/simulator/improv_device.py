"""A simulated Improv device on a port, in real or scaled time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.simulator.announcement import Announcement, announce, withdraw
from agent.simulator.config import LineFaults
from agent.simulator.improv import ImprovConfig, ImprovFirmware
from agent.simulator.improv_serial import ImprovSerial
from agent.simulator.line import Line
from agent.simulator.ports import open_port
from agent.simulator.world import World, demo_world

if TYPE_CHECKING:
    from agent.simulator.ports import BoardPort

BRIDGE_VID: Final = 0x10C4
BRIDGE_PID: Final = 0xEA60
"""A CP2102, as on many ESP boards: it says nothing about what is behind it."""


class SimulatedImprov:
    """The device, its clock and its cable.

    ``speed``: board seconds in a second. ``restarts_when_opened``: the bridge's lines restart the
    device when a host opens the port, as on most boards with such a bridge. ``folder``: where the
    port is announced, under ``serial_number``.
    """

    def __init__(
        self,
        config: ImprovConfig | None = None,
        world: World | None = None,
        *,
        speed: float = 1.0,
        tcp: bool = False,
        restarts_when_opened: bool = False,
        folder: str | None = None,
        serial_number: str = "IMPROV-0001",
        location: str = "9-90",
        faults: LineFaults | None = None,
        seed: int = 0,
    ) -> None:
        self.firmware = ImprovFirmware(config or ImprovConfig(), world or demo_world())
        self.received = bytearray()
        """Everything that hosts wrote."""
        self.serial_number = serial_number
        self._location = location
        self._serial = ImprovSerial(self.firmware)
        self._speed = speed
        self._tcp = tcp
        self._restarts_when_opened = restarts_when_opened
        self._folder = Path(folder) if folder else None
        self._line = Line(faults or LineFaults(), random.Random(seed), self._deliver)  # noqa: S311 - faults
        self._port: BoardPort | None = None
        self._file: Path | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._began = 0.0

    @property
    def address(self) -> str:
        """What is opened; empty while it is not plugged in."""
        return self._port.address if self._port is not None else ""

    @property
    def announcement(self) -> Announcement:
        """The port as it is announced."""
        return Announcement(
            address=self.address,
            vid=BRIDGE_VID,
            pid=BRIDGE_PID,
            serial_number=self.serial_number,
            location=self._location,
            manufacturer="Silicon Labs",
            product="CP2102 USB to UART Bridge Controller",
            process=os.getpid(),
        )

    async def start(self) -> None:
        """Plug in."""
        self._began = asyncio.get_running_loop().time() - self.firmware.now / 1000 / self._speed
        self._port = await open_port(
            tcp=self._tcp,
            dtr=self._restarts_when_opened,
            not_at=None,
            on_data=self._hear,
            on_host=self._host_opened,
        )
        if self._folder is not None:
            self._file = announce(self._folder, self.announcement, self.serial_number)
        self._pass_time()

    def unplug(self) -> None:
        """Pull the cable; it may be plugged in again with :meth:`start`."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._line.close()
        if self._file is not None:
            with contextlib.suppress(OSError):
                withdraw(self._file)
            self._file = None
        if self._port is not None:
            self._port.close()
            self._port = None

    def restart(self) -> None:
        """Press its reset button."""
        self._run()
        self.firmware.restart()
        self._pass_time()

    def press_button(self) -> None:
        """Somebody presses its button."""
        self._run()
        self.firmware.press_button()
        self._pass_time()

    # --- inside ------------------------------------------------------------------------------

    def _hear(self, data: bytes) -> None:
        self._run()
        self.received += data
        self._serial.hear(self._line.to_board(data))
        self._pass_time()

    def _host_opened(self, is_open: bool) -> None:
        if is_open and self._restarts_when_opened:
            self.restart()

    def _run(self) -> None:
        loop = asyncio.get_running_loop()
        self.firmware.run((loop.time() - self._began) * 1000 * self._speed)

    def _pass_time(self) -> None:
        """Send what there is, and wake up when there is more to do."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._run()
        for data in self._serial.take_output():
            self._line.to_host(data)
        wake = self.firmware.next_wake
        if self._port is not None and wake < float("inf"):
            when = self._began + wake / 1000 / self._speed
            self._timer = asyncio.get_running_loop().call_at(when, self._pass_time)

    def _deliver(self, data: bytes) -> None:
        if self._port is not None:
            self._port.write(data)
