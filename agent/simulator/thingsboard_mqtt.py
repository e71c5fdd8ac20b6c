"""The MQTT ports of the simulated ThingsBoard: plain and with TLS, on loopback."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from agent.simulator.connection_server import ConnectionServer
from agent.simulator.thingsboard_session import MqttSession
from agent.simulator.thingsboard_tls_link import TlsFailed, TlsLink

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.simulator.thingsboard_session import Surroundings
    from agent.simulator.thingsboard_tls import Certificates

CLOSE_S: Final = 1.0
"""How long a client that does not read may hold up the end of its connection."""


class MqttServer(ConnectionServer):
    """One listening port. ``certificates`` None: without TLS."""

    def __init__(
        self, around: Surroundings, certificates: Certificates | None = None, *, port: int = 0
    ) -> None:
        super().__init__(lambda: _Connection(self), port=port)
        self.around = around
        self.certificates = certificates


class _Connection(asyncio.Protocol):
    """One connection: bytes through TLS, if there is any, to its session and back."""

    def __init__(self, server: MqttServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._link = TlsLink(server.certificates) if server.certificates else None
        self._session: MqttSession | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._flushing = False

    # --- asyncio's side ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See the base class."""
        self._transport = cast("asyncio.Transport", transport)
        self._server.connections.add(self)
        if self._server.down:
            self.cut()
        elif self._link is None:
            self._session = MqttSession(self._server.around, wake=self._flush)

    def data_received(self, data: bytes) -> None:
        """See the base class."""
        try:
            clear = self._link.feed(data) if self._link is not None else data
        except (TlsFailed, EOFError):
            self._close()
            return
        if self._link is not None and self._link.ready and self._session is None:
            around, chain = self._server.around, self._link.chain
            self._session = MqttSession(around, chain=chain, wake=self._flush)
        if self._session is not None:
            self._session.feed(clear)
        self._flush()

    def connection_lost(self, _error: Exception | None) -> None:
        """See the base class."""
        self._server.connections.discard(self)
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        if self._session is not None:
            self._session.lost()

    def cut(self) -> None:
        """Cut it."""
        if self._transport is not None:
            self._transport.abort()

    # --- the session's side ---

    def _flush(self) -> None:
        """Send what there is, close if it is time, and wait for the next moment."""
        if self._transport is None or self._flushing or self._transport.is_closing():
            return
        self._flushing = True
        if self._session is not None:
            data = self._session.take()
            if self._link is None:
                self._transport.write(data)
            else:
                self._link.send(data)
        if self._link is not None:
            self._transport.write(self._link.take())
        self._flushing = False
        if self._session is not None and self._session.closing:
            self._close()
        else:
            self._wait()

    def _close(self) -> None:
        if self._transport is None:
            return
        if self._link is not None:
            if self._link.ready:
                self._link.close()
            self._transport.write(self._link.take())
        self._transport.close()
        # A client that does not read what is left must not keep the connection.
        self._set_timer(CLOSE_S, self.cut)

    def _wait(self) -> None:
        at = self._session.deadline() if self._session is not None else None
        if at is not None:
            self._set_timer(max(0.0, at - self._server.around.now()), self._tick)

    def _tick(self) -> None:
        if self._session is not None:
            self._session.tick()
        self._flush()

    def _set_timer(self, seconds: float, do: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, do)
