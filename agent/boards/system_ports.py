"""The serial ports of this computer, as the operating system lists them."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from agent.boards.board import Port
from agent.boards.sighting import Sighting
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


EVENTS_POLL_S: Final = 5.0
"""Safety net where the system reports changes by itself; one look costs about 2 ms."""
BLIND_POLL_S: Final = 1.0
"""Where it does not. On macOS the notifications of IOKit need a run loop of their own."""
TEXT_CHARS: Final = 126
"""A USB string descriptor holds no more."""

_log = logging.getLogger(__name__)


class FoundPort(Protocol):
    """What ``serial.tools.list_ports`` says about a port."""

    device: str
    vid: int | None
    pid: int | None
    serial_number: str | None
    location: str | None
    manufacturer: str | None
    product: str | None
    interface: str | None


class Listener(Protocol):
    """Events of one operating system."""

    def start(self, wake: Callable[[], None]) -> None:
        """Begin to call ``wake`` in the event loop; :class:`OSError` if there are no events."""

    def close(self) -> None:
        """Stop; may be called more than once."""


class SystemPorts:
    """Source of the real ports."""

    in_thread = True

    def __init__(self, ignore: Iterable[str] = (), extra: Iterable[str] = ()) -> None:
        self._ignore = frozenset(ignore)
        self._extra = frozenset(extra)
        self._listener: Listener | None = None

    @property
    def poll_s(self) -> float:
        """Seconds between two looks without an event."""
        return BLIND_POLL_S if self._listener is None else EVENTS_POLL_S

    def start(self, wake: Callable[[], None]) -> None:
        """Listen to the system's events if it has any."""
        try:
            listener = _system_listener()
            if listener is not None:
                listener.start(wake)
        except OSError as error:
            _log.info("no port events (%s); looking every %s s", error, BLIND_POLL_S)
            return
        self._listener = listener

    def close(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def look(self) -> list[Sighting]:
        """All ports now. Any of the three errors of the library means: a device left meanwhile."""
        from serial.tools.list_ports import comports

        try:
            found: list[FoundPort] = list(comports())
        except (TypeError, ValueError, AttributeError) as error:
            raise OSError("a device vanished during the look") from error
        listed = [Sighting(port, _node(port.address)) for port in self.keep(found)]
        here = {sighting.port.address for sighting in listed}
        for address in sorted(self._extra - here - self._ignore):
            node = _node(address)
            if node or sys.platform == "win32":
                listed.append(Sighting(Port(kind="serial", address=address), node))
        return listed

    def keep(self, found: Iterable[FoundPort]) -> list[Port]:
        """Ports with USB ids, and those that the configuration names.

        The rest are built-in ports (``ttyS0``), Bluetooth and debug consoles.
        """
        return [
            Port(
                kind="serial",
                address=port.device,
                vid=port.vid,
                pid=port.pid,
                serial_number=_text(port.serial_number),
                location=_text(port.location),
                manufacturer=_text(port.manufacturer),
                product=_text(port.product),
                interface=_text(port.interface),
            )
            for port in found
            if port.device not in self._ignore
            and not port.device.startswith("/dev/tty.")
            and ((port.vid is not None and port.pid is not None) or port.device in self._extra)
        ]


def _system_listener() -> Listener | None:
    if sys.platform == "linux":
        from agent.boards.uevent import UeventListener

        return UeventListener()
    if sys.platform == "win32":
        from agent.boards.cm_events import ComPortListener

        return ComPortListener()
    return None


def _text(text: str | None) -> str | None:
    return clean_text(text.strip(), TEXT_CHARS) or None if text else None


def _node(address: str) -> int:
    if sys.platform == "win32":
        return 0
    try:
        return Path(address).stat().st_ino
    except OSError:
        return 0
