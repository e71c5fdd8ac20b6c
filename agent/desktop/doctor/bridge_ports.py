"""Whether the page can be served: ports of the bridge that are free, and who has the others."""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
from typing import TYPE_CHECKING, Final

from agent.desktop.doctor.found import fine, found, from_error
from agent.errors import Level, NoFreePort
from agent.links.holder import PROC, Holder, holder_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from agent.desktop.doctor.found import Found
    from agent.settings.config import BridgeConfig

AREA: Final = "page"
_LISTENS: Final = "0A"
"""State TCP_LISTEN in /proc/net/tcp (Linux, include/net/tcp_states.h)."""


class BridgePorts:
    """Binds each port for a moment."""

    area = AREA

    def __init__(
        self, config: BridgeConfig, own_port: Callable[[], int | None], *, proc: Path = PROC
    ) -> None:
        """``own_port``: where the running agent of this user answers, if one does."""
        self._first, self._last = config.first_port, config.last_port
        self._own_port = own_port
        self._proc = proc

    async def look(self) -> Sequence[Found]:
        """Which ports are taken, and by whom where that can be seen."""
        return [await asyncio.to_thread(self._look)]

    def _look(self) -> Found:
        own = self._own_port()
        span = range(self._first, self._last + 1)
        taken = [port for port in span if port != own and not is_free(port)]
        who = who_holds(taken, self._proc)
        if own is not None:
            return fine(AREA, f"The agent runs; its page is at http://127.0.0.1:{own}/.")
        if len(taken) == len(span):
            error = NoFreePort(first=self._first, last=self._last, held=held_by(who))
            return from_error(AREA, error, Level.PROBLEM)
        if taken and taken[0] == self._first:
            free = next(port for port in span if port not in taken)
            return found(
                AREA,
                "page-elsewhere",
                Level.WARNING,
                f"The usual port of the page is in use: {who}.",
                f"The page will be at http://127.0.0.1:{free}/; pages and bookmarks that know only "
                "the usual address do not find it.",
                "Close that program, or set another first_port in the section [bridge] of the "
                "settings.",
                facts={"taken": who},
            )
        return fine(AREA, f"The port of the page is free: {self._first}.")


def who_holds(ports: Sequence[int], proc: Path = PROC) -> str:
    """``8991, 8992 by python3 (process 4711); 8993 by a program of another user``. Blocks."""
    held: dict[str, list[int]] = {}
    for port in ports:
        holder = listener_on(port, proc)
        name = "a program of another user" if holder is None else str(holder)
        held.setdefault(name, []).append(port)
    return "; ".join(f"{', '.join(map(str, each))} by {name}" for name, each in held.items())


def held_by(who: str) -> str:
    """How :class:`NoFreePort` goes on with who holds the ports."""
    return f"; taken: {who}" if who else ""


def is_free(port: int) -> bool:
    """Whether the bridge could listen there: on both addresses of loopback, as far as there are."""
    return _can_listen(socket.AF_INET, "127.0.0.1", port) and (
        not socket.has_ipv6 or _can_listen(socket.AF_INET6, "::1", port)
    )


def _can_listen(family: socket.AddressFamily, host: str, port: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            if sys.platform == "win32":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
    except OSError as error:
        # Any other error: this computer has no such address.
        return error.errno not in {errno.EADDRINUSE, errno.EACCES}
    return True


def listener_on(port: int, proc: Path = PROC) -> Holder | None:
    """The program that listens on a TCP port, where this account can see it (Linux)."""
    for table in ("net/tcp", "net/tcp6"):
        try:
            lines = (proc / table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                holder = holder_of(f"socket:[{fields[9]}]", proc)
                if holder is not None:
                    return holder
    return None
