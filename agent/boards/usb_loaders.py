"""Bootloaders that are USB devices without a serial port: DFU, and UF2 before its drive is there.

Linux tells all about its USB devices in files, without a library or rights. Elsewhere a program
that lists them is injected (``FoundLoaders``). Source: flashing, sections 4 and 5; Linux
Documentation/ABI/testing/sysfs-bus-usb; USB 2.0, section 9.6; DFU 1.1, section 4.
"""

from __future__ import annotations

import logging
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.boards.board import Port
from agent.boards.sighting import Sighting
from agent.boards.system_ports import BLIND_POLL_S, EVENTS_POLL_S, TEXT_CHARS
from agent.catalog import UsbId
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agent.boards.system_ports import Listener
    from agent.catalog import Model

DEVICES: Final = Path("/sys/bus/usb/devices")
ADDRESS: Final = "usb:"
IDLE_POLL_S: Final = 3600.0
"""Where a program has to be started for a look, nobody looks unless a loader is expected."""

_DEVICE_NAME: Final = re.compile(r"[0-9]+-[0-9]+(?:\.[0-9]+)*")
_INTERFACE: Final = 4
_INTERFACE_BYTES: Final = 9
_DFU_MODE: Final = (0xFE, 1, 2)
"""Class, subclass and protocol of an interface; protocol 1 is a sketch that can be told to leave."""
_DESCRIPTORS_BYTES: Final = 64 * 1024
_DFU_METHODS: Final = frozenset({"dfu", "dfuse"})
_UF2_METHODS: Final = frozenset({"uf2", "rp2040"})

_log = logging.getLogger(__name__)


class LoaderIds:
    """USB ids of the bootloaders in the catalogue that have no serial port."""

    def __init__(self, models: Iterable[Model]) -> None:
        self._dfu: set[UsbId] = set()
        self._drives: set[UsbId] = set()
        for model in models:
            if model.upload.method in _DFU_METHODS:
                self._dfu.update(model.usb.bootloader)
            elif model.upload.method in _UF2_METHODS:
                self._drives.update(model.usb.bootloader)

    def may_be(self, vid: int, pid: int) -> bool:
        """Worth a closer look."""
        return UsbId(vid, pid) in self._dfu | self._drives

    def is_loader(self, vid: int, pid: int, interfaces: Iterable[tuple[int, int, int]]) -> bool:
        """A DFU bootloader has an interface in DFU mode; one with a drive is known by its ids.

        Nano ESP32 shows the same ids with its sketch (flashing, section 4).
        """
        ids = UsbId(vid, pid)
        return ids in self._drives or (ids in self._dfu and _DFU_MODE in interfaces)


class UsbFacts(NamedTuple):
    """What the system tells about the USB device in one socket."""

    vid: int
    pid: int
    serial_number: str | None
    number: int
    """Counts up with each device that is plugged into the bus."""


def read_device(folder: Path) -> UsbFacts | None:
    """The facts in a folder of ``/sys/bus/usb/devices``; None if the device is gone."""
    try:
        vid = int((folder / "idVendor").read_bytes(), 16)
        pid = int((folder / "idProduct").read_bytes(), 16)
    except (OSError, ValueError):
        return None
    number = _text(folder / "devnum") or ""
    return UsbFacts(vid, pid, _text(folder / "serial"), int(number) if number.isdecimal() else 0)


def parse_interfaces(descriptors: bytes) -> set[tuple[int, int, int]]:
    """Class, subclass and protocol of all interfaces in the descriptors of a device.

    Each descriptor begins with its length and its type. What follows one that is too short or cut
    off is not read.
    """
    found: set[tuple[int, int, int]] = set()
    start = 0
    while start + 2 <= len(descriptors):
        length, kind = descriptors[start], descriptors[start + 1]
        if length < 2 or start + length > len(descriptors):
            break
        if kind == _INTERFACE and length >= _INTERFACE_BYTES:
            found.add((descriptors[start + 5], descriptors[start + 6], descriptors[start + 7]))
        start += length
    return found


