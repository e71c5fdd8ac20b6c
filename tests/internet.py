"""A small Internet on this computer: authorities, servers with TLS, and real proxies."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import ipaddress
import ssl
from email.utils import formatdate
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

HOST = "cloud.test"
"""A name in a domain that exists nowhere (RFC 6761): only a proxy can lead there."""


class Authority:
    """Signs certificates of servers."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example Corporation"),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        self._count = 0
        own = self._signed(self._name, self._key, (-400, 400), [], authority=True)
        self.pem = folder / "authority.pem"
        self.pem.write_bytes(own.public_bytes(serialization.Encoding.PEM))
        self.der = folder / "authority.cer"
        self.der.write_bytes(own.public_bytes(serialization.Encoding.DER))

    def context(self, *hosts: str, days: tuple[float, float] = (-1, 1)) -> ssl.SSLContext:
        """What a server of ``hosts`` shows; ``days`` from now to now of its validity."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
        made = self._signed(name, key, days, list(hosts), authority=False)
        file = self._folder / f"server-{self._count}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + made.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _signed(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        days: tuple[float, float],
        hosts: list[str],
        *,
        authority: bool,
    ) -> x509.Certificate:
        self._count += 1
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .issuer_name(self._name)
            .subject_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=days[0]))
            .not_valid_after(now + datetime.timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False
            )
        )
        if hosts:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general(host) for host in hosts]), critical=False
            )
        return builder.sign(self._key, hashes.SHA256())


def of_version_4(pem: str) -> str:
    """The certificate in PEM as one of a version that does not exist; some devices make such."""
    der = ssl.PEM_cert_to_DER_cert(pem)
    version_3 = b"\xa0\x03\x02\x01\x02"
    assert der.count(version_3) == 1
    return ssl.DER_cert_to_PEM_cert(der.replace(version_3, b"\xa0\x03\x02\x01\x03"))


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


Answer = bytes
OK_ANSWER: Answer = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
)


class Site:
    """A server that gives the same answer to every request."""

    def __init__(self, answer: Answer = OK_ANSWER, *, off_s: float = 0) -> None:
        self.answer = answer
        self.off_s = off_s
        self.requests: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it ends."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                moment = datetime.datetime.now(datetime.UTC).timestamp() + self.off_s
                date = f"\r\nDate: {formatdate(moment, usegmt=True)}\r\n".encode()
                writer.write(self.answer.replace(b"\r\n", date, 1))
                await writer.drain()
        await _end(writer)

    @contextlib.asynccontextmanager
    async def running(self, context: ssl.SSLContext | None = None) -> AsyncIterator[Site]:
        """Listen on a port of this computer."""
        async with listening(self.serve, context) as self.port:
            yield self


class RealProxy:
    """A proxy that makes tunnels (CONNECT), asks for an account, or opens what goes through it."""

    def __init__(
        self,
        to: dict[str, int] | None = None,
        *,
        account: str = "",
        schemes: tuple[str, ...] = ("Basic realm=proxy",),
        status: str = "",
        reads_along: ssl.SSLContext | None = None,
    ) -> None:
        """``to``: ports of this computer by host; ``account``: ``name:password`` that it wants.

        ``status`` is what it answers in the place of a tunnel; with ``reads_along`` it is the
        server itself, with that certificate.
        """
        self.to = to or {}
        self.account = account
        self.schemes = schemes
        self.status = status
        self.asked: list[bytes] = []
        self.tunnels = 0
        self.port = 0
        self._reads_along = reads_along
        self._inside = Site()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One tunnel, or the refusal."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ssl.SSLError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.asked.append(head)
            host, _, port = head.split()[1].decode().rpartition(":")
            refusal = self.status or ("" if self._may(head) else "407 Who are you")
            if refusal:
                wanted = "".join(f"Proxy-Authenticate: {each}\r\n" for each in self.schemes)
                writer.write(f"HTTP/1.1 {refusal}\r\n{wanted}Content-Length: 0\r\n\r\n".encode())
                await writer.drain()
                await _end(writer)
                return
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            self.tunnels += 1
            if self._reads_along is not None:
                await writer.start_tls(self._reads_along)
                await self._inside.serve(reader, writer)
                return
            there = await asyncio.open_connection("127.0.0.1", self.to.get(host, int(port)))
            try:
                await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))
            finally:
                there[1].transport.abort()
        await _end(writer)

    @property
    def inside(self) -> list[bytes]:
        """Requests that it read along."""
        return self._inside.requests

    def _may(self, head: bytes) -> bool:
        wanted = base64.b64encode(self.account.encode())
        return not self.account or b"Proxy-Authorization: Basic " + wanted in head

    @contextlib.asynccontextmanager
    async def running(self, context: ssl.SSLContext | None = None) -> AsyncIterator[RealProxy]:
        """Listen on a port of this computer."""
        async with listening(self.serve, context) as self.port:
            yield self


@contextlib.asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], object],
    context: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
) -> AsyncIterator[int]:
    """Call ``serve`` for each connection to the port; all of them have ended afterwards."""
    served: set[asyncio.Task[object]] = set()

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        served.add(task)
        try:
            await serve(reader, writer)  # type: ignore[misc]  # a coroutine function
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            served.discard(task)

    server = await asyncio.start_server(keep, host, 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        tasks = list(served)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


@contextlib.asynccontextmanager
async def in_front_of(port: int, context: ssl.SSLContext) -> AsyncIterator[int]:
    """A port with TLS whose connections go on to ``port`` of this computer without it."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(_pump(reader, outer), _pump(inner, writer))
        finally:
            outer.transport.abort()

    async with listening(carry, context) as own_port:
        yield own_port


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    await _end(writer)


async def _end(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, ssl.SSLError):
        await writer.wait_closed()
