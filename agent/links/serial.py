"""Serial ports of this computer, on serialx: no polling on any system."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
import sys
from typing import TYPE_CHECKING, Final

from agent.errors import InputError, PortBusy
from agent.links.failures import port_error
from agent.links.holder import find_holder
from agent.links.stream import CLOSE_LIMIT_S, StreamLink

if TYPE_CHECKING:
    from agent.links.link import Link

TOUCH_BAUD: Final = 1200
"""Opening a native-USB board with it restarts the board into its loader (protocol-v2, section 2)."""
BAUD_RANGE: Final = (50, 4_000_000)
"""Slowest rate of POSIX; fastest of the common USB bridges (12 Mbit/s ones are rare)."""

_PTY_MAJORS: Final = range(136, 144)
"""Linux: device numbers of pseudo-terminals (Documentation/admin-guide/devices.txt)."""


async def open_serial(address: str, baud: int) -> Link:
    """Open ``address`` (``/dev/ttyACM0``, ``COM3``) for this program alone, 8N1, no flow control.

    DTR and RTS are asserted and stay so until the link is closed. Raises :class:`PortBusy` with
    the holder, :class:`NoPermission` with the group that owns the device, :class:`PortGone`,
    :class:`PortFailed`, and :class:`InputError` for a rate that must not be used.
    """
    check_baud(baud)
    if "://" in address:
        # serialx would open sockets of other computers for it.
        raise InputError(field="port", problem="is not a serial port")
    await asyncio.to_thread(prepare)
    import serialx

    link = StreamLink(address, baud)
    high = serialx.PinState.HIGH
    try:
        transport, _ = await serialx.create_serial_connection(
            asyncio.get_running_loop(),
            lambda: link,
            address,
            baudrate=baud,
            exclusive=True,
            dtr_on_open=high,
            rts_on_open=high,
            close_timeout=CLOSE_LIMIT_S,
        )
    except OSError as error:
        failure = port_error(error, address)
        if isinstance(failure, PortBusy):
            failure = port_error(error, address, await asyncio.to_thread(find_holder, address))
        raise failure from error
    except serialx.UnsupportedSetting:
        raise InputError(field="baud", problem=f"{baud} is not a rate of this port") from None
    fileno = transport.serial.fileno()
    _read_only_bytes(fileno)
    _keep_to_ourselves(fileno)
    return link


def check_baud(baud: int) -> None:
    """Raise :class:`InputError` for a rate that restarts boards or that no port has."""
    if baud == TOUCH_BAUD:
        raise InputError(field="baud", problem="1200 restarts boards into their loader; not used")
    if not BAUD_RANGE[0] <= baud <= BAUD_RANGE[1]:
        problem = f"{baud} is not between {BAUD_RANGE[0]} and {BAUD_RANGE[1]}"
        raise InputError(field="baud", problem=problem)


def prepare() -> None:
    """Import the library off the loop: it takes about 0.2 s the first time."""
    importlib.import_module("serialx")
    # At debug level it logs all bytes both ways, passwords among them.
    logging.getLogger("serialx").setLevel(logging.INFO)


def _read_only_bytes(fileno: int) -> None:
    """Let a read without data say "nothing yet" (VMIN 1); serialx sets 0.

    With 0 it returns no bytes, which serialx takes for a port that has gone: a wake-up whose bytes
    were flushed meanwhile then ends the link. A real hang-up still reads as no bytes.
    """
    if sys.platform == "win32":
        return
    import termios

    with contextlib.suppress(termios.error):
        settings = termios.tcgetattr(fileno)
        settings[6][termios.VMIN] = 1
        termios.tcsetattr(fileno, termios.TCSANOW, settings)


def _keep_to_ourselves(fileno: int) -> None:
    """Refuse programs that do not look for locks (TIOCEXCL); Windows opens exclusively anyway.

    Not on pseudo-terminals: the mark outlives a program that was killed and, as the far end is
    still open, nobody could open the simulated board again. The lock that serialx takes is
    enough there.
    """
    if sys.platform == "win32":
        return
    import fcntl
    import termios

    # A device that does not know the request keeps the lock that serialx took.
    with contextlib.suppress(OSError):
        if sys.platform == "linux" and os.major(os.fstat(fileno).st_rdev) in _PTY_MAJORS:
            return
        if sys.platform == "darwin" and os.ttyname(fileno).startswith("/dev/ttys"):
            return
        fcntl.ioctl(fileno, termios.TIOCEXCL)
