"""Ports and boards as values; the JSON of contract 2 is these structs encoded."""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal, TypeAlias

import msgspec

from agent.errors import OtherLinkBusy, PortBusy

PortKind: TypeAlias = Literal["serial", "usb", "volume", "ble", "ap"]

Via: TypeAlias = Literal["usb", "ble", "ap"]
"""How a board is talked to: over a cable, through the air, or in the Wi-Fi network of its own."""
VIA_NAMES: Final[dict[Via, str]] = {"usb": "USB", "ble": "Bluetooth", "ap": "its own Wi-Fi"}
"""What people call that."""
AP_ONLY: Final = "can be ap only in a job that names an access point"
Service: TypeAlias = Literal["2.0", "improv", "blynk"]
"""What a device in the air says that it is provisioned with."""

LOADER_KINDS: Final = frozenset({"usb", "volume"})
"""Ports that only a bootloader shows; nothing on them can be opened as a link."""


class Port(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An address where a board can be reached, with what the system says about it."""

    kind: PortKind
    """``usb``: a bootloader that is a USB device without a serial port (DFU, or a UF2 bootloader
    whose drive is not mounted). ``volume``: the drive of a UF2 bootloader. ``ap``: the access point of
    a board, which only jobs have and no list (:mod:`agent.jobs.absent`)."""
    address: str
    """What is opened: ``/dev/ttyACM0``, ``COM3``; the folder of a drive; ``usb:1-2.3``;
    ``ble://A1:B2:C3:D4:E5:F6`` (on macOS a UUID that only this computer knows); the name of an access
    point (:mod:`agent.links.access_point_name`)."""
    vid: int | None = None
    pid: int | None = None
    serial_number: str | None = None
    location: str | None = None
    """USB topology (``1-2.3``): the socket that the cable is in."""
    manufacturer: str | None = None
    product: str | None = None
    interface: str | None = None
    """What the firmware calls this serial port among those of its device; Linux tells it."""
    simulated: bool = False
    rssi_dbm: int | None = None
    """How strong a Bluetooth LE port is heard, smoothed; None for other kinds."""
    service: Service | None = None
    """What a Bluetooth LE port advertises that it is provisioned with; None for other kinds."""
    blinks: bool = False
    """It says that it can show which one it is (Improv, capability “identify”)."""

    @property
    def via(self) -> Via:
        """How one talks to the board at this port."""
        return self.kind if self.kind in {"ble", "ap"} else "usb"


class BoardState(Enum):
    """What can be done with a board now."""

    READY = "ready"
    """It can be opened."""
    BUSY = "busy"
    """A job or a monitor holds it; ``holder`` says which."""
    BOOTLOADER = "bootloader"
    """Its loader runs, not its sketch."""
    UNREACHABLE = "unreachable"
    """It has no port at the moment, but a job still expects it back."""


class Provisioning(msgspec.Struct, frozen=True, kw_only=True):
    """Versions of provisioning: what the model can, what was found on the board."""

    supported: list[str] = []
    installed: str | None = None


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of hardware, the same across ports, reboots and cables."""

    id: str
    """Stable and fit for a command line: ``uno_r4_wifi-F412FA65``."""
    name: str
    """What people call it: the device name given to it, else the model's name."""
    model: str | None
    """Id in the catalogue; None for a board that is not in it."""
    fqbn: str | None
    candidates: list[str] = []
    """Ids of the models it may be, when its USB ids belong to several (a common USB bridge)."""
    ports: list[Port]
    """Those on a cable first."""
    via: Via | None = None
    """How a job talks to it, or would: as its holder chose, else over the cable if there is one.
    None: nothing of it is there."""
    provisioning: Provisioning = Provisioning()
    state: BoardState = BoardState.READY
    holder: str | None = None
    uhwid: str | None = None
    """Unique hardware id (64 hex digits) once a session has read it."""
    first_seen: float
    """Unix seconds of this appearance."""


class BoardChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to the list of boards; payload of ``boards.changed``."""

    appeared: list[Board] = []
    changed: list[Board] = []
    vanished: list[str] = []

    def __bool__(self) -> bool:
        return bool(self.appeared or self.changed or self.vanished)


def in_use(port: str, holder: str, used: Via | None, wanted: Via | None) -> PortBusy:
    """The error for a board that somebody uses; over the other link it has one more reason."""
    if used is None or wanted is None or used == wanted:
        return PortBusy(port=port, holder=holder)
    names = {"used": VIA_NAMES[used], "wanted": VIA_NAMES[wanted]}
    return OtherLinkBusy(port=port, holder=holder, **names)
