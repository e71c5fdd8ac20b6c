"""A TCP port on loopback for a protocol of one's own, whose connections can be cut."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from agent.simulator.loopback_server import HOST

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable


class Connection(Protocol):
    """One connection: it enters itself in its server's ``connections``, and leaves at its end."""

    def cut(self) -> None:
        """End it without another byte."""


class ConnectionServer:
    """One listening port of 127.0.0.1."""

    def __init__(
        self,
        make: Callable[[], asyncio.Protocol],
        *,
        port: int = 0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """``make`` gives what serves a connection; with a ``context`` it speaks TLS."""
        self.port = port
        self.connections: set[Connection] = set()
        self._make = make
        self._context = context
        self._down = False
        self._server: asyncio.Server | None = None

    @property
    def down(self) -> bool:
        """Whether each connection is to cut itself as soon as it is made."""
        return self._down

    @down.setter
    def down(self, value: bool) -> None:
        self._down = value
        if value:
            self.cut()

    async def start(self) -> None:
        """Listen; ``port`` is known afterwards. ``OSError`` if the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._make, HOST, self.port, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut what is open."""
        if self._server is None:
            return
        self._server.close()
        self.cut()
        await self._server.wait_closed()
        self._server = None

    def cut(self) -> None:
        """Cut all connections without another byte."""
        for connection in list(self.connections):
            connection.cut()
