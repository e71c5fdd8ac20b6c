"""The HTTP and WebSocket protocols of the server, bounded further than it does by itself.

Added: a limit of open sockets and of the time until the head of a request is there, a bound on
fragments and unread pongs, and a cut where a peer that no longer reads would keep a closed socket
for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from agent.bridge import limits

if TYPE_CHECKING:
    import asyncio
    from asyncio.transports import BaseTransport

    import h11
    from uvicorn._types import ASGISendEvent
    from websockets.frames import Frame

TOO_BIG = 1009
CONNECTION = "connection"
"""In ``scope["state"]``: a dict for what is known of the TCP connection that requests come over."""


class HttpProtocol(H11Protocol):
    """One TCP connection, until it becomes a WebSocket."""

    _first: asyncio.TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Refuse the connection when there are too many, and wait only so long for a request."""
        transport = cast("asyncio.Transport", transport)
        super().connection_made(transport)
        # Each request gets a copy of this with the same dict in it.
        self.app_state = {**self.app_state, CONNECTION: {}}
        if len(self.connections) > limits.SOCKETS:
            transport.abort()
            return
        self._first = self.loop.call_later(limits.FIRST_REQUEST_S, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """See the base class."""
        self._forget_first()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """See the base class; once the head is there, who serves it bounds body and answer."""
        super().handle_events()
        if self.cycle is not None:
            self._forget_first()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """See the base class."""
        self._forget_first()
        super().handle_websocket_upgrade(event)

    def _forget_first(self) -> None:
        if self._first is not None:
            self._first.cancel()
            self._first = None

    def _too_late(self) -> None:
        self.transport.abort()


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket."""

    _fragments = 0
    _refused = False

    def connection_made(self, transport: BaseTransport) -> None:
        """See the base class; closing waits no longer for a peer than ``CLOSE_S``."""
        super().connection_made(transport)
        self.close_timeout = limits.CLOSE_S

    def data_received(self, data: bytes) -> None:
        """See the base class; what follows a refused message is read and forgotten."""
        if self._refused:
            return
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            # The library has written a refusal (a header line above 8 KiB) that nobody sends.
            self._refused = True
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def handle_cont(self, event: Frame) -> None:
        """Bound the number of fragments; the server bounds their bytes only."""
        self._fragments = 0 if event.fin else self._fragments + 1
        if self._fragments <= limits.MESSAGE_FRAGMENTS:
            super().handle_cont(event)
        elif not self._refused:
            self.conn.fail(TOO_BIG, "too many fragments")
            self.handle_parser_exception()

    def handle_ping(self) -> None:
        """Answer a ping, unless the peer sends pings and reads no answers."""
        if self.transport.get_write_buffer_size() > limits.SOCKET_SEND_BYTES:
            self.transport.abort()
            return
        super().handle_ping()

    def handle_parser_exception(self) -> None:
        """Say why a message is refused, and read on for a moment without keeping anything.

        A socket that is closed while the peer still sends is reset, and the reason is lost.
        """
        self._refused = True
        self.frames.clear()
        sent = self.conn.close_sent
        code, reason = (sent.code, sent.reason) if sent else (1006, "")
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(limits.CLOSE_S, self.transport.abort)

    def keepalive_timeout(self) -> None:
        """See the base class; a peer that answers no ping will not read the goodbye either."""
        super().keepalive_timeout()
        self._cut_later()

    def shutdown(self) -> None:
        """See the base class."""
        super().shutdown()
        self._cut_later()

    async def send(self, message: ASGISendEvent) -> None:
        """See the base class, which takes a refusal for a handshake that was forgotten."""
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True

    async def run_asgi(self) -> None:
        """See the base class."""
        await super().run_asgi()
        self._cut_later()

    def _cut_later(self) -> None:
        # Closing flushes first, which never ends if nobody reads.
        self.loop.call_later(limits.CLOSE_S, self.transport.abort)
