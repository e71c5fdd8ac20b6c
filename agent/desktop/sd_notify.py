"""Tells systemd how the agent is, where systemd started it as ``Type=notify``.

Source: sd_notify(3): a datagram of lines ``NAME=value`` to the socket that ``NOTIFY_SOCKET`` names.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"


def notify_systemd(*lines: str, environ: Mapping[str, str] = os.environ) -> None:
    """Send these lines; does nothing where nobody waits for them."""
    address = environ.get("NOTIFY_SOCKET", "")
    if sys.platform == "win32" or address[:1] not in {"/", "@"}:
        return
    # An @ stands for the zero byte of an abstract address.
    name = address.replace("@", "\0", 1) if address[0] == "@" else address
    # systemd decides by time-out then; the agent is of use all the same.
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto("\n".join(lines).encode(), name)
