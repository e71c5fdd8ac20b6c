"""A UDP socket that speaks to one address, as a channel of datagrams."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, cast

if TYPE_CHECKING:
    from typing import Self

QUEUE: Final = 64
"""Datagrams that wait; one that finds no place is lost, as on any network."""
LARGEST: Final = 16 * 1024
"""Bytes; a datagram above the largest record of DTLS is nobody's."""
Address: TypeAlias = tuple[str, int]
"""An address in numbers, with its zone where it has one, and the port."""


class Channel(Protocol):
    """Datagrams to and from one server, in clear or encrypted below."""

    block_exponent: int
    """Two to the power of this, minus 4, is how much of a body fits into one (CoAP)."""

    def send(self, data: bytes) -> None:
        """Send one, which may be lost; ``OSError`` if the server has ended it."""

    async def receive(self) -> bytes:
        """The next one; ``OSError`` if there is no way to the server, or it has ended it."""

    def close(self) -> None:
        """Send no more."""


async def resolve(host: str, port: int) -> list[Address]:
    """Where ``host`` is, in the order in which the system would try; ``OSError``."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    return [(str(where[0]), int(where[1])) for _, _, _, _, where in found]


class Datagrams(asyncio.DatagramProtocol):
    """Make it with :meth:`open`."""

    block_exponent = 6

    def __init__(self) -> None:
        self._heard: asyncio.Queue[bytes | OSError] = asyncio.Queue(QUEUE)
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(cls, address: Address) -> Self:
        """A socket of its own; ``OSError`` if there is no way there."""
        loop = asyncio.get_running_loop()
        _, opened = await loop.create_datagram_endpoint(cls, remote_addr=address)
        return opened

    def send(self, data: bytes) -> None:
        """See :class:`Channel`."""
        if self._transport is not None:
            self._transport.sendto(data)

    async def receive(self) -> bytes:
        """See :class:`Channel`."""
        heard = await self._heard.get()
        if isinstance(heard, OSError):
            raise heard
        return heard

    def close(self) -> None:
        """See :class:`Channel`; what was sent before still goes out."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See the base class."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, _address: object) -> None:
        """See the base class."""
        if 0 < len(data) <= LARGEST:
            self._keep(data)

    def error_received(self, error: Exception) -> None:
        """See the base class."""
        self._keep(error if isinstance(error, OSError) else OSError(str(error)))

    def _keep(self, heard: bytes | OSError) -> None:
        if not self._heard.full():
            self._heard.put_nowait(heard)
