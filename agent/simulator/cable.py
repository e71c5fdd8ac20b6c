"""The cable of a simulated board: its port, what the line does to bytes, and the announcement."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from agent.simulator.announcement import INTERFACES, Announcement, announce, withdraw
from agent.simulator.line import Line
from agent.simulator.ports import open_port

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from agent.catalog import Model, UsbRole
    from agent.simulator.config import BoardConfig, LineFaults, SimulatorConfig
    from agent.simulator.face import Shown
    from agent.simulator.ports import BoardPort

TCP: Final = "tcp://"
PYTHON_USB: Final = {
    "micropython": (0x2E8A, 0x0005, "MicroPython", "Board in FS mode"),
    "circuitpython": (0x239A, 0x8120, "Raspberry Pi", "Pico W"),
}
"""What these say over native USB, whatever sketch the board was made for."""
OTHER_SERIAL: Final = "0123456789ABCDEF"
"""Serial number of loaders that all have the same."""


class PortUser(Protocol):
    """Whom a port tells what its host does."""

    def hear(self, data: bytes) -> None:
        """Bytes of the host."""

    def host_opened(self, is_open: bool) -> None:
        """A host opened or closed the port."""

    def touched(self) -> None:
        """A host set 1200 baud and hung up."""


class Cable:
    """One board's end of the cable; in the computer's end there is at most one port at a time."""

    def __init__(
        self,
        config: SimulatorConfig,
        board: BoardConfig,
        model: Model,
        number: int,
        chance: random.Random,
        user: PortUser,
    ) -> None:
        self.address: str | None = None
        """Where the board can be opened now; None while it cannot."""
        self.serial_number = board.serial_number
        """What it says over USB."""
        self._config = config
        self._board = board
        self._model = model
        self._number = number
        self._user = user
        self._line = Line(config.line, chance, self._deliver)
        self._port: BoardPort | None = None
        self._left: BoardPort | None = None
        """The last one, once it was unplugged."""
        self._role: UsbRole = "sketch"
        self._kind: Shown = "serial"
        self._file: Path | None = None
        self._last_address: str | None = None
        self._lost = 0

    @property
    def lost_bytes(self) -> int:
        """What the host did not read in time."""
        return self._lost + (self._port.lost_bytes if self._port is not None else 0)

    @property
    def location(self) -> str:
        """USB location: the same as long as the cable stays in its socket."""
        return f"{self._config.hub}{self._number + 1}"

    @property
    def announcement(self) -> Announcement:
        """The port as it is announced."""
        vid, pid, manufacturer, product = self._told
        return Announcement(
            kind=self._kind,
            address=self.address or "",
            vid=vid,
            pid=pid,
            serial_number=self._shown_serial,
            location=self.location,
            manufacturer=manufacturer,
            product=product,
            interface=INTERFACES.get(self._board.sketch, "") if self._is_python else "",
            process=os.getpid(),
        )

    async def open(self, role: UsbRole, wanted: Callable[[], bool]) -> bool:
        """A serial port; normally at another address than the last one.

        False if it is no longer ``wanted`` when the system has made it, or there is one by then.
        """
        last = self._last_address
        same_name = role == "bootloader" and self._board.bootloader.keeps_name
        number = int(last.rpartition(":")[2]) if same_name and last and TCP in last else 0
        if same_name and self._left is not None:
            self._left.free_address()
        port = await open_port(
            tcp=self._config.tcp,
            dtr=not self._board.bridged,
            not_at=None if same_name else last,
            on_data=self._user.hear,
            on_host=self._user.host_opened,
            on_touch=self._user.touched,
            number=number,
        )
        if self._port is not None or not wanted():
            port.close()
            return False
        self._port = port
        self._appear("serial", port.address, role)
        self._last_address = port.address
        return True

    def show(self, kind: Shown, place: str = "") -> None:
        """A bootloader without a serial port: a volume at its ``place``, or a USB device."""
        self._appear(kind, place or f"usb:{self.location}", "bootloader")

    def close(self) -> str | None:
        """Leave the bus; the address that is no more, None if there was none."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                withdraw(self._file)
            self._file = None
        self._line.close()
        if self._port is not None:
            self._lost += self._port.lost_bytes
            self._port.close()
            self._left, self._port = self._port, None
        address, self.address = self.address, None
        return address

    def send(self, data: bytes) -> None:
        """Something that the board wrote."""
        self._line.to_host(data)

    def to_board(self, data: bytes) -> bytes:
        """What arrives at the board of something that the host wrote."""
        return self._line.to_board(data)

    def set_line(self, faults: LineFaults) -> None:
        """What the line does to the bytes from now on."""
        self._line.faults = faults

    def forget_unread(self) -> None:
        """Throw away what no host has read."""
        if self._port is not None:
            self._port.forget_unread()

    def look(self) -> None:
        """Notice now that a host opened the port."""
        if self._port is not None:
            self._port.look()

    @property
    def _shown_serial(self) -> str:
        how = self._board.bootloader.serial_number if self._role == "bootloader" else "same"
        return {"same": self.serial_number, "none": "", "other": OTHER_SERIAL}[how]

    @property
    def _is_python(self) -> bool:
        """Python answers at the chip's own USB; behind a converter the converter does."""
        native = self._model.upload.method != "esptool"
        return native and self._role == "sketch" and self._board.sketch in PYTHON_USB

    @property
    def _told(self) -> tuple[int, int, str, str]:
        """Vendor and product id, and the names that go with them."""
        if self._is_python:
            return PYTHON_USB[self._board.sketch]
        usb = self._model.usb
        known = (usb.bootloader if self._role == "bootloader" else ()) or usb.sketch
        return known[0].vid, known[0].pid or 0, "Arduino", self._model.name

    def _appear(self, kind: Shown, address: str, role: UsbRole) -> None:
        self._kind, self._role, self.address = kind, role, address
        if self._config.folder is not None:
            folder = Path(self._config.folder)
            self._file = announce(folder, self.announcement, self._board.serial_number)

    def _deliver(self, data: bytes) -> None:
        if self._port is not None:
            self._port.write(data)
