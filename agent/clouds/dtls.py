"""DTLS 1.2 as a client: a channel of datagrams to a server that has proved who it is.

The handshake and its repetitions are OpenSSL's, through pyOpenSSL; this carries its datagrams.
Pre-shared keys are not here: pyOpenSSL has none. Source: RFC 6347.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import TYPE_CHECKING, Final

from agent.clouds.datagrams import Datagrams, resolve
from agent.clouds.dtls_trust import HOST_MISMATCH, REASONS, names_host, trust

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from OpenSSL import SSL, crypto

    from agent.clouds.datagrams import Address
    from agent.clouds.route import Route
    from agent.settings.credentials import Certificate

HANDSHAKE_LIMIT_S: Final = 15.0
"""OpenSSL repeats after 1, 2, 4 and 8 s: three losses in a row."""
MTU: Final = 1024
"""Bytes of a datagram; what the DTLS of ThingsBoard is set to (thingsboard.yml)."""
DTLS_1_2: Final = 0xFEFD
_HEADER: Final = 13
"""Bytes before each record; the last two are its length."""
_READ: Final = 64 * 1024
_SHORTEST_WAIT_S: Final = 0.001
"""OpenSSL's clock and that of the loop are not the same."""


class DtlsUntrusted(ssl.SSLCertVerificationError):
    """The server's certificate is not accepted; nothing was sent."""

    def __init__(self, code: int, host: str, shown: bytes) -> None:
        said = REASONS.get(code, f"check {code} of the certificate failed")
        if code == HOST_MISMATCH:
            said = f"certificate is not valid for '{host}'"
        super().__init__(1, said)
        self.verify_code = code
        self.verify_message = said
        self.shown = shown
        """Its certificate (DER)."""


class DtlsClient:
    """How to connect: whom to trust, and the certificate to show where one is asked for."""

    def __init__(
        self, route: Route, own: Certificate | None = None, *, limit_s: float = HANDSHAKE_LIMIT_S
    ) -> None:
        self._route = route
        self._own = own
        self._limit_s = limit_s

    async def connect(self, host: str, port: int) -> DtlsChannel:
        """An open channel to the first address of ``host`` that answers.

        ``OSError`` if there is none, ``TimeoutError`` if it stays silent, :class:`DtlsUntrusted`,
        ``ssl.SSLError`` if it ends the handshake. Nothing of ours was sent then.
        """
        async with asyncio.timeout(self._limit_s):
            context = await asyncio.to_thread(self._context)
            failed: OSError | None = None
            for address in await resolve(host, port):
                try:
                    return await _connected(context, host, address)
                except (ssl.SSLError, TimeoutError):
                    raise
                except OSError as error:  # nobody listens at this one of its addresses
                    failed = failed or error
        raise failed or OSError(f"no address of {host}")

    def _context(self) -> SSL.Context:
        from OpenSSL import SSL

        context = SSL.Context(SSL.DTLS_CLIENT_METHOD)
        context.set_min_proto_version(DTLS_1_2)
        context.set_options(SSL.OP_NO_QUERY_MTU)
        trust(context, self._route)
        if self._own is not None:
            _show(context, self._own)
        return context


