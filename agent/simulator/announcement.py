"""How a simulated port is found: one JSON file per plugged-in port in a folder.

Readers ignore a file whose process is gone, so a simulator that was killed leaves nothing that
looks like a board.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import msgspec

from agent.settings.files import write_private

if TYPE_CHECKING:
    from pathlib import Path


INTERFACES: Final = {"circuitpython": "CircuitPython CDC control"}
"""What firmware calls its serial port. Source: adafruit/circuitpython,
shared-module/usb_cdc/__init__.c."""


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """The file's content: the fields of a port, and the process behind it."""

    kind: str = "serial"
    """``serial``; ``volume`` and ``usb`` for bootloaders without a serial port."""
    address: str
    """What is opened; the folder of a volume; ``usb:`` and the location."""
    vid: int
    pid: int
    serial_number: str
    location: str
    manufacturer: str
    product: str
    interface: str = ""
    """What the firmware calls the serial port; empty: nothing."""
    simulated: bool = True
    process: int


def announce(folder: Path, port: Announcement, board: str) -> Path:
    """Write the file of the board with this name so that no reader sees half of it."""
    path = folder / f"{board}.json"
    write_private(path, msgspec.json.encode(port), durable=False)
    return path


def withdraw(path: Path) -> None:
    """The port is gone."""
    path.unlink(missing_ok=True)


def in_the_air(serial_number: str, address: str) -> Announcement:
    """How a device is reached that has no cable."""
    return Announcement(
        kind="ble",
        address=f"ble://{address}",
        vid=0,
        pid=0,
        serial_number=serial_number,
        location="",
        manufacturer="",
        product="",
        process=os.getpid(),
    )