class UsbLoaders:
    """Source of the ``usb`` ports of Linux."""

    in_thread = True

    def __init__(
        self, models: Iterable[Model], ignore: Iterable[str] = (), folder: Path = DEVICES
    ) -> None:
        self._ids = LoaderIds(models)
        self._ignore = frozenset(ignore)
        self._folder = folder
        self._listener: Listener | None = None

    @property
    def poll_s(self) -> float:
        """Seconds between two looks without an event."""
        return BLIND_POLL_S if self._listener is None else EVENTS_POLL_S

    def start(self, wake: Callable[[], None]) -> None:
        """Listen to the events of USB devices."""
        self._listener = listen(wake, "usb")

    def close(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def look(self) -> list[Sighting]:
        """All bootloaders now."""
        try:
            names = sorted(path.name for path in self._folder.iterdir())
        except OSError:
            return []
        seen = (self._sighting(name) for name in names if _DEVICE_NAME.fullmatch(name))
        return [each for each in seen if each and each.port.address not in self._ignore]

    def _sighting(self, name: str) -> Sighting | None:
        folder = self._folder / name
        facts = read_device(folder)
        if facts is None or not self._ids.may_be(facts.vid, facts.pid):
            return None
        try:
            with (folder / "descriptors").open("rb") as file:
                interfaces = parse_interfaces(file.read(_DESCRIPTORS_BYTES))
        except OSError:
            interfaces = set()
        if not self._ids.is_loader(facts.vid, facts.pid, interfaces):
            return None
        port = Port(
            kind="usb",
            address=ADDRESS + name,
            vid=facts.vid,
            pid=facts.pid,
            serial_number=facts.serial_number,
            location=name,
            manufacturer=_text(folder / "manufacturer"),
            product=_text(folder / "product"),
        )
        return Sighting(port, facts.number)


class ListedDevice(NamedTuple):
    """A USB device in DFU mode, as a program lists it."""

    vid: int
    pid: int
    serial_number: str | None
    place: str
    """What the program calls its place; it need not be the system's name."""


class FoundLoaders:
    """Source of ``usb`` ports where a program lists them; asked only while a loader is expected."""

    in_thread = True

    def __init__(
        self,
        models: Iterable[Model],
        find: Callable[[], Iterable[ListedDevice]],
        ignore: Iterable[str] = (),
    ) -> None:
        """``find`` may block; it raises :class:`OSError` for a look that must be repeated."""
        self._ids = LoaderIds(models)
        self._find = find
        self._ignore = frozenset(ignore)
        self.expecting = False

    @property
    def poll_s(self) -> float:
        """Seconds between two looks."""
        return BLIND_POLL_S if self.expecting else IDLE_POLL_S

    def start(self, wake: Callable[[], None]) -> None:
        """Nothing to do: there are no events."""

    def close(self) -> None:
        """Nothing to do."""

    def look(self) -> list[Sighting]:
        """The bootloaders now; none while nobody expects one."""
        if not self.expecting:
            return []
        # Their place is left out: these systems number the sockets of serial ports otherwise.
        ports = (
            Port(
                kind="usb",
                address=ADDRESS + clean_text(device.place),
                vid=device.vid,
                pid=device.pid,
                serial_number=_clean(device.serial_number),
            )
            for device in self._find()
            if self._ids.is_loader(device.vid, device.pid, [_DFU_MODE])
        )
        return [Sighting(port) for port in ports if port.address not in self._ignore]


def listen(wake: Callable[[], None], subsystem: str) -> Listener | None:
    """Linux: call ``wake`` when a device of this kind comes or goes; None without events."""
    if sys.platform != "linux":
        return None
    from agent.boards.uevent import UeventListener

    listener = UeventListener(subsystem)
    try:
        listener.start(wake)
    except OSError as error:
        _log.info(
            "no events of %s devices (%s); looking every %s s", subsystem, error, BLIND_POLL_S
        )
        return None
    return listener


def by_location(location: str, folder: Path = DEVICES) -> UsbFacts | None:
    """What is in the USB socket ``1-2.3`` now."""
    return read_device(folder / location) if _DEVICE_NAME.fullmatch(location) else None


def _text(file: Path) -> str | None:
    try:
        return _clean(file.read_bytes()[: 4 * TEXT_CHARS].decode("utf-8", "replace"))
    except OSError:
        return None


def _clean(text: str | None) -> str | None:
    return clean_text(text.strip(), TEXT_CHARS) or None if text else None
