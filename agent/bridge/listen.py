"""The listening sockets of the bridge: loopback only, found by binding."""

from __future__ import annotations

import errno
import socket
import sys

from agent.bridge import limits
from agent.errors import NoFreePort

BACKLOG = 128
"""Connections that the system accepts for us while the loop is busy."""


def bind(first: int, last: int) -> list[socket.socket]:
    """Sockets on the first port that is free for IPv4 and, if the system has it, IPv6.

    Both, because the name ``localhost`` may mean either: a foreign program on the other one
    would speak with the agent's own origin.
    """
    for port in range(first, last + 1):
        sockets = []
        try:
            sockets.append(_listen(socket.AF_INET, ("127.0.0.1", port)))
            if _has_ipv6():
                sockets.append(_listen(socket.AF_INET6, ("::1", port)))
        except OSError as error:
            for each in sockets:
                each.close()
            if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise
            continue
        return sockets
    raise NoFreePort(first=first, last=last, held="")


def _listen(family: socket.AddressFamily, address: tuple[str, int]) -> socket.socket:
    # With the protocol named, asyncio switches Nagle's algorithm off: 45 ms less delay.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform == "win32":
            # There, SO_REUSEADDR lets another program steal the port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, limits.SOCKET_SEND_BYTES)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _has_ipv6() -> bool:
    if not socket.has_ipv6:
        return False
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
