"""Linux: the kernel tells when a drive is mounted or unmounted.

The table of mounts can be waited for: each change is an urgent event on it. Source: proc(5),
``/proc/pid/mountinfo``; Linux fs/proc_namespace.c.
"""

from __future__ import annotations

import asyncio
import select
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE: Final = Path("/proc/self/mountinfo")


class MountListener:
    """Calls ``wake`` in the event loop whenever something was mounted or unmounted."""

    def __init__(self, table: Path = TABLE) -> None:
        self._table = table
        self._open = ExitStack()

    def start(self, wake: Callable[[], None]) -> None:
        """Begin to listen; :class:`OSError` where that cannot be done."""
        if sys.platform != "linux":
            raise OSError("no mount events on this system")
        with ExitStack() as stack:
            table = stack.enter_context(self._table.open("rb", buffering=0))
            # The table is always readable too, so the loop itself must not wait for it.
            epoll = stack.enter_context(select.epoll())
            epoll.register(table, select.EPOLLPRI)

            def changed() -> None:
                # The loop has seen the event and thereby taken it away; this only tidies up.
                epoll.poll(0)
                wake()

            loop, number = asyncio.get_running_loop(), epoll.fileno()
            loop.add_reader(number, changed)
            stack.callback(loop.remove_reader, number)
            self._open = stack.pop_all()

    def close(self) -> None:
        """Stop listening; may be called more than once."""
        self._open.close()
