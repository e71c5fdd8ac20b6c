"""Serves an ASGI application on a loopback port, and can cut its connections.

Parts of uvicorn without its process management: no signal handlers, no ticking, ready and gone
at once. Used by simulated clouds, in tests and in the demo.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

if TYPE_CHECKING:
    import ssl

    from starlette.types import ASGIApp

HOST = "127.0.0.1"


class LoopbackServer:
    """One application on one port of 127.0.0.1."""

    def __init__(
        self, app: ASGIApp, *, port: int = 0, context: ssl.SSLContext | None = None
    ) -> None:
        """With a ``context`` it speaks TLS."""
        self._wanted_port = port
        self._context = context
        self._config = uvicorn.Config(
            app, ws="none", lifespan="off", log_config=None, access_log=False, server_header=False
        )
        self._state = ServerState()
        self._server: asyncio.Server | None = None
        self._down = False
        self.port = 0

    @property
    def down(self) -> bool:
        """Whether every connection is cut as soon as it is made."""
        return self._down

    @down.setter
    def down(self, value: bool) -> None:
        self._down = value
        if value:
            self._cut_all()

    async def start(self) -> None:
        """Listen; ``port`` is known afterwards. ``OSError`` if the port is taken."""
        self._config.load()
        listener = socket.create_server((HOST, self._wanted_port), backlog=128)
        self.port = listener.getsockname()[1]
        self._server = await asyncio.get_running_loop().create_server(
            self._make, sock=listener, ssl=self._context
        )

    async def stop(self) -> None:
        """Stop listening, cut what is open, and wait until nothing of it is left."""
        if self._server is None:
            return
        self._server.close()
        self._cut_all()
        tasks = list(self._state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    def cut(self, client: object) -> None:
        """Cut the connection of this client without another byte."""
        for connection in self._connections():
            if connection.client == client:
                connection.transport.abort()

    def _make(self) -> _Connection:
        return _Connection(self._config, self._state, self)

    def _connections(self) -> list[_Connection]:
        return [c for c in self._state.connections if isinstance(c, _Connection)]

    def _cut_all(self) -> None:
        for connection in self._connections():
            connection.transport.abort()


class _Connection(H11Protocol):
    """A connection that is cut at once while its server is down."""

    def __init__(self, config: uvicorn.Config, state: ServerState, owner: LoopbackServer) -> None:
        super().__init__(config=config, server_state=state, app_state={})
        self._owner = owner

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn declares it
        super().connection_made(transport)
        # asyncio does this only for sockets that name their protocol; without it the body of each
        # answer waits 40 ms for the client's word that it has the head.
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._owner.down:
            transport.abort()
