"""The small CoAP server behind DTLS 1.2: cookies, certificates of both sides, repetitions.

The handshake is OpenSSL's, through pyOpenSSL; it is loaded with the first datagram. Source: RFC 6347.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, cast

from agent.simulator.coap_server import Address, CoapAnswer, CoapRequest, CoapTalk
from agent.simulator.loopback_server import HOST

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from OpenSSL import SSL, crypto

SESSIONS: Final = 200
"""Connections that are kept; the oldest is forgotten."""
MTU: Final = 1024
DTLS_1_2: Final = 0xFEFD
COOKIE_EXCHANGE: Final = 0x2000
"""SSL_OP_COOKIE_EXCHANGE of OpenSSL."""
NO_TICKET: Final = 0x4000
"""SSL_OP_NO_TICKET of OpenSSL: a session that is taken up again shows no certificate."""
_HANDSHAKE, _CLIENT_HELLO = 22, 1
_HEADER: Final = 13
_READ: Final = 64 * 1024
_SHORTEST_WAIT_S: Final = 0.001


class CoapsServer(asyncio.DatagramProtocol):
    """One port. ``answer`` decides what is said, ``knows`` whether a client's chain is somebody's.

    ``certificate`` gives a file with certificate and key (PEM) for each new client; ``knows`` gets
    a chain (DER, the client's own first). A client without a certificate is taken too.
    """

    def __init__(
        self,
        answer: Callable[[CoapRequest], CoapAnswer | None],
        *,
        certificate: Callable[[], Path],
        knows: Callable[[tuple[bytes, ...]], bool],
        port: int = 0,
    ) -> None:
        self.port = port
        self._certificate = certificate
        self._knows = knows
        self._talk = CoapTalk(answer, self._answered)
        self._sessions: OrderedDict[Address, _Session] = OrderedDict()
        self._key = secrets.token_bytes(32)
        self._transport: asyncio.DatagramTransport | None = None
        self.down = False
        """Whether nothing is heard."""

    async def start(self) -> None:
        """Listen; ``port`` is known afterwards. ``OSError`` if it is taken."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, (HOST, self.port))
        self.port = transport.get_extra_info("sockname")[1]

    async def stop(self) -> None:
        """Stop listening."""
        self._talk.stop()
        for address in list(self._sessions):
            self._end(address)
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See the base class."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, address: Address) -> None:
        """See the base class."""
        if self.down or not data:
            return
        session = self._sessions.get(address)
        if session is None or (session.open and _is_hello(data)):
            session = self._greeted(data, address)
            if session is None:
                return
        else:
            session.connection.bio_write(data)
        self._drive(session, address)

    def _greeted(self, data: bytes, address: Address) -> _Session | None:
        """A session for who has brought its cookie; who has none is sent one and forgotten."""
        from OpenSSL import SSL

        session = _Session(self._context(), self._knows)
        session.connection.set_app_data(address)
        session.connection.bio_write(data)
        try:
            session.connection.DTLSv1_listen()
        except SSL.Error:
            self._flush(session, address)
            return None
        self._end(address)
        self._talk.forget(address)
        self._sessions[address] = session
        while len(self._sessions) > SESSIONS:
            self._end(next(iter(self._sessions)))
        return session

    def _drive(self, session: _Session, address: Address) -> None:
        """As far as what came goes; then wait for more, or for the moment to say it again."""
        from OpenSSL import SSL

        try:
            while True:
                if not session.open:
                    session.connection.do_handshake()
                    session.open = True
                heard = session.connection.recv(_READ)
                self._talk.hear(heard, address, session.chain)
        except SSL.WantReadError:
            self._flush(session, address)
            self._wait(session, address)
        except SSL.Error:  # closed by the client, or refused
            self._flush(session, address)
            if self._sessions.get(address) is session:
                self._end(address)

    def _wait(self, session: _Session, address: Address) -> None:
        if session.timer is not None:
            session.timer.cancel()
            session.timer = None
        wait_s = session.connection.DTLSv1_get_timeout()
        if wait_s is not None and self._sessions.get(address) is session:
            loop = asyncio.get_running_loop()
            at_least = max(wait_s, _SHORTEST_WAIT_S)
            session.timer = loop.call_later(at_least, self._again, session, address)

    def _again(self, session: _Session, address: Address) -> None:
        from OpenSSL import SSL

        with contextlib.suppress(SSL.Error):  # after too many OpenSSL gives it up
            session.connection.DTLSv1_handle_timeout()
        self._drive(session, address)

    def _answered(self, data: bytes, address: Address) -> None:
        session = self._sessions.get(address)
        if session is not None and session.open:
            session.connection.send(data)
            self._flush(session, address)

    def _flush(self, session: _Session, address: Address) -> None:
        from OpenSSL import SSL

        try:
            records = session.connection.bio_read(_READ)
        except SSL.Error:
            return
        if self._transport is None or self.down:
            return
        for datagram in _datagrams(records):
            self._transport.sendto(datagram, address)

    def _end(self, address: Address) -> None:
        session = self._sessions.pop(address, None)
        if session is not None and session.timer is not None:
            session.timer.cancel()

    def _context(self) -> SSL.Context:
        from OpenSSL import SSL

        context = SSL.Context(SSL.DTLS_SERVER_METHOD)
        context.set_min_proto_version(DTLS_1_2)
        context.set_options(SSL.OP_NO_QUERY_MTU | COOKIE_EXCHANGE | NO_TICKET)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        file = self._certificate()
        context.use_certificate_chain_file(file)
        context.use_privatekey_file(file)
        context.set_cookie_generate_callback(self._cookie)
        context.set_cookie_verify_callback(
            lambda connection, said: hmac.compare_digest(said, self._cookie(connection))
        )
        return context

    def _cookie(self, connection: SSL.Connection) -> bytes:
        """What only somebody hears who is at the address."""
        return hmac.digest(self._key, repr(connection.get_app_data()).encode(), "sha256")


class _Session:
    """A client that has brought its cookie."""

    def __init__(self, context: SSL.Context, knows: Callable[[tuple[bytes, ...]], bool]) -> None:
        from OpenSSL import SSL

        self._knows = knows
        self._seen: dict[int, bytes] = {}
        self.open = False
        self.timer: asyncio.TimerHandle | None = None
        self.connection = SSL.Connection(context, None)
        self.connection.set_accept_state()
        self.connection.set_ciphertext_mtu(MTU)
        self.connection.set_verify(SSL.VERIFY_PEER, self._check)

    @property
    def chain(self) -> tuple[bytes, ...]:
        """What the client has proved, its own certificate first; empty if it showed none."""
        return tuple(self._seen[depth] for depth in sorted(self._seen))

    def _check(
        self, _: SSL.Connection, certificate: crypto.X509, _code: int, depth: int, _fine: int
    ) -> bool:
        """Whoever is known is taken, whoever has signed it. The client's own comes last."""
        from cryptography.hazmat.primitives.serialization import Encoding

        shown = certificate.to_cryptography()
        self._seen[depth] = shown.public_bytes(Encoding.DER)
        return depth > 0 or self._knows(self.chain)


def _is_hello(data: bytes) -> bool:
    """Whether somebody begins anew."""
    return len(data) > _HEADER and data[0] == _HANDSHAKE and data[_HEADER] == _CLIENT_HELLO


def _datagrams(records: bytes) -> list[bytes]:
    """One record each: a loss costs as little as it can."""
    found = []
    while records:
        end = _HEADER + int.from_bytes(records[_HEADER - 2 : _HEADER], "big")
        found.append(records[:end])
        records = records[end:]
    return found
