"""One HTTP request to a board on its own network: no proxy, no redirects, and nothing is logged.

Libraries for HTTP log the address of each request, and that of a Blynk board holds a password.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.errors import PortFailed, PortGone

if TYPE_CHECKING:
    import h11

CONNECT_LIMIT_S: Final = 5.0
"""A board answers within milliseconds; two lost packets cost 3 s."""
READ_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """What a board answered."""

    status: int
    body: bytes


async def get(
    host: str,
    port: int,
    target: str,
    *,
    limit_s: float,
    body_bytes: int,
    local: str | None = None,
) -> Reply:
    """GET ``target`` (path and query, escaped); the answer has at most ``body_bytes``.

    ``local`` is the address of the network card to use, where there are several. Raises
    :class:`PortGone` if the board cannot be reached, hangs up or says nothing within ``limit_s``, and
    :class:`PortFailed` if what it says is no HTTP. Neither holds the target.
    """
    address = f"http://{host}:{port}"
    try:
        async with asyncio.timeout(limit_s):
            async with asyncio.timeout(CONNECT_LIMIT_S):
                reader, writer = await asyncio.open_connection(
                    host, port, local_addr=(local, 0) if local else None
                )
            try:
                return await _talk(reader, writer, (host, target, address), body_bytes)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, EOFError, TimeoutError):
        raise PortGone(port=address) from None


async def _talk(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    what: tuple[str, str, str],
    body_bytes: int,
) -> Reply:
    import h11

    host, target, address = what
    connection = h11.Connection(h11.CLIENT)
    headers = [("Host", host), ("Connection", "close"), ("Accept", "application/json")]
    request = connection.send(h11.Request(method="GET", target=target, headers=headers))
    writer.write((request or b"") + (connection.send(h11.EndOfMessage()) or b""))
    await writer.drain()
    try:
        return await _read(reader, connection, body_bytes)
    except h11.RemoteProtocolError:
        if connection.their_state is h11.ERROR and reader.at_eof():
            raise PortGone(port=address) from None
        raise PortFailed(port=address, detail="what answers there is no web server") from None


async def _read(reader: asyncio.StreamReader, connection: h11.Connection, body_bytes: int) -> Reply:
    import h11

    status, body = 0, bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(READ_BYTES))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > body_bytes:
                raise h11.RemoteProtocolError("too long")
        elif isinstance(event, h11.EndOfMessage):
            return Reply(status, bytes(body))
        elif isinstance(event, h11.ConnectionClosed):
            raise EOFError
