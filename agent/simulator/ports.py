"""The board's end of its port: a pseudo-terminal, or a loopback socket where there are none."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Final, Protocol

BACKLOG_BYTES: Final = 64 * 1024
"""What waits for a host that does not read. Beyond it the newest bytes are lost and counted, as
on a board whose USB buffer is full."""
READ_BYTES: Final = 64 * 1024

OnData = Callable[[bytes], None]
OnHost = Callable[[bool], None]
"""Called with True when a host opens the port, with False when it closes it."""


class BoardPort(Protocol):
    """One plugged-in port."""

    address: str
    lost_bytes: int

    def write(self, data: bytes) -> None:
        """Send to the host, without waiting."""

    def forget_unread(self) -> None:
        """Throw away what no host has read."""

    def close(self) -> None:
        """Pull the cable: the host's end reports that the port is gone."""


async def open_port(
    *, tcp: bool, dtr: bool, not_at: str | None, on_data: OnData, on_host: OnHost
) -> BoardPort:
    """Plug in: a new port, at another address than ``not_at``."""
    if sys.platform != "win32" and not tcp:
        from agent.simulator.pty_port import PtyPort

        return PtyPort(on_data, on_host, dtr=dtr, not_at=not_at)
    return await TcpPort.open(on_data, on_host)


class TcpPort:
    """A loopback socket; one host at a time. Connected means open, DTR included."""

    def __init__(self, on_data: OnData, on_host: OnHost) -> None:
        self._on_data = on_data
        self._on_host = on_host
        self._server: asyncio.Server | None = None
        self._host: asyncio.Transport | None = None
        self.address = ""
        self.lost_bytes = 0

    @classmethod
    async def open(cls, on_data: OnData, on_host: OnHost) -> TcpPort:
        """Listen on a free port."""
        port = cls(on_data, on_host)
        loop = asyncio.get_running_loop()
        port._server = await loop.create_server(lambda: _HostSide(port), "127.0.0.1", 0)
        number = port._server.sockets[0].getsockname()[1]
        port.address = f"tcp://127.0.0.1:{number}"
        on_host(False)
        return port

    def write(self, data: bytes) -> None:
        """Send to the host if there is one."""
        if self._host is None:
            return
        if self._host.get_write_buffer_size() + len(data) > BACKLOG_BYTES:
            self.lost_bytes += len(data)
            return
        self._host.write(data)

    def forget_unread(self) -> None:
        """Nothing to do: what is sent without a host is not kept."""

    def close(self) -> None:
        """Stop listening and drop the host."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._host is not None:
            self._host.abort()
            self._host = None

    def opened(self, transport: asyncio.Transport) -> bool:
        """A host connected; False if there is one already."""
        if self._host is not None or self._server is None:
            return False
        self._host = transport
        self._on_host(True)
        return True

    def received(self, transport: asyncio.Transport, data: bytes) -> None:
        """Bytes of the host."""
        if transport is self._host:
            self._on_data(data)

    def closed(self, transport: asyncio.Transport) -> None:
        """The host went away."""
        if transport is self._host:
            self._host = None
            self._on_host(False)


class _HostSide(asyncio.Protocol):
    def __init__(self, port: TcpPort) -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  (a stream server's is one)
        if self._port.opened(transport):
            self._transport = transport
        else:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._transport is not None:
            self._port.received(self._transport, data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self._transport is not None:
            self._port.closed(self._transport)
