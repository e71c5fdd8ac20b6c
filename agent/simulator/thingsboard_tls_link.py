"""TLS as ThingsBoard's MQTT port does it, without I/O: any client certificate is let in.

The real server accepts whatever certificate a client can prove to have, and decides at CONNECT. The
library here accepts only what it was told to trust; so this reads the certificate off the handshake
(TLS 1.2 does not encrypt it) and puts it into the trust store of this one connection, before the
library comes to it. Source: MqttSslHandlerProvider of the server; RFC 5246, 6.2 and 7.4.6.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING, Final

from agent.simulator.thingsboard_tls import signs_downwards

if TYPE_CHECKING:
    from agent.simulator.thingsboard_tls import Certificates

_HANDSHAKE: Final = 22
_RECORDS: Final = frozenset({20, 21, _HANDSHAKE, 23})
"""Kinds of record."""
_CERTIFICATE: Final = 11
_RECORD_HEAD: Final = 5
_MESSAGE_HEAD: Final = 4
_MESSAGE_MAX: Final = 1 << 16
"""Bytes of one message of a handshake; a chain of certificates has a few thousand."""
READ_BYTES: Final = 1 << 16


class TlsFailed(Exception):
    """The handshake failed or the connection is no TLS; what is to be sent still tells the peer."""


class TlsLink:
    """A server's end of one connection. After each call send what :meth:`take` gives."""

    def __init__(self, certificates: Certificates) -> None:
        self._context = certificates.asking_context()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._link = self._context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._records = bytearray()
        self._messages = bytearray()
        self._in_clear = True
        """Until the client changes its cipher, all records are readable."""
        self.ready = False
        """Whether the handshake is over."""
        self.chain: tuple[bytes, ...] = ()
        """The client's certificates (DER), its own first; proven once ``ready``."""

    def feed(self, data: bytes) -> bytes:
        """What the peer sent, in clear. Raises :class:`TlsFailed`; at the end of TLS ``EOFError``."""
        try:
            if self.ready:
                self._incoming.write(data)
            else:
                self._hand_shake(data)
            return self._read() if self.ready else b""
        except ssl.SSLError as error:
            raise TlsFailed(error.reason or str(error)) from None

    def send(self, data: bytes) -> None:
        """Encrypt; before the handshake is over there is nothing to say."""
        if data:
            self._link.write(data)

    def take(self) -> bytes:
        """What is to be sent."""
        return self._outgoing.read()

    def close(self) -> None:
        """Say that this was the end, so that the peer does not take it for a cut."""
        # Wanted: the peer's own end, which nobody waits for; or it is gone already.
        with contextlib.suppress(ssl.SSLError):
            self._link.unwrap()

    def _hand_shake(self, data: bytes) -> None:
        self._records += data
        while not self.ready and len(self._records) >= _RECORD_HEAD:
            size = _RECORD_HEAD + int.from_bytes(self._records[3:5], "big")
            if len(self._records) < size and self._records[0] in _RECORDS:
                break  # what is no TLS is left to the library, which says so
            record = bytes(self._records[:size])
            del self._records[:size]
            self._in_clear = self._in_clear and record[0] == _HANDSHAKE
            if self._in_clear:
                self._look(record[_RECORD_HEAD:])
            self._incoming.write(record)
            try:
                self._link.do_handshake()
            except ssl.SSLWantReadError:
                continue
            self.ready = True
            self._incoming.write(bytes(self._records))
            self._records.clear()

    def _look(self, fragment: bytes) -> None:
        """Find the client's certificate in the messages of the handshake."""
        self._messages += fragment
        while len(self._messages) >= _MESSAGE_HEAD:
            size = _MESSAGE_HEAD + int.from_bytes(self._messages[1:4], "big")
            if size > _MESSAGE_MAX:
                raise TlsFailed(f"a message of the handshake has {size} bytes")
            if len(self._messages) < size:
                return
            if self._messages[0] == _CERTIFICATE:
                self._trust(bytes(self._messages[_MESSAGE_HEAD + 3 : size]))
            del self._messages[:size]

    def _trust(self, listed: bytes) -> None:
        chain = []
        while len(listed) > 3:
            size = int.from_bytes(listed[:3], "big")
            chain.append(listed[3 : 3 + size])
            listed = listed[3 + size :]
        self.chain = tuple(chain)
        if chain:
            if not signs_downwards(self.chain):
                raise TlsFailed("the client's certificates do not sign each other")
            self._context.load_verify_locations(cadata=chain[0])

    def _read(self) -> bytes:
        clear = bytearray()
        while True:
            try:
                part = self._link.read(READ_BYTES)
            except ssl.SSLWantReadError:
                return bytes(clear)
            except ssl.SSLZeroReturnError:
                part = b""
            if not part:
                if clear:
                    return bytes(clear)
                raise EOFError
            clear += part
