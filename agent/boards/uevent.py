"""Linux: the kernel tells when devices appear and vanish (netlink, kobject uevents).

Both multicast groups are joined. Group 1 is the kernel itself: it also works in containers and
on small systems without udev, and it is the first to know. Group 2 is udev, which speaks when
the rules have run, so the device has its final owner by then. An event only leads to a new look
at the ports, so a forged or doubled one does no harm.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_NETLINK_KOBJECT_UEVENT: Final = 15
_GROUP_KERNEL: Final = 1
_GROUP_UDEV: Final = 2
_MESSAGE_BYTES: Final = 16 * 1024
"""The kernel's limit for the text is 2 KiB, udev's messages are below 8 KiB."""
_MESSAGES_PER_TURN: Final = 64
"""A storm of events must not keep the loop from its other work."""
_UDEV_HEADER: Final = struct.Struct("=8sIIII")
_UDEV_PREFIX: Final = b"libudev\0"
_UDEV_MAGIC: Final = 0xFEEDCAFE


class Uevent(NamedTuple):
    """What happened to a device of the system."""

    action: str
    """``add``, ``remove``, ``change``, ``bind`` …"""
    subsystem: str
    devname: str
    """``ttyACM0``; empty for what has no device node."""


def parse_uevent(message: bytes) -> Uevent | None:
    """An event of the kernel or of udev; None for anything else.

    Kernel: ``add@/devices/…`` and then ``KEY=value``, each ended by a zero byte. udev: a header
    whose fourth number is the offset of the same ``KEY=value`` list.
    Source: Linux lib/kobject_uevent.c; systemd src/libsystemd/sd-device/device-monitor.c.
    """
    if message.startswith(_UDEV_PREFIX):
        if len(message) < _UDEV_HEADER.size:
            return None
        _, magic, _, offset, length = _UDEV_HEADER.unpack_from(message)
        if socket.ntohl(magic) != _UDEV_MAGIC or offset + length > len(message):
            return None
        pairs = message[offset : offset + length].split(b"\0")
    else:
        head, *pairs = message.split(b"\0")
        if b"@" not in head:
            return None
    values = dict(pair.split(b"=", 1) for pair in pairs if b"=" in pair)
    if b"ACTION" not in values or b"SUBSYSTEM" not in values:
        return None
    return Uevent(
        *(
            values.get(key, b"").decode("utf-8", "replace")
            for key in (b"ACTION", b"SUBSYSTEM", b"DEVNAME")
        )
    )


class UeventListener:
    """Calls ``wake`` in the event loop whenever a device of a kind may have come or gone."""

    def __init__(self, subsystem: str = "tty") -> None:
        self._subsystem = subsystem
        self._socket: socket.socket | None = None
        self._wake: Callable[[], None] | None = None

    def start(self, wake: Callable[[], None]) -> None:
        """Begin to listen; :class:`OSError` where the system has no such events."""
        if sys.platform != "linux":
            raise OSError("no kernel events on this system")
        listener = socket.socket(
            socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, _NETLINK_KOBJECT_UEVENT
        )
        try:
            listener.setblocking(False)
            listener.bind((0, _GROUP_KERNEL | _GROUP_UDEV))
            asyncio.get_running_loop().add_reader(listener.fileno(), self._readable)
        except BaseException:
            listener.close()
            raise
        self._socket, self._wake = listener, wake

    def close(self) -> None:
        """Stop listening; may be called more than once."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _readable(self) -> None:
        if self._socket is None or self._wake is None:
            return
        concerned = False
        for _ in range(_MESSAGES_PER_TURN):
            try:
                event = parse_uevent(self._socket.recv(_MESSAGE_BYTES))
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                # ENOBUFS: events were lost, so anything may have happened.
                concerned = True
                break
            concerned = concerned or (event is not None and event.subsystem == self._subsystem)
        if concerned:
            self._wake()
