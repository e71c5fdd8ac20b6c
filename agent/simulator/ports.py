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

HANG_UP_S: Final = 0.1
"""How long a second host is kept waiting: that the first one has hung up may be told later."""

HOST: Final = "127.0.0.1"

OnData = Callable[[bytes], None]
OnHost = Callable[[bool], None]
"""Called with True when a host opens the port, with False when it closes it."""
OnTouch = Callable[[], None]
"""Called when a host has set 1200 baud and hung up."""
TCP_TOUCH: Final = b"\x00mooring touch 1200\n"
"""What stands for a touch on a socket, which has neither speed nor lines: sent alone, then the
connection is closed."""


class BoardPort(Protocol):
    """One plugged-in port."""

    address: str
    lost_bytes: int

    def write(self, data: bytes) -> None:
        """Send to the host, without waiting."""

    def forget_unread(self) -> None:
        """Throw away what no host has read."""

    def look(self) -> None:
        """Notice now what the system does not tell by itself: that a host opened the port."""

    def close(self) -> None:
        """Pull the cable: the host's end reports that the port is gone."""

    def free_address(self) -> None:
        """After the end: the address may be taken again at once, not only after a while."""


async def open_port(
    *,
    tcp: bool,
    dtr: bool,
    not_at: str | None,
    on_data: OnData,
    on_host: OnHost,
    on_touch: OnTouch | None = None,
    number: int = 0,
) -> BoardPort:
    """Plug in: a new port, at another address than ``not_at``.

    ``dtr``: notice when a host opens and closes it. ``number``: the one of a socket; 0: any.
    """
    if sys.platform != "win32" and not tcp:
        from agent.simulator.pty_port import PtyPort

        return PtyPort(on_data, on_host, on_touch, dtr=dtr, not_at=not_at)
    return await TcpPort.open(on_data, on_host, on_touch, number=number)


class TcpPort:
    """A loopback socket; one host at a time. Connected means open, DTR included."""

    def __init__(self, on_data: OnData, on_host: OnHost, on_touch: OnTouch | None) -> None:
        self._on_data = on_data
        self._on_host = on_host
        self._on_touch = on_touch
        self._began: bytes | None = b""
        """What came of a touch so far; None: it is none."""
        self._server: asyncio.Server | None = None
        self._host: asyncio.Transport | None = None
        self.address = ""
        self.lost_bytes = 0

    @classmethod
    async def open(
        cls,
        on_data: OnData,
        on_host: OnHost,
        on_touch: OnTouch | None = None,
        *,
        number: int = 0,
    ) -> TcpPort:
        """Listen on a port: that with a ``number`` if it is free, else any."""
        port = cls(on_data, on_host, on_touch)
        try:
            server = await port._listen(number)
        except OSError:
            server = await port._listen(0)
        port._server = server
        try:
            await server.start_serving()
        except asyncio.CancelledError:
            port.close()
            raise
        port.address = f"tcp://{HOST}:{server.sockets[0].getsockname()[1]}"
        on_host(False)
        return port

    async def _listen(self, number: int) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(
            lambda: _HostSide(self), HOST, number, start_serving=False
        )

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

    def look(self) -> None:
        """Nothing to do: a connection tells by itself."""

    def close(self) -> None:
        """Stop listening and drop the host."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._host is not None:
            self._host.abort()
            self._host = None

    def free_address(self) -> None:
        """Nothing to do: it is free once it is closed."""

    def opened(self, transport: asyncio.Transport) -> bool:
        """A host connected; False if there is one already."""
        if self._host is not None or self._server is None:
            return False
        self._host = transport
        self._began = b""
        self._on_host(True)
        return True

    def received(self, transport: asyncio.Transport, data: bytes) -> None:
        """Bytes of the host."""
        if transport is not self._host:
            return
        if self._began is not None and TCP_TOUCH.startswith(self._began + data):
            self._began += data
            return
        if self._began:
            data = self._began + data
        self._began = None
        self._on_data(data)

    def closed(self, transport: asyncio.Transport) -> None:
        """The host went away."""
        if transport is not self._host:
            return
        self._host = None
        self._on_host(False)
        if self._began == TCP_TOUCH and self._on_touch is not None:
            self._on_touch()


class _HostSide(asyncio.Protocol):
    def __init__(self, port: TcpPort) -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  (a stream server's is one)
        if self._port.opened(transport):
            self._transport = transport
        else:
            transport.pause_reading()
            asyncio.get_running_loop().call_later(HANG_UP_S, self._try_again, transport)

    def _try_again(self, transport: asyncio.Transport) -> None:
        if self._port.opened(transport):
            self._transport = transport
            transport.resume_reading()
        else:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._transport is not None:
            self._port.received(self._transport, data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        if self._transport is not None:
            self._port.closed(self._transport)
