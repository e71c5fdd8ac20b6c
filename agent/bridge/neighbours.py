"""Which user of this computer is at the other end of a connection over the loopback interface.

Every user reaches the port, and a program may claim any ``Origin``. Linux tells whose the other
socket is: proc_pid_net(5), ``tcp`` and ``tcp6``. Other systems tell nobody without special rights.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Address: TypeAlias = "tuple[str, int]"

TABLES: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
ADMINISTRATOR: Final = 0
"""Who can read the token anyway, and act for every user."""


def is_other_user(near: Address, far: Address) -> bool:
    """Whether the socket ``far`` that is connected to ours, ``near``, belongs to somebody else.

    False as well where the system does not say. Reads a list of all connections: some 0.1 ms.
    """
    if sys.platform != "linux":
        return False
    for table in TABLES:
        try:
            lines = table.read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        owner = find_owner(lines, far, near)
        if owner is not None:
            return owner not in {os.geteuid(), ADMINISTRATOR}
    return False


def find_owner(lines: Iterable[str], local: Address, remote: Address) -> int | None:
    """The user of the socket ``local`` that is connected to ``remote``, out of such a table."""
    for line in lines:
        fields = line.split()
        if len(fields) < 8 or _port(fields[1]) != local[1] or _port(fields[2]) != remote[1]:
            continue
        ends = [_plain(end[0]) for end in (local, remote)]
        if [_host(fields[1]), _host(fields[2])] == ends:
            return int(fields[7])
    return None


def _port(text: str) -> int:
    return int(text.rpartition(":")[2], 16)


def _host(text: str) -> str:
    """An address as the kernel writes it: numbers of 32 bits in the order of this processor."""
    digits = text.rpartition(":")[0]
    words = (int(digits[at : at + 8], 16) for at in range(0, len(digits), 8))
    data = b"".join(word.to_bytes(4, sys.byteorder) for word in words)
    return _plain(socket.inet_ntop(socket.AF_INET if len(data) == 4 else socket.AF_INET6, data))


def _plain(host: str) -> str:
    """An IPv4 address in the form of an IPv6 one is the same address."""
    return host.removeprefix("::ffff:") if "." in host else host
