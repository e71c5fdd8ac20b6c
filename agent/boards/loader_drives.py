"""Drives of bootloaders as ports: what finds them is injected, for it belongs to the flash methods.

A drive has the USB ids of its device where the system tells its socket (Linux); elsewhere what
the loader calls itself says them.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.boards.board import Port
from agent.boards.identity import socket_of
from agent.boards.sighting import Sighting
from agent.boards.system_ports import BLIND_POLL_S, EVENTS_POLL_S
from agent.boards.usb_loaders import by_location, listen
from agent.catalog import UsbId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agent.boards.system_ports import Listener
    from agent.boards.usb_loaders import UsbFacts
    from agent.catalog import Model

BOARD_IDS: Final = {"RPI-RP2": UsbId(0x2E8A, 0x0003)}
"""What a loader says about its board in ``INFO_UF2.TXT``; flashing, section 5."""


class Drive(NamedTuple):
    """A mounted drive of a bootloader."""

    path: str
    board_id: str
    """``RPI-RP2``; what the loader says, so foreign text."""
    location: str | None = None
    """USB topology, maybe with the interface; None: the system does not tell."""


class LoaderDrives:
    """Source of the ``volume`` ports."""

    in_thread = True

    def __init__(
        self,
        models: Iterable[Model],
        find: Callable[[], Iterable[Drive]],
        ignore: Iterable[str] = (),
        *,
        look_up: Callable[[str], UsbFacts | None] | None = by_location,
    ) -> None:
        """``look_up`` tells what is in a socket; None where drives do not tell their socket."""
        self._loaders = {ids for model in models for ids in model.usb.bootloader}
        self._find = find
        self._ignore = frozenset(ignore)
        self._look_up = look_up
        self._listeners: list[Listener] = []
        self.expecting = False

    @property
    def poll_s(self) -> float:
        """Seconds between two looks without an event."""
        return BLIND_POLL_S if self.expecting and len(self._listeners) < 2 else EVENTS_POLL_S

    def start(self, wake: Callable[[], None]) -> None:
        """Listen to drives that come and go, and to mounts."""
        drives = listen(wake, "block")
        mounts = _listen_to_mounts(wake)
        self._listeners = [each for each in (drives, mounts) if each is not None]

    def close(self) -> None:
        """Stop listening."""
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.close()

    def look(self) -> list[Sighting]:
        """All drives of bootloaders now."""
        seen = (self._sighting(drive) for drive in self._find())
        return [each for each in seen if each and each.port.address not in self._ignore]

    def _sighting(self, drive: Drive) -> Sighting | None:
        if not drive.path.isprintable() or not _encodable(drive.path):
            return None
        if self._look_up is None:
            ids = BOARD_IDS.get(drive.board_id)
            if ids is None:
                return None
            return Sighting(Port(kind="volume", address=drive.path, vid=ids.vid, pid=ids.pid))
        # A drive whose device has left stays mounted for a while, and its files can be read.
        topology = socket_of(drive.location)
        facts = self._look_up(topology) if topology else None
        if facts is None or UsbId(facts.vid, facts.pid) not in self._loaders:
            return None
        port = Port(
            kind="volume",
            address=drive.path,
            vid=facts.vid,
            pid=facts.pid,
            serial_number=facts.serial_number,
            location=topology,
        )
        return Sighting(port, facts.number)


def _listen_to_mounts(wake: Callable[[], None]) -> Listener | None:
    if sys.platform != "linux":
        return None
    from agent.boards.mounts import MountListener

    listener = MountListener()
    try:
        listener.start(wake)
    except OSError:
        return None
    return listener


def _encodable(text: str) -> bool:
    """A name that is not UTF-8 cannot be told to anybody."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