class DtlsChannel:
    """An open connection. Make it with :meth:`DtlsClient.connect`."""

    block_exponent = 5
    """512 bytes: with the headers of both protocols below :data:`MTU`."""

    def __init__(self, context: SSL.Context, host: str, wire: Datagrams) -> None:
        from OpenSSL import SSL

        self._ssl = SSL
        self._host = host
        self._wire = wire
        self._wrong = 0
        self._refused: DtlsUntrusted | None = None
        self._connection = SSL.Connection(context, None)
        self._connection.set_connect_state()
        self._connection.set_ciphertext_mtu(MTU)
        self._connection.set_verify(SSL.VERIFY_PEER, self._check)
        if ":" not in host and not host.replace(".", "").isdigit():
            self._connection.set_tlsext_host_name(host.encode())

    async def shake_hands(self) -> None:
        """Once, at the beginning. See :meth:`DtlsClient.connect`."""
        while True:
            try:
                self._connection.do_handshake()
            except self._ssl.WantReadError:
                self._flush()
                await self._hear()
            except self._ssl.Error as error:
                self._flush()
                raise self._refused or self._explained(error) from error
            else:
                self._flush()
                return

    def send(self, data: bytes) -> None:
        """See :class:`Channel`."""
        try:
            self._connection.send(data)
        except self._ssl.Error as error:
            raise self._explained(error) from error
        self._flush()

    async def receive(self) -> bytes:
        """See :class:`Channel`."""
        while True:
            try:
                return self._connection.recv(_READ)
            except self._ssl.WantReadError:
                self._flush()
                await self._hear()
            except self._ssl.ZeroReturnError as error:
                raise ConnectionResetError("the server has closed the connection") from error
            except self._ssl.Error as error:
                raise self._explained(error) from error

    def close(self) -> None:
        """See :class:`Channel`; says so to the server, once."""
        with contextlib.suppress(self._ssl.Error):
            self._connection.shutdown()
        self._flush()
        self._wire.close()

    async def _hear(self) -> None:
        """One datagram, or the moment at which OpenSSL repeats what was lost."""
        wait_s = self._connection.DTLSv1_get_timeout()
        at_least = None if wait_s is None else max(wait_s, _SHORTEST_WAIT_S)
        try:
            async with asyncio.timeout(at_least) as limit:
                data = await self._wire.receive()
        except TimeoutError:
            if not limit.expired():
                raise  # the system's own
            try:
                self._connection.DTLSv1_handle_timeout()
            except self._ssl.Error as error:
                raise self._explained(error) from error
            self._flush()
        else:
            self._connection.bio_write(data)

    def _flush(self) -> None:
        try:
            records = self._connection.bio_read(_READ)
        except self._ssl.WantReadError:
            return
        for datagram in pack(records, MTU):
            self._wire.send(datagram)

    def _check(
        self, _: SSL.Connection, certificate: crypto.X509, code: int, depth: int, fine: int
    ) -> bool:
        """OpenSSL asks this for each certificate, the server's own last.

        What was wrong above is told there too: only then the certificate is known.
        """
        if not fine and not self._wrong:
            self._wrong = code
        if depth > 0:
            return True
        from OpenSSL import crypto

        if not self._wrong and fine and not names_host(certificate.to_cryptography(), self._host):
            self._wrong = HOST_MISMATCH
        if self._wrong:
            shown = crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
            self._refused = DtlsUntrusted(self._wrong, self._host, shown)
        return not self._wrong

    def _explained(self, error: SSL.Error) -> OSError:
        """In the words of Python's own TLS, which those who tell a person know."""
        said = error.args[0] if error.args else ()
        reason = said[-1][-1] if said and isinstance(said, list) else type(error).__name__
        told = ssl.SSLError(1, str(reason))
        told.reason = str(reason).upper().replace(" ", "_")
        return told


def pack(records: bytes, mtu: int) -> list[bytes]:
    """Records as datagrams, each as full as it may be; a record is never cut."""
    datagrams: list[bytes] = []
    at = begin = 0
    while at + _HEADER <= len(records):
        end = at + _HEADER + int.from_bytes(records[at + _HEADER - 2 : at + _HEADER], "big")
        if end - begin > mtu and at > begin:
            datagrams.append(records[begin:at])
            begin = at
        at = end
    if begin < len(records):
        datagrams.append(records[begin:])
    return datagrams


async def _connected(context: SSL.Context, host: str, address: Address) -> DtlsChannel:
    wire = await Datagrams.open(address)
    try:
        channel = DtlsChannel(context, host, wire)
        await channel.shake_hands()
    except BaseException:
        wire.close()
        raise
    return channel


def _show(context: SSL.Context, own: Certificate) -> None:
    """Let ``context`` prove with ``own`` who connects; :class:`InputError` if it cannot be used."""
    from cryptography import x509
    from OpenSSL import SSL, crypto

    from agent.errors import InputError

    try:
        key = _private_key(own.key.reveal().encode())
        leaf, *chain = x509.load_pem_x509_certificates(own.certificate.encode())
        context.use_certificate(leaf)
        for upper in chain:
            context.add_extra_chain_cert(upper)
        context.use_privatekey(key)
        context.check_privatekey()
    except (ValueError, TypeError, SSL.Error, crypto.Error):
        raise InputError(field="certificate", problem="cannot be used for DTLS") from None


def _private_key(pem: bytes) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    key = serialization.load_pem_private_key(pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise TypeError  # what ThingsBoard's DTLS takes
    return key
