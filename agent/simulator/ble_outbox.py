"""Messages to the bus, sent no faster than it takes them.

dbus-fast takes a socket that is full for the end of the bus. So each message waits until the system
says that there is room: a local socket counts as writable while it is at most a quarter full
(Linux, ``unix_writable``), which leaves more than any of our messages needs.
"""

from __future__ import annotations

import asyncio
import select
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from dbus_fast import Message
    from dbus_fast.aio import MessageBus

LOOK_EVERY_S: Final = 0.002
"""While the socket is full. The library watches the same socket, so no event is left for us."""


class Outbox:
    """For one connection. Nothing is dropped: who simulates a room also says how much happens."""

    def __init__(self, bus: MessageBus) -> None:
        """``bus`` is connected."""
        self._bus = bus
        self._waiting: deque[Message] = deque()
        self._task: asyncio.Task[None] | None = None

    def send(self, message: Message) -> None:
        """Send ``message`` after all that were given before; at once if there is room."""
        self._waiting.append(message)
        if self._task is None and not self._send_some():
            self._task = asyncio.get_running_loop().create_task(self._send_rest())

    async def close(self) -> None:
        """Forget what was not sent."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _send_rest(self) -> None:
        while not self._send_some():  # noqa: ASYNC110 - see LOOK_EVERY_S
            await asyncio.sleep(LOOK_EVERY_S)
        self._task = None

    def _send_some(self) -> bool:
        """Send while there is room; whether nothing is left."""
        while self._waiting and self._bus.connected and self._has_room():
            self._bus.send(self._waiting.popleft())
        return not self._waiting or not self._bus.connected

    def _has_room(self) -> bool:
        socket = self._bus._sock  # noqa: SLF001 - it offers no other way to ask
        return socket is not None and bool(select.select([], [socket], [], 0)[1])
